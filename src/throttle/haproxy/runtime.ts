import { connect } from 'node:net';

/** How long HAProxy may take to answer, in milliseconds, and how much it may say. */
const DEADLINE_MS = 5000;
const MOST_SAID = 256 * 1024 * 1024;

/** Longest line of commands: HAProxy's buffer has 16 kB. */
const LONGEST_LINE = 12_000;

/** What HAProxy said, and whether that is all. */
export type Said = { readonly text: string; readonly isWhole: boolean };

/** One line of commands to the runtime API, and what HAProxy says until it closes, or has said as much as is read. */
function exchange(path: string, line: string, most: number): Promise<Said> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let said = 0;
    const end = (isWhole: boolean) => resolve({ text: Buffer.concat(chunks).toString('latin1'), isWhole });
    const socket = connect(path, () => socket.write(`${line}\n`));
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('HAProxy does not answer')));
    socket.on('data', (chunk: Buffer) => {
      said += chunk.length;
      chunks.push(chunk);
      if (said <= most) return;
      end(false);
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('end', () => end(true));
  });
}

/** Asks HAProxy one thing. @throws Error when it is not there, or takes too long */
export async function askHaproxy(path: string, command: string): Promise<string> {
  const { text, isWhole } = await exchange(path, command, MOST_SAID);
  if (isWhole) return text;
  throw new Error('HAProxy says too much');
}

/** Asks HAProxy for as much as is read of it. @throws Error as {@link askHaproxy} */
export async function peekHaproxy(path: string, command: string, mostBytes: number): Promise<Said> {
  const { text, isWhole } = await exchange(path, command, mostBytes);
  // The last line may be cut off.
  return { text: isWhole ? text : text.slice(0, text.lastIndexOf('\n') + 1), isWhole };
}

/** Tells HAProxy many things, as many in one go as it takes. */
export async function tellHaproxy(path: string, commands: readonly string[]): Promise<void> {
  let line = '';
  for (const command of commands) {
    if (line.length + command.length > LONGEST_LINE) {
      await exchange(path, line, MOST_SAID);
      line = '';
    }
    line += line === '' ? command : `;${command}`;
  }
  if (line !== '') await exchange(path, line, MOST_SAID);
}

/** One block as HAProxy has it. */
export type TableEntry = {
  /** `SITE|ADDRESS`. */
  readonly key: string;
  /** Seconds since the epoch. */
  readonly until: number;
  /** It began by bytes, not by requests. */
  readonly byBytes: boolean;
};

const ENTRY = /^0x[0-9a-f]+: key=(\S+) .*?\bgpt0=(\d+)/;
const BY_BYTES = /\bgpc0=[1-9]/;

/** What `show table` says of the table of blocks. */
export function parseTable(text: string): TableEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, key, until] = ENTRY.exec(line) ?? [];
    if (key === undefined || until === undefined || until === '0') return [];
    return [{ key, until: Number(until), byBytes: BY_BYTES.test(line) }];
  });
}

/** What is counted under a key of a table. */
export type Counts = { readonly key: string; readonly requests: number; readonly bytes: number };

/** What `show table` says of a table that counts requests and bytes sent. */
export function parseCounts(text: string): Counts[] {
  const rows = text.matchAll(/^0x[0-9a-f]+: key=(\S+) .*\bhttp_req_cnt=(\d+) bytes_out_cnt=(\d+)/gm);
  return [...rows].map(([, key = '', requests, bytes]) => ({
    key,
    requests: Number(requests),
    bytes: Number(bytes),
  }));
}

/** Entries of a table, which `show table` says in front of them; 0 when it does not. */
export function usedOf(text: string): number {
  return Number(/^# table: .*\bused:(\d+)/m.exec(text)?.[1] ?? 0);
}

/** What `show map` or `show acl` says: key and value, the value empty for a list. */
export function parseMap(text: string): Map<string, string> {
  const rows = text.split('\n').flatMap((line) => {
    const [, key, value] = /^0x[0-9a-f]+ (\S+)(?: (\S+))?$/.exec(line.trim()) ?? [];
    return key === undefined ? [] : [[key, value ?? ''] as const];
  });
  return new Map(rows);
}
