import { describe, expect, test } from 'vitest';
import { CRC_RESIDUE, crc16, withCrc } from '../../../src/otp/crc.ts';
import { hotp } from '../../../src/otp/hotp.ts';
import { decodeModhex, encodeModhex, recoverModhex } from '../../../src/otp/modhex.ts';
import { decryptOtp, isLater, makeOtp, splitOtp } from '../../../src/otp/token.ts';
import { hex, vectors } from '../../helpers/yubikey-vectors.ts';

describe('modhex', () => {
  test.for(vectors.modhex.filter(({ modhex }) => modhex !== undefined))('$modhex is $hex', (vector) => {
    expect(encodeModhex(hex(vector.hex ?? ''))).toBe(vector.modhex);
    expect(decodeModhex(vector.modhex ?? '')?.toString('hex')).toBe(vector.hex);
  });

  test.for(vectors.modhex.filter(({ invalid }) => invalid !== undefined))(
    '$invalid is none',
    ({ invalid }) => {
      expect(decodeModhex(invalid ?? '')).toBeUndefined();
    },
  );

  test.for([
    ['as it is', 'cccccccccccb', { modhex: 'cccccccccccb', layout: 'as typed' }],
    ['in capitals', 'CCCCCCCCCCCB', { modhex: 'cccccccccccb', layout: 'caps lock' }],
    ['with a dotless i', 'ccıi', { modhex: 'ccii', layout: 'Turkish' }],
    [
      'from a Dvorak keyboard',
      'jxe.uidchtnbpygk',
      { modhex: vectors.otp_dvorak.modhex, layout: 'US Dvorak' },
    ],
    ['of another alphabet', 'пароль', undefined],
  ] as const)('what was typed %s is recovered', ([, typed, expected]) => {
    expect(recoverModhex(typed)).toEqual(expected);
  });
});

test.for(vectors.crc16)('the checksum of $data is $crc', ({ data, crc }) => {
  expect(crc16(hex(data))).toBe(crc);
  expect(crc16(withCrc(hex(data)))).toBe(CRC_RESIDUE);
});

describe('a Yubico OTP', () => {
  test.for([...vectors.otp, ...vectors.otp_decode])('$otp is decrypted', (vector) => {
    const split = splitOtp(vector.otp);
    expect(split?.publicId).toBe(vector.public_id);
    expect(decryptOtp(split?.ciphertext ?? Buffer.alloc(16), hex(vector.aes_key))).toEqual({
      privateId: vector.private_id,
      useCounter: vector.use_counter & 0x7fff,
      capsLock: vector.use_counter > 0x7fff,
      timestamp: vector.timestamp,
      sessionUse: vector.session_use,
      random: vector.random,
      crc: vector.crc,
      crcOk: true,
    });
  });

  test.for([...vectors.otp, ...vectors.otp_decode])('$otp is made from its fields', (vector) => {
    const content = {
      privateId: vector.private_id,
      useCounter: vector.use_counter & 0x7fff,
      capsLock: vector.use_counter > 0x7fff,
      timestamp: vector.timestamp,
      sessionUse: vector.session_use,
      random: vector.random,
    };
    const publicId = decodeModhex(vector.public_id) ?? Buffer.alloc(0);
    expect(makeOtp(publicId, content, hex(vector.aes_key))).toBe(vector.otp);
  });

  test.for([
    ['too short', 'c'.repeat(31)],
    ['too long', 'c'.repeat(66)],
    ['odd', 'c'.repeat(33)],
    ['no modhex', `${'c'.repeat(31)}m`],
    ['empty', ''],
  ] as const)('a text that is %s is none', ([, text]) => {
    expect(splitOtp(text)).toBeUndefined();
  });

  test('a wrong key is noise whose checksum does not fit', () => {
    const [vector] = vectors.otp;
    const split = splitOtp(vector?.otp ?? '');
    expect(decryptOtp(split?.ciphertext ?? Buffer.alloc(16), Buffer.alloc(16)).crcOk).toBe(false);
  });

  test.for([
    [[2, 0], [1, 255], true],
    [[1, 2], [1, 1], true],
    [[1, 1], [1, 1], false],
    [[1, 255], [2, 0], false],
  ] as const)('%j after %j: %j', ([[useCounter, sessionUse], [thenUse, thenSession], expected]) => {
    expect(isLater({ useCounter, sessionUse }, { useCounter: thenUse, sessionUse: thenSession })).toBe(
      expected,
    );
  });
});

test('codes by event are those of RFC 4226', () => {
  const key = hex(vectors.hotp.key);
  expect(vectors.hotp.values.map((_, counter) => hotp(key, counter, 6))).toEqual(vectors.hotp.values);
  expect(hotp(key, 0, 8)).toBe('84755224');
});
