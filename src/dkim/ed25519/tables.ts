import { hash } from 'node:crypto';
import { bitsOf, ELEMENT, type Field, LIMBS, openField, POINT, SUM, WORKED_IN } from './field.ts';

// Multiples of points, so that multiplying one is adding alone: the edwards25519 of RFC 8032 §5.1.

const P = 2n ** 255n - 19n;
/** Order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const ROOT_OF_MINUS_1 = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
const BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960n;

/** Bits of a digit; it stands for a value from -32 to 31. */
const DIGIT_BITS = 6;
const HALF = 2 ** (DIGIT_BITS - 1);
/** Digits of a scalar below 2^253. */
const DIGITS = 43;
const TABLE = DIGITS * HALF * POINT;
/** A point of the sum, as X, Y, Z and T. */
const EXTENDED = 4 * ELEMENT;

/** Addresses behind those of {@link Field}. */
const ROOM = {
  inverse: WORKED_IN,
  twiceD: WORKED_IN + ELEMENT,
  powers: WORKED_IN + 2 * ELEMENT,
  products: WORKED_IN + 6 * ELEMENT,
  points: WORKED_IN + (6 + HALF) * ELEMENT,
  tables: WORKED_IN + (6 + HALF) * ELEMENT + HALF * EXTENDED,
} as const;
const PAGE = 65_536;

