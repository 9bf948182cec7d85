import {
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ed25519Verifier, loadSodium } from '../../../src/dkim/direct/ed25519.ts';

// Whatever is asked, OpenSSL is right.

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = modulo(-121665n * power(121666n, P - 2n));

function modulo(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) result = (result * result * (bit === '1' ? base : 1n)) % P;
  return result;
}

function number(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

function encoded(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

type Point = readonly [x: bigint, y: bigint];

function sum([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = modulo(D * x1 * x2 * y1 * y2);
  const over = (top: bigint, bottom: bigint) => modulo(top * power(modulo(bottom), P - 2n));
  return [over(x1 * y2 + x2 * y1, 1n + k), over(y1 * y2 + x1 * x2, 1n - k)];
}

function written([x, y]: Point): Buffer {
  return encoded(y + ((x & 1n) << 255n));
}

function read(bytes: Buffer): Point {
  const y = BigInt.asUintN(255, number(bytes));
  const square = modulo((y * y - 1n) * power(modulo(D * y * y + 1n), P - 2n));
  const root = power(square, (P + 3n) / 8n);
  const x = (root * root) % P === square ? root : modulo(root * power(2n, (P - 1n) / 4n));
  return [(x & 1n) === BigInt((bytes[31] as number) >> 7) ? x : modulo(-x), y];
}

/** All points whose order divides 8. */
const POINTS: readonly Point[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map((hex) => read(Buffer.from(hex, 'hex')));

/** In the other ways in which y, or a sign where x is 0, can be written. */
const MISWRITTEN = [
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map((hex) => Buffer.from(hex, 'hex'));

const SMALL = [...POINTS.map(written), ...MISWRITTEN];

function keyOf(bytes: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes]);
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

function bytesOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

const sodium = loadSodium();
if (sodium === null) throw new Error('sodium-native is a development dependency: npm ci.');

/** What libsodium alone takes, and with OpenSSL behind it; OpenSSL has the last word. */
function verdict(message: Buffer, key: KeyObject, signature: Buffer): boolean {
  const isValid = verify(null, message, key, signature);
  const taken =
    signature.length === 64 && sodium?.crypto_sign_verify_detached(signature, message, bytesOf(key));
  if (taken) expect(isValid).toBe(true);
  expect(new Ed25519Verifier(1).verify(message, key, signature)).toBe(isValid);
  return isValid;
}

/** Signs with the numbers as they are (RFC 8032 §5.1.6), so for any key. */
function signedWith(secret: bigint, key: Buffer, r: Buffer, nonce: bigint, message: Buffer): Buffer {
  const k = number(hash('sha512', Buffer.concat([r, key, message]), 'buffer')) % L;
  return Buffer.concat([r, encoded((nonce + k * secret) % L)]);
}

/** The number behind a key (RFC 8032 §5.1.5). */
function secretOf(key: KeyObject): bigint {
  const half = hash('sha512', Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'), 'buffer');
  return (BigInt.asUintN(254, number(half.subarray(0, 32))) | (1n << 254n)) & ~7n;
}

test('signatures, whole and with a bit changed, are judged as OpenSSL does', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  fc.assert(
    fc.property(fc.uint8Array(), fc.option(fc.nat(511)), (bytes, bit) => {
      const signature = sign(null, bytes, privateKey);
      if (bit !== null) signature[bit >> 3] = (signature[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(verdict(Buffer.from(bytes), publicKey, signature)).toBe(bit === null);
    }),
    { numRuns: 1000 },
  );
});

test('so are those whose second half is written in another way, too long or too short', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = randomBytes(32);
  const signature = sign(null, message, privateKey);
  const [r, s] = [signature.subarray(0, 32), number(signature.subarray(32))];
  expect(verdict(message, publicKey, signature)).toBe(true);
  for (let times = 1n; s + times * L < 2n ** 256n; times += 1n)
    expect(verdict(message, publicKey, Buffer.concat([r, encoded(s + times * L)]))).toBe(false);
  for (const other of [0n, 1n, L - 1n, L, L + 1n, 2n ** 252n, 2n ** 253n - 1n, 2n ** 256n - 1n])
    expect(verdict(message, publicKey, Buffer.concat([r, encoded(other)]))).toBe(false);
  expect(verdict(message, publicKey, signature.subarray(0, 63))).toBe(false);
  expect(verdict(message, publicKey, Buffer.concat([signature, r]))).toBe(false);
  expect(verdict(message, publicKey, Buffer.alloc(0))).toBe(false);
});

test('nothing is taken by a key of small order', () => {
  for (const key of SMALL)
    for (const r of SMALL)
      for (let number = 0; number < 16; number += 1) {
        const message = Buffer.from([number]);
        expect(verdict(message, keyOf(key), signedWith(0n, key, r, 0n, message))).toBe(false);
      }
});

test('an R of small order is judged as OpenSSL does', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const [key, secret] = [bytesOf(publicKey), secretOf(privateKey)];
  const message = randomBytes(32);
  // What is computed is the neutral element, which is the first of them.
  for (const r of SMALL)
    expect(verdict(message, publicKey, signedWith(secret, key, r, 0n, message))).toBe(false);
});

test('so are those by a key with a part of small order, where a multiple is not the same modulo the order', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const [secret, r] = [secretOf(privateKey), generateKeyPairSync('ed25519')];
  const verdicts = { true: 0, false: 0 };
  for (const small of POINTS.slice(1)) {
    const key = written(sum(read(bytesOf(publicKey)), small));
    for (let number = 0; number < 16; number += 1) {
      const message = Buffer.from([number]);
      const honest = signedWith(secret, key, bytesOf(r.publicKey), secretOf(r.privateKey), message);
      verdicts[`${verdict(message, keyOf(key), honest)}`] += 1;
      for (const other of SMALL)
        verdicts[`${verdict(message, keyOf(key), signedWith(secret, key, other, 0n, message))}`] += 1;
    }
  }
  expect(verdicts.true).toBeGreaterThan(20);
  expect(verdicts.false).toBeGreaterThan(50);
});

test('a key that is no point takes nothing', () => {
  // y is 2, which no point has; p + 3, which is 3 as well; 255 bits that are set.
  const wrong = ['02'.padEnd(64, '0'), `f0${'ff'.repeat(30)}7f`, 'ff'.repeat(32)];
  for (const hex of wrong)
    expect(verdict(randomBytes(32), keyOf(Buffer.from(hex, 'hex')), randomBytes(64))).toBe(false);
});

test.for([
  ['is there', loadSodium],
  ['is not installed', (): null => null],
] as const)('where libsodium %s, keys that take turns are judged alike', ([, load]) => {
  const verifier = new Ed25519Verifier(3, load);
  const pairs = Array.from({ length: 5 }, () => generateKeyPairSync('ed25519'));
  const message = randomBytes(32);
  for (let round = 0; round < 3; round += 1) {
    for (const [index, { publicKey, privateKey }] of pairs.entries()) {
      const signature = sign(null, message, privateKey);
      const other = pairs[(index + 1) % pairs.length]?.publicKey as KeyObject;
      expect(verifier.verify(message, publicKey, signature)).toBe(true);
      expect(verifier.verify(message, other, signature)).toBe(false);
      expect(verifier.verify(message, publicKey, signature.subarray(1))).toBe(false);
    }
  }
});

test('libsodium is looked for once, and not for a few signatures', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = randomBytes(32);
  const signature = sign(null, message, privateKey);
  let looked = 0;
  const verifier = new Ed25519Verifier(10, () => {
    looked += 1;
    return null;
  });
  for (let number = 1; number <= 30; number += 1) {
    expect(verifier.verify(message, publicKey, signature)).toBe(true);
    expect(looked).toBe(number < 10 ? 0 : 1);
  }
});
