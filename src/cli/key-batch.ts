import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { AppError, ExitCode } from '../errors.ts';
import type { Desk } from '../yubikey/device.ts';
import { type Speaking, surveyDesk } from '../yubikey/survey.ts';

/** A key of a box, as its line in the list has it: what is printed on a label. */
export type BatchRow = {
  readonly label: string;
  readonly serial: number;
  readonly slot: number;
  readonly publicId: string | null;
  readonly time: string;
};

const HEADER = 'label,serial,slot,public_id,programmed';

/** How often it is looked whether another key was put in, in milliseconds. */
const LOOK_MS = 500;

function rowOf(line: string, file: string): BatchRow {
  const [label = '', serial = '', slot = '', publicId = '', time = ''] = line.split(',');
  if (/^\d+$/.test(serial) && /^[12]$/.test(slot))
    return { label, serial: Number(serial), slot: Number(slot), publicId: publicId || null, time };
  throw new AppError(`'${file}' is no list of a batch.`, {
    code: 'E_BATCH',
    exit: ExitCode.input,
    hint: `Name a new file; it gets the columns ${HEADER}.`,
  });
}

/** Keys that were done before, from the list of a batch; none when there is no such file yet. */
export function readBatchList(file: string): BatchRow[] {
  if (!existsSync(file)) return [];
  const [header = '', ...lines] = readFileSync(file, 'utf8').split('\n');
  if (header.trim() !== HEADER) return [rowOf(header, file)];
  // A last line without its end is of a machine that lost power; its key is on record and gets a new line.
  return lines.slice(0, -1).map((line) => rowOf(line.trim(), file));
}

/** Add a key to the list; it is on the disk when this returns. */
export function addToBatchList(file: string, rows: readonly BatchRow[], row: BatchRow): void {
  const lines = [...rows, row].map(
    ({ label, serial, slot, publicId, time }) => `${label},${serial},${slot},${publicId ?? ''},${time}`,
  );
  const fresh = !existsSync(file);
  const descriptor = openSync(file, fresh ? 'wx' : 'r+', 0o600);
  try {
    writeSync(descriptor, `${HEADER}\n${lines.join('\n')}\n`, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The label of the next key: the prefix and a number of three digits, after the highest that was given. */
export function nextLabel(prefix: string, rows: readonly BatchRow[]): string {
  const used = rows
    .filter(({ label }) => label.startsWith(prefix))
    .map(({ label }) => Number(label.slice(prefix.length)) || 0);
  return `${prefix}${String(Math.max(0, ...used) + 1).padStart(3, '0')}`;
}

/**
 * Wait until another key is put in than the one before.
 *
 * @param before  serial number of the last one; it has to be taken out
 * @returns its serial number; null for one that shows none
 */
export async function nextKey(
  openDesk: () => Promise<Desk>,
  speaking: Speaking,
  before: number | null | undefined,
): Promise<number | null> {
  for (let last = before; ; ) {
    speaking.signal.throwIfAborted();
    const keys = (await surveyDesk(await openDesk(), speaking)).filter(({ place, error }) => place && !error);
    const [only] = keys;
    if (keys.length === 0) last = undefined;
    if (keys.length === 1 && only && only.view.serial !== last) return only.view.serial;
    await speaking.timing.sleep(LOOK_MS);
  }
}
