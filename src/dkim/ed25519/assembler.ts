// As much of the binary format of WebAssembly as arithmetic needs (WebAssembly Core Specification, chapter 5).

type Code = readonly (number | Code)[];

/** A piece of a function: instructions, one after the other, pieces within pieces. */
export type Instructions = Code;

/** A function of addresses and counts, all of them i32, that returns nothing. */
export type Routine = {
  readonly name: string;
  readonly parameters: number;
  /** Of type i64, numbered after the parameters. */
  readonly locals: number;
  readonly body: Instructions;
};

const I32 = 0x7f;
const I64 = 0x7e;
const FUNCTION = 0x60;
const END = 0x0b;

/** Signed LEB128, for constants. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    const isLast = rest >> 6 === 0 || rest >> 6 === -1;
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** Unsigned LEB128, for sizes and indices. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** Instructions under the names that the specification gives them; all loads and stores are aligned to four. */
export const wasm = {
  get: (local: number): Code => [0x20, unsigned(local)],
  set: (local: number, value: Code): Code => [value, 0x21, unsigned(local)],
  i32: (value: number): Code => [0x41, signed(value)],
  i64: (value: number): Code => [0x42, signed(value)],
  load: (address: Code, offset: number): Code => [address, 0x34, 2, unsigned(offset)],
  store: (address: Code, offset: number, value: Code): Code => [address, value, 0x3e, 2, unsigned(offset)],
  add: (a: Code, b: Code): Code => [a, b, 0x7c],
  subtract: (a: Code, b: Code): Code => [a, b, 0x7d],
  multiply: (a: Code, b: Code): Code => [a, b, 0x7e],
  shiftLeft: (value: Code, bits: number): Code => [value, [0x42, signed(bits)], 0x86],
  shiftRight: (value: Code, bits: number): Code => [value, [0x42, signed(bits)], 0x87],
  call: (routine: number, ...values: readonly Code[]): Code => [values, 0x10, unsigned(routine)],
  /** Over again as often as the counter says, which has to be at least 1. */
  repeat: (counter: number, body: Code): Code => [
    [0x03, 0x40, body],
    [[0x20, unsigned(counter)], [0x41, 1], 0x6b, 0x22, unsigned(counter), 0x0d, 0, END],
  ],
  branch: (condition: Code, then: Code, otherwise: Code): Code => [
    condition,
    0x04,
    0x40,
    then,
    0x05,
    otherwise,
    END,
  ],
} as const;

function flatten(code: Code): number[] {
  const bytes: number[] = [];
  const walk = (piece: Code): void => {
    for (const each of piece) {
      if (typeof each === 'number') bytes.push(each);
      else walk(each);
    }
  };
  walk(code);
  return bytes;
}

function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
}

function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function text(value: string): Code {
  return sized([...Buffer.from(value)]);
}

/** A module of these routines, all of them exported; its memory is the import `m.m`. */
export function assemble(routines: readonly Routine[]): Uint8Array {
  const types = routines.map(({ parameters }): Code => [FUNCTION, vector(Array(parameters).fill([I32])), 0]);
  const section = (id: number, content: Code): Code => [id, sized(content)];
  return Uint8Array.from(
    flatten([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, vector(types)),
      section(2, vector([[text('m'), text('m'), 0x02, 0x00, 0x01]])),
      section(3, vector(routines.map((_, index) => unsigned(index)))),
      section(7, vector(routines.map(({ name }, index) => [text(name), 0x00, unsigned(index)]))),
      section(10, vector(routines.map(({ locals, body }) => sized([1, unsigned(locals), I64, body, END])))),
    ]),
  );
}
