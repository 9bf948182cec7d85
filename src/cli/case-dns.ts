import { recordedResolver } from '../dns/recorded.ts';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import type { Case } from './batch.ts';
import { readWhole } from './input.ts';

/** Largest recording, in bytes. */
const MAX_RECORDING = 64_000_000;

/**
 * The DNS of the cases of a batch: recorded answers in the case (`"dns": {…}`), in a file (`"dns": "zone.json"`,
 * read once), or without either the resolver of the run.
 */
export function caseDns(pathOf: (name: string) => string, otherwise: Resolver) {
  const files = new Map<string, Promise<Resolver>>();
  /** @throws AppError `E_DNS_CACHE`, exit 65, when the answers are none */
  return ({ fields }: Case): Resolver | Promise<Resolver> => {
    const { dns } = fields;
    if (typeof dns === 'string') {
      const file = pathOf(dns);
      const known = files.get(file) ?? readRecording(file);
      files.set(file, known);
      return known;
    }
    return dns === undefined || dns === null ? otherwise : recordedResolver(dns);
  };
}

async function readRecording(file: string): Promise<Resolver> {
  const bytes = await readWhole(file, MAX_RECORDING);
  try {
    return recordedResolver(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError(`"dns": '${file}' is not JSON.`, {
      code: 'E_DNS_CACHE',
      exit: ExitCode.input,
      hint: '--dns-record writes such a file.',
      cause,
    });
  }
}
