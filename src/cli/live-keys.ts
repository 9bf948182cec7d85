/** What a person does at a live view. */
export type Key = 'up' | 'down' | 'block' | 'unblock' | 'exempt' | 'pause' | 'quit';

const KEYS: Readonly<Record<string, Key>> = {
  '\x1b[A': 'up',
  '\x1b[B': 'down',
  '\x1bOA': 'up',
  '\x1bOB': 'down',
  k: 'up',
  j: 'down',
  b: 'block',
  u: 'unblock',
  e: 'exempt',
  ' ': 'pause',
  q: 'quit',
  '\x03': 'quit',
  '\x04': 'quit',
};

/** The keys in what a terminal sent, those that mean nothing left out; several may come at once. */
export function keysIn(text: string): readonly Key[] {
  const parts = text.match(/\x1b(?:\[|O)[A-Z]|[\s\S]/g) ?? [];
  return parts.flatMap((part) => KEYS[part] ?? []);
}

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Clear the screen and begin at its top. */
export const REPAINT = '\x1b[2J\x1b[H';

/** Whether there is a person who sees and types. */
export function isLive(): boolean {
  return process.stdout.isTTY === true && process.stdin.isTTY === true;
}

/**
 * Take the terminal for a live view: another screen, no cursor, keys as they are typed.
 *
 * @returns what gives it back as it was
 */
export function takeTerminal(onKey: (key: Key) => void): () => void {
  const onData = (text: string) => {
    for (const key of keysIn(text)) onKey(key);
  };
  process.stdout.write(ENTER);
  process.stdin.setRawMode(true).setEncoding('utf8').on('data', onData).resume();
  return () => {
    process.stdin.removeListener('data', onData).pause().setRawMode(false);
    process.stdout.write(LEAVE);
  };
}
