// A mutating fuzzer for parsers: seeds in, crashes and hangs out. With one seed of the dice it always does the same.

/** A parser, and what it is fed with. */
export type Target = {
  readonly name: string;
  readonly seeds: () => readonly Buffer[];
  /** Made once a run. Its result throws for what it must not throw for. */
  readonly start: () => Promise<Running> | Running;
};

export type Running = {
  readonly feed: (input: Buffer) => unknown;
  readonly stop?: () => Promise<void> | void;
};

/** An input that a target did not survive. */
export type Finding = { readonly input: Buffer; readonly what: string };

export type FuzzOptions = {
  /** Numbers below `n`, evenly. */
  readonly dice: (n: number) => number;
  /** Asked before each input. */
  readonly goOn: (runs: number, found: number) => boolean;
  /** How long an input of so many bytes may take, in milliseconds; a test on a loaded machine has no such limit. */
  readonly slowMs?: (bytes: number) => number;
};

/** Bytes that mean something to somebody. */
const TOKENS = [
  ...['(', ')', '"', '\\', '<', '>', '[', ']', '{', '}', ';', ':', ',', '=', '&', '%', '#', "'", '`', '/'],
  ...['\r\n', '\r\n ', '\n', '\t', '\0', '\x1b', '\xff', '\xc0', '\xff\xff\xff\xff', '\x00\x00\x00\x00'],
  ...[
    ' by ',
    ' with ',
    ' from ',
    ' id ',
    ' for ',
    'Received:',
    '::',
    '__proto__',
    'constructor',
    '1e999',
    '-1',
  ],
  ...[
    '<!DOCTYPE x [',
    '<!ENTITY a "b">',
    '&a;',
    ']]>',
    '<![CDATA[',
    '</',
    '%00',
    '%zz',
    '\\u0000',
    'null',
    '\xe2\x80\xae',
  ],
];

const MAX_BYTES = 64 * 1024;

/** Even numbers from a seed (mulberry32). */
export function seededDice(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
}

type Dice = FuzzOptions['dice'];

function pick<T>(items: readonly T[], dice: Dice): T {
  return items[dice(items.length)] as T;
}

/** One random change of one input. */
function mutate(input: Buffer, seeds: readonly Buffer[], dice: Dice): Buffer {
  const at = dice(input.length + 1);
  const length = 1 + dice(39);
  const [head, tail] = [input.subarray(0, at), input.subarray(at)];
  const token = () => Buffer.from(pick(TOKENS, dice), 'latin1');
  switch (dice(8)) {
    case 0:
      return Buffer.concat([head, tail.subarray(length)]);
    case 1:
      return Buffer.concat([head, token(), tail]);
    case 2:
      return Buffer.concat([head, ...Array<Buffer>(1 + dice(500)).fill(token()), tail]);
    case 3:
      return Buffer.concat([head, tail.subarray(0, length), tail]);
    case 4: {
      const other = pick(seeds, dice);
      return Buffer.concat([head, other.subarray(dice(other.length + 1))]);
    }
    case 5:
    case 6: {
      const copy = Buffer.from(input);
      if (copy.length > 0) copy[dice(copy.length)] = dice(256);
      return copy;
    }
    default:
      return head;
  }
}

/** One input: a seed with a few changes, sometimes with none. */
function invent(seeds: readonly Buffer[], dice: Dice): Buffer {
  let input = pick(seeds, dice);
  for (let count = dice(6); count > 0; count--) input = mutate(input, seeds, dice);
  return input.subarray(0, MAX_BYTES);
}

/** Feed a target for as long as is asked. */
export async function fuzz(
  { seeds: make, start }: Target,
  { dice, goOn, slowMs }: FuzzOptions,
): Promise<{ readonly runs: number; readonly findings: readonly Finding[] }> {
  const seeds = make();
  const { feed, stop } = await start();
  const findings: Finding[] = [];
  let runs = 0;
  for (; goOn(runs, findings.length); runs += 1) {
    const input = invent(seeds, dice);
    const begun = performance.now();
    try {
      await feed(input);
    } catch (error) {
      findings.push({ input, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    const ms = performance.now() - begun;
    if (slowMs && ms > slowMs(input.length))
      findings.push({ input, what: `${ms.toFixed(0)} ms for ${input.length} bytes` });
  }
  await stop?.();
  return { runs, findings };
}
