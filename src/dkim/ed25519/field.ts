import { assemble, type Instructions, type Routine, wasm } from './assembler.ts';

// Arithmetic modulo p = 2^255 - 19 in ten limbs of alternately 26 and 25 bits, least significant first, each with a sign:
// a product of two is then a sum of products that fit in 64 bits, which WebAssembly multiplies at once. Bounds: limbs of a
// product are below 2^25.01 and 2^24.01; factors may be sums of three of those.

/** Bytes of an element: ten limbs of 32 bits. */
export const ELEMENT = 40;

export const LIMBS = 10;
const { get, set, i64, load, store, add, subtract, multiply, shiftLeft, shiftRight, call } = wasm;

/** Bits of a limb. */
export function bitsOf(limb: number): number {
  return limb % 2 === 0 ? 26 : 25;
}

/** Two odd limbs meet half a bit above their place, and what is above 2^255 counts 19 times below. */
function weight(i: number, j: number): 1 | 2 | 19 | 38 {
  const half = i % 2 === 1 && j % 2 === 1;
  if (i + j < LIMBS) return half ? 2 : 1;
  return half ? 38 : 19;
}

const LIMB = Array.from({ length: LIMBS }, (_, limb) => limb);

function sum(terms: readonly Instructions[]): Instructions {
  return terms.reduce((left, right) => add(left, right));
}

/** Bring limbs back to their size: what exceeds one goes to the next, in two rows at a time. */
function carried(first: number): Instructions {
  return [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0].map((limb) => {
    const bits = bitsOf(limb);
    const from = first + limb;
    const to = first + ((limb + 1) % LIMBS);
    const spill = first + LIMBS;
    const carry = shiftRight(add(get(from), i64(2 ** (bits - 1))), bits);
    return [
      set(spill, carry),
      set(to, add(get(to), limb === 9 ? multiply(get(spill), i64(19)) : get(spill))),
      set(from, subtract(get(from), shiftLeft(get(spill), bits))),
    ];
  });
}

function stored(address: Instructions, first: number): Instructions {
  return LIMB.map((limb) => store(address, limb * 4, get(first + limb)));
}

/** out = a b */
function product(): Routine {
  const [out, left, right] = [get(0), get(1), get(2)];
  // Locals: limbs of both, the right ones 19 times, the odd left ones twice, the sums, a carry.
  const [f, g, g19, f2, h] = [3, 13, 23, 33, 43];
  const term = (i: number, j: number): Instructions => {
    const times = weight(i, j);
    return multiply(get((times % 2 === 0 ? f2 : f) + i), get((times >= 19 ? g19 : g) + j));
  };
  return {
    name: 'multiply',
    parameters: 3,
    locals: 51,
    body: [
      LIMB.map((limb) => [
        set(f + limb, load(left, limb * 4)),
        set(g + limb, load(right, limb * 4)),
        limb > 0 ? set(g19 + limb, multiply(get(g + limb), i64(19))) : [],
        limb % 2 === 1 ? set(f2 + limb, shiftLeft(get(f + limb), 1)) : [],
      ]),
      LIMB.map((k) => set(h + k, sum(LIMB.map((i) => term(i, (k - i + LIMBS) % LIMBS))))),
      carried(h),
      stored(out, h),
    ],
  };
}

/** out = a to the power of 2^times; what is at `a` stays, unless it is `out`. */
function square(): Routine {
  const [out, from, times] = [get(0), get(1), 2];
  const [f, f2, f19, f38, h] = [3, 13, 23, 33, 43];
  /** Each pair of different limbs meets twice. */
  const term = (i: number, j: number): Instructions => {
    const all = weight(i, j) * (i === j ? 1 : 2);
    const factors: Readonly<Record<number, Instructions>> = {
      1: multiply(get(f + i), get(f + j)),
      2: multiply(get(f2 + i), get(f + j)),
      4: multiply(get(f2 + i), get(f2 + j)),
      19: multiply(get(f + i), get(f19 + j)),
      38: multiply(get(f2 + i), get(f19 + j)),
      76: multiply(get(f2 + i), get(f38 + j)),
    };
    return factors[all] as Instructions;
  };
  const pairs = (k: number): Instructions[] =>
    LIMB.flatMap((i) => LIMB.filter((j) => i <= j && (i + j) % LIMBS === k).map((j) => term(i, j)));
  return {
    name: 'square',
    parameters: 3,
    locals: 51,
    body: [
      wasm.repeat(times, [
        LIMB.map((limb) => [
          set(f + limb, load(from, limb * 4)),
          set(f2 + limb, shiftLeft(get(f + limb), 1)),
          set(f19 + limb, multiply(get(f + limb), i64(19))),
          set(f38 + limb, multiply(get(f + limb), i64(38))),
        ]),
        LIMB.map((k) => set(h + k, sum(pairs(k)))),
        carried(h),
        stored(out, h),
        set(1, out),
      ]),
    ],
  };
}

