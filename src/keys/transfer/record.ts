import { collector, type Found } from './entry.ts';

const FORMAT = 'postern-key-record/1';

/** A key that was programmed here, for a server elsewhere. */
export type TransferRecord = {
  readonly publicId: string;
  readonly privateId: Uint8Array;
  readonly aesKey: Uint8Array;
  readonly serial: number | null;
  /** Set once the key was seen to use these secrets. */
  readonly seen: {
    readonly useCounter: number;
    readonly sessionUse: number;
    readonly timestamp: number | null;
  } | null;
  readonly createdMs: number;
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A record as it stands in its file, one line. */
export function recordText(record: TransferRecord): string {
  const { publicId, privateId, aesKey, serial, seen, createdMs } = record;
  return `${JSON.stringify({
    schema: FORMAT,
    publicId,
    privateId: hex(privateId),
    aesKey: hex(aesKey),
    serial,
    state: seen ? 'active' : 'written',
    seen,
    created: new Date(createdMs).toISOString(),
  })}\n`;
}

const textOf = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Records that {@link recordText} wrote, one a line; undefined when the first line is none. */
export function keysFromRecords(text: string): Found | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (parsed(lines[0] ?? '')?.['schema'] !== FORMAT) return undefined;
  const { add, leave, found } = collector('record');
  for (const [index, line] of lines.entries()) {
    const where = `line ${index + 1}`;
    const record = parsed(line);
    if (record?.['schema'] !== FORMAT) {
      leave(where, 'it is no record of a key');
      continue;
    }
    const seen = (record['seen'] ?? {}) as Readonly<Record<string, unknown>>;
    const timestamp = seen['timestamp'];
    add(where, {
      publicId: textOf(record['publicId']),
      privateId: textOf(record['privateId']),
      aesKey: textOf(record['aesKey']),
      serial: textOf(record['serial']),
      useCounter: textOf(seen['useCounter']),
      sessionUse: textOf(seen['sessionUse']),
      timestamp: typeof timestamp === 'number' ? timestamp : undefined,
      // One that was never seen to work waits here for its first OTP.
      unseen: record['state'] !== 'active',
      active: '1',
    });
  }
  return found();
}