function modulo(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

function inverse(value: bigint): bigint {
  return power(modulo(value), P - 2n);
}

type Affine = { readonly x: bigint; readonly y: bigint };

/** RFC 8032 §5.1.3; null for what is no point, or not written as it has to be. */
function decode(encoded: Buffer): Affine | null {
  const value = fromLittleEndian(encoded);
  const isOdd = value >> 255n === 1n;
  const y = BigInt.asUintN(255, value);
  return y < P ? pointAt(y, isOdd) : null;
}

function pointAt(y: bigint, isOdd: boolean): Affine | null {
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  const x = (root * root) % P === square ? root : (root * ROOT_OF_MINUS_1) % P;
  if ((x * x) % P !== square || (x === 0n && isOdd)) return null;
  return { x: (x & 1n) === (isOdd ? 1n : 0n) ? x : P - x, y };
}

/** How the eight points of small order (1, 2, 4 and 8) begin; a sign is the only difference between some. */
const SMALL_ORDER = new Set([0x00000001, 0xffffffec, 0x00000000, 0x8f95e826, 0x706a17c7]);

/** OpenSSL takes no such key and no such R; another point begins like them once in a thousand million. */
function mayBeOfSmallOrder(encoded: Buffer): boolean {
  return SMALL_ORDER.has(encoded.readUInt32LE(0));
}

function fromLittleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function toLittleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

/** Whether this many bytes, least significant first, are below the order (RFC 8032 §5.1.7). */
function isScalar(bytes: Buffer): boolean {
  // All but one in 2^128 of those that are, are below 2^252.
  return (bytes[31] as number) < 0x10 || fromLittleEndian(bytes) < L;
}

/** A number of 64 bytes, least significant first, modulo the order: 32 bytes. */
function scalarOf(bytes: Buffer): Buffer {
  return toLittleEndian(fromLittleEndian(bytes) % L);
}

/** Where each limb begins in 32 bytes. */
const PLACES = Array.from({ length: LIMBS }, (_, limb) => Math.ceil(limb * 25.5));

function limbOf(bytes: Buffer, limb: number): number {
  const place = PLACES[limb] as number;
  return (bytes.readUInt32LE(place >> 3) >>> (place & 7)) & (2 ** bitsOf(limb) - 1);
}

/**
 * The digits of a scalar in base 64, least significant first, each from -32 to 31: half as many multiples are needed
 * of what can be taken off as well.
 *
 * @param scalar  32 bytes, least significant first, below 2^253
 */
function digitsOf(scalar: Buffer, digits: Int8Array): void {
  let carry = 0;
  for (let index = 0; index < DIGITS; index += 1) {
    const bit = index * DIGIT_BITS;
    const byte = bit >> 3;
    const pair = (scalar[byte] as number) | ((scalar[byte + 1] ?? 0) << 8);
    const digit = ((pair >> (bit & 7)) & (2 * HALF - 1)) + carry;
    carry = digit >= HALF ? 1 : 0;
    digits[index] = digit - carry * 2 * HALF;
  }
}

/** Tables of some points: the first is that of the base point, the others belong to keys. */
export class Tables {
  private readonly field: Field;
  private readonly limbs: Int32Array;
  private readonly digits = new Int8Array(DIGITS);
  private readonly keys: Buffer[] = [];

  /** @throws RangeError or ReferenceError where there is no WebAssembly or no memory for it */
  constructor(count: number) {
    this.field = openField(Math.ceil((ROOM.tables + (count + 1) * TABLE) / PAGE));
    this.limbs = new Int32Array(this.field.memory.buffer);
    this.write(ROOM.twiceD, 2n * D);
    this.fill(0, pointAt(BASE_Y, false) as Affine);
  }

  /**
   * Make the table of a key, in place of another.
   *
   * @param key  as RFC 8032 §5.1.2 encodes it
   * @returns false for what is no point, or one of small order
   */
  set(place: number, key: Buffer): boolean {
    const point = decode(key);
    if (point === null || mayBeOfSmallOrder(key)) return false;
    this.fill(place + 1, point);
    this.keys[place] = key;
    return true;
  }

  /**
   * Whether a signature is valid: `R = [S]B - [k]A`, byte for byte (RFC 8032 §5.1.7, without the cofactor), and R not of
   * small order, as OpenSSL has it.
   *
   * @param place  of the table of its key
   */
  verifies(place: number, message: Buffer, signature: Buffer): boolean {
    const key = this.keys[place];
    if (key === undefined || signature.length !== 64) return false;
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
    if (!isScalar(s) || mayBeOfSmallOrder(r)) return false;
    const k = scalarOf(hash('sha512', Buffer.concat([r, key, message]), 'buffer'));
    this.clear();
    this.addMultiple(0, s, 0);
    this.addMultiple(place + 1, k, 1);
    const { field } = this;
    this.invert(ROOM.inverse, SUM.z);
    for (const coordinate of [SUM.x, SUM.y]) {
      field.multiply(coordinate, coordinate, ROOM.inverse);
      this.reduce(coordinate);
    }
    return this.isEncoded(r);
  }

  private isEncoded(r: Buffer): boolean {
    for (let limb = 0; limb < LIMBS; limb += 1)
      if (this.limbs[SUM.y / 4 + limb] !== limbOf(r, limb)) return false;
    return ((this.limbs[SUM.x / 4] as number) & 1) === (r[31] as number) >> 7;
  }

  /** Nothing: the neutral element. */
  private clear(): void {
    this.limbs.fill(0, SUM.x / 4, SUM.room / 4);
    this.limbs[SUM.y / 4] = 1;
    this.limbs[SUM.z / 4] = 1;
  }

  private addMultiple(place: number, scalar: Buffer, negative: 0 | 1): void {
    const { digits, field } = this;
    digitsOf(scalar, digits);
    let row = ROOM.tables + place * TABLE;
    for (let index = 0; index < DIGITS; index += 1) {
      const digit = digits[index] as number;
      if (digit > 0) field.addPoint(row + (digit - 1) * POINT, negative);
      else if (digit < 0) field.addPoint(row + (-digit - 1) * POINT, 1 - negative);
      row += HALF * POINT;
    }
  }

  /** A row a digit: one to 32 times the point times the value of its place. */
  private fill(place: number, { x, y }: Affine): void {
    const start = ROOM.tables + place * TABLE;
    this.write(SUM.x, x);
    this.write(SUM.y, y);
    this.write(SUM.z, 1n);
    this.write(SUM.t, modulo(x * y));
    for (let row = start; row < start + TABLE; row += HALF * POINT) {
      this.keepSum(0);
      this.normalize(1, row);
      // Normalizing used it up.
      this.keepSum(0);
      for (let index = 1; index < HALF; index += 1) {
        this.field.addPoint(row, 0);
        this.keepSum(index);
      }
      this.normalize(HALF, row);
      // The next row is for the value of the next place, which is twice the last of this one.
      this.field.addPoint(row + (HALF - 1) * POINT, 0);
    }
  }

  private keepSum(index: number): void {
    const to = (ROOM.points + index * EXTENDED) / 4;
    this.limbs.copyWithin(to, SUM.x / 4, SUM.room / 4);
  }

  /** Make what is added of the first points that were kept; one inversion does for all of them. */
  private normalize(count: number, row: number): void {
    const { field } = this;
    const product = (index: number) => ROOM.products + index * ELEMENT;
    const z = (index: number) => ROOM.points + index * EXTENDED + SUM.z;
    this.limbs.copyWithin(product(0) / 4, z(0) / 4, (z(0) + ELEMENT) / 4);
    for (let index = 1; index < count; index += 1)
      field.multiply(product(index), product(index - 1), z(index));
    this.invert(ROOM.inverse, product(count - 1));
    for (let index = count - 1; index >= 0; index -= 1) {
      // What is inverted is the product up to this one.
      if (index > 0) field.multiply(product(index), ROOM.inverse, product(index - 1));
      else this.limbs.copyWithin(product(0) / 4, ROOM.inverse / 4, (ROOM.inverse + ELEMENT) / 4);
      field.multiply(ROOM.inverse, ROOM.inverse, z(index));
      this.writePoint(row + index * POINT, ROOM.points + index * EXTENDED, product(index));
    }
  }

  private writePoint(to: number, from: number, oneByZ: number): void {
    const { field } = this;
    const [x, y] = [from + SUM.x, from + SUM.y];
    field.multiply(x, x, oneByZ);
    field.multiply(y, y, oneByZ);
    field.add(to, y, x);
    field.subtract(to + ELEMENT, y, x);
    field.multiply(x, x, y);
    field.multiply(to + 2 * ELEMENT, x, ROOM.twiceD);
  }

  /** To the power of p - 2, so of 2^255 - 21. */
  private invert(out: number, of: number): void {
    const { field } = this;
    const a = ROOM.powers;
    const [b, c, d] = [a + ELEMENT, a + 2 * ELEMENT, a + 3 * ELEMENT] as const;
    field.square(a, of, 1);
    field.square(b, a, 2);
    field.multiply(b, of, b);
    field.multiply(a, a, b); // 11
    field.square(c, a, 1);
    field.multiply(b, b, c); // 2^5 - 1
    field.square(c, b, 5);
    field.multiply(b, c, b); // 2^10 - 1
    field.square(c, b, 10);
    field.multiply(c, c, b); // 2^20 - 1
    field.square(d, c, 20);
    field.multiply(c, d, c); // 2^40 - 1
    field.square(c, c, 10);
    field.multiply(b, c, b); // 2^50 - 1
    field.square(c, b, 50);
    field.multiply(c, c, b); // 2^100 - 1
    field.square(d, c, 100);
    field.multiply(c, d, c); // 2^200 - 1
    field.square(c, c, 50);
    field.multiply(b, c, b); // 2^250 - 1
    field.square(b, b, 5);
    field.multiply(out, b, a);
  }

  private write(at: number, value: bigint): void {
    const bytes = toLittleEndian(modulo(value));
    for (let limb = 0; limb < LIMBS; limb += 1) this.limbs[at / 4 + limb] = limbOf(bytes, limb);
  }

  /** Make all limbs those of a number from 0 to p - 1. */
  private reduce(at: number): void {
    const { limbs } = this;
    const first = at / 4;
    // How often p is in it: what 19 more would carry out of the top.
    let carry = (19 * (limbs[first + LIMBS - 1] as number) + 2 ** 24) >> 25;
    for (let limb = 0; limb < LIMBS; limb += 1)
      carry = ((limbs[first + limb] as number) + carry) >> bitsOf(limb);
    carry *= 19;
    for (let limb = 0; limb < LIMBS; limb += 1) {
      const value = (limbs[first + limb] as number) + carry;
      limbs[first + limb] = value & (2 ** bitsOf(limb) - 1);
      carry = value >> bitsOf(limb);
    }
  }
}
