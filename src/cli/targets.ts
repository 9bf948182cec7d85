import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import { readWhole } from './input.ts';

/** Largest list of targets, in bytes. */
const MAX_LIST = 64_000_000;

/** The targets of a list: one a line; blank lines and what follows a `#` are passed over. */
export function parseTargetList(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

async function readList(name: string): Promise<string[]> {
  return parseTargetList((await readWhole(name, MAX_LIST)).toString('utf8'));
}

/**
 * What a run is about: the arguments, of which `-` stands for a list on standard input, and then the list in
 * `--from-file`. Doubles are asked once.
 *
 * @throws AppError E_TARGET (exit 64) when nothing is left
 */
export async function collectTargets(
  given: readonly string[],
  fromFile: string | undefined,
): Promise<string[]> {
  const lists = [
    ...given.map((text) => (text === '-' ? readList('-') : [text])),
    fromFile ? readList(fromFile) : [],
  ];
  const targets = [...new Set((await Promise.all(lists)).flat())];
  if (targets.length > 0) return targets;
  throw new AppError('There is no target.', {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Name one or several, or a list with --from-file FILE ("-" for standard input).',
  });
}

/**
 * A domain that was given as an argument, as A-labels in lower case.
 *
 * @throws AppError E_TARGET (exit 64)
 */
export function domainArgument(text: string): string {
  const name = parseDomain(text, { underscores: true });
  if (name.kind === 'name') return name.ascii;
  throw new AppError(`'${text}' ${name.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org.',
  });
}
