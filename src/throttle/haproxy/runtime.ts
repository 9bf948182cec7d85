import { connect } from 'node:net';

/** How long HAProxy may take to answer, in milliseconds, and how much it may say. */
const DEADLINE_MS = 5000;
const MOST_SAID = 256 * 1024 * 1024;

/** Longest line of commands: HAProxy's buffer has 16 kB. */
const LONGEST_LINE = 12_000;

/** One line of commands to the runtime API, and what HAProxy says until it closes. */
function exchange(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let said = 0;
    const socket = connect(path, () => socket.write(`${line}\n`));
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('HAProxy does not answer')));
    socket.on('data', (chunk: Buffer) => {
      said += chunk.length;
      if (said > MOST_SAID) socket.destroy(new Error('HAProxy says too much'));
      else chunks.push(chunk);
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** Asks HAProxy one thing. @throws Error when it is not there, or takes too long */
export function askHaproxy(path: string, command: string): Promise<string> {
  return exchange(path, command);
}

/** Tells HAProxy many things, as many in one go as it takes. */
export async function tellHaproxy(path: string, commands: readonly string[]): Promise<void> {
  let line = '';
  for (const command of commands) {
    if (line.length + command.length > LONGEST_LINE) {
      await exchange(path, line);
      line = '';
    }
    line += line === '' ? command : `;${command}`;
  }
  if (line !== '') await exchange(path, line);
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

const ENTRY = /^0x[0-9a-f]+: key=(\S+) .*?\bgpt0=(\d+)(?:.*?\bgpc0=(\d+))?/;
const COUNT_FIRST = /\bgpc0=(\d+)/;

/** What `show table` says of the table of blocks. */
export function parseTable(text: string): TableEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, key, until] = ENTRY.exec(line) ?? [];
    if (key === undefined || until === undefined || until === '0') return [];
    return [{ key, until: Number(until), byBytes: Number(COUNT_FIRST.exec(line)?.[1] ?? 0) > 0 }];
  });
}

/** What `show map` or `show acl` says: key and value, the value empty for a list. */
export function parseMap(text: string): Map<string, string> {
  const rows = text.split('\n').flatMap((line) => {
    const [, key, value] = /^0x[0-9a-f]+ (\S+)(?: (\S+))?$/.exec(line.trim()) ?? [];
    return key === undefined ? [] : [[key, value ?? ''] as const];
  });
  return new Map(rows);
}