/** out = a + b, or a - b, limb by limb; nothing is carried. */
function limbwise(name: string, operation: typeof add): Routine {
  const body = LIMB.map((limb) =>
    store(get(0), limb * 4, operation(load(get(1), limb * 4), load(get(2), limb * 4))),
  );
  return { name, parameters: 3, locals: 0, body };
}

/** Where the sum that points are added to is: X, Y, Z and T = XY/Z, then room for what is in between. */
export const SUM = { x: 0, y: ELEMENT, z: 2 * ELEMENT, t: 3 * ELEMENT, room: 4 * ELEMENT } as const;

/** Bytes from the start that {@link Field} works in. */
export const WORKED_IN = 16 * ELEMENT;

/** A point as it is added: y + x, y - x and 2dxy. */
export const POINT = 3 * ELEMENT;

/**
 * Add a point to the sum, or take it off when the second parameter is not 0: the complete addition for a = -1 of Hisil,
 * Wong, Carter and Dawson, "Twisted Edwards Curves Revisited", 3.1.
 */
function pointAddition(routine: Readonly<Record<'multiply' | 'add' | 'subtract', number>>): Routine {
  const at = (element: number) => wasm.i32(element);
  const [a, b, c, d, e, f, g, h] = LIMB.map((index) => at(SUM.room + index * ELEMENT)) as [
    Instructions,
    Instructions,
    Instructions,
    Instructions,
    Instructions,
    Instructions,
    Instructions,
    Instructions,
  ];
  const [x, y, z, t] = [at(SUM.x), at(SUM.y), at(SUM.z), at(SUM.t)] as const;
  const part = (index: number): Instructions => [get(0), wasm.i32(index * ELEMENT), 0x6a];
  const does = (name: keyof typeof routine, ...places: Instructions[]) => call(routine[name], ...places);
  return {
    name: 'addPoint',
    parameters: 2,
    locals: 0,
    body: [
      does('subtract', a, y, x),
      does('add', b, y, x),
      // To take a point off is to add the one with -x: then its parts change places, and C its sign.
      wasm.branch(
        get(1),
        [does('multiply', a, a, part(0)), does('multiply', b, b, part(1))],
        [does('multiply', a, a, part(1)), does('multiply', b, b, part(0))],
      ),
      does('multiply', c, t, part(2)),
      does('add', d, z, z),
      does('subtract', e, b, a),
      does('add', h, b, a),
      wasm.branch(
        get(1),
        [does('add', f, d, c), does('subtract', g, d, c)],
        [does('subtract', f, d, c), does('add', g, d, c)],
      ),
      does('multiply', x, e, f),
      does('multiply', y, g, h),
      does('multiply', z, f, g),
      does('multiply', t, e, h),
    ],
  };
}

type ThreePlaces = (out: number, left: number, right: number) => void;

/** Routines over a memory of their own; every parameter is the address of an element but where it says otherwise. */
export type Field = {
  readonly memory: WebAssembly.Memory;
  readonly multiply: ThreePlaces;
  /** The last is how many times, at least once. */
  readonly square: ThreePlaces;
  readonly add: ThreePlaces;
  readonly subtract: ThreePlaces;
  /** The second says whether the point is taken off. */
  readonly addPoint: (point: number, negative: number) => void;
};

export function openField(pages: number): Field {
  const routines = [product(), square(), limbwise('add', add), limbwise('subtract', subtract)];
  const module = new WebAssembly.Module(
    assemble([...routines, pointAddition({ multiply: 0, add: 2, subtract: 3 })]),
  );
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(module, { m: { m: memory } });
  return { ...exports, memory } as unknown as Field;
}
