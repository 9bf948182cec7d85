import { DocumentFault } from '../trust/json.ts';
import {
  NAME_FORMAT,
  type NamedDomain,
  type NameFile,
  type NameOrigin,
  namesOf,
  readNameFile,
  whyNoName,
  writeNameFile,
} from '../trust/name-file.ts';

/**
 * The domains of open sign-up that a person hands over: a file in the form in which readers get it, or plain names, one
 * a line, with lines of remarks that begin with `#`. Names that were known keep the day that they were taken up.
 *
 * @param origin  of plain names
 * @param before  what was published before; null at the beginning
 * @throws {DocumentFault} naming the line that is no name, or stands there twice
 */
export function openSignupFile(bytes: Buffer, origin: NameOrigin, before: NameFile | null): Buffer {
  if (bytes.subarray(0, NAME_FORMAT.length).equals(Buffer.from(NAME_FORMAT)))
    return writeNameFile(namesOf(readNameFile(bytes)));
  const known = new Map(
    [...(before === null ? [] : namesOf(before))].map((each) => [each.name, each.origin]),
  );
  const names = new Map<string, NamedDomain>();
  for (const [index, line] of bytes.toString('utf8').split('\n').entries()) {
    const name = line.trim();
    if (name === '' || name.startsWith('#')) continue;
    const fault = names.has(name) ? 'stands there twice' : whyNoName(name);
    if (fault !== null) throw new DocumentFault(`line ${index + 1}`, fault);
    const old = known.get(name);
    const since = old?.kind === origin.kind && old.source === origin.source ? old.date : origin.date;
    names.set(name, { name, origin: { ...origin, date: since } });
  }
  return writeNameFile(names.values());
}

/** How many names one file has that another lacks. */
export function countNew(file: NameFile | null, than: NameFile | null): number {
  const known = new Set([...(than === null ? [] : namesOf(than))].map(({ name }) => name));
  return [...(file === null ? [] : namesOf(file))].filter(({ name }) => !known.has(name)).length;
}
