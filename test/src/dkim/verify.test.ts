import { expect, test } from 'vitest';
import { headerVerifies } from '../../../src/dkim/canonical.ts';
import { splitFields } from '../../../src/dkim/fields.ts';
import { verifyDkim } from '../../../src/dkim/verify.ts';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { Resolver } from '../../../src/dns/types.ts';
import { keyRecord, signMessage } from '../../../src/lab/dkim-signer.ts';
import { toWire } from '../../../src/message/wire.ts';
import { byBank, judge, keys, letter, onTop } from '../../helpers/attack-world.ts';
import { NOW } from '../../helpers/trust.ts';

const zone = {
  'k_1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
  's1._domainkey.bank_one.example': { TXT: [keyRecord(keys.bank)] },
  's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
};

/** The report on a message, and how often the DNS was asked. */
async function verify(bytes: Uint8Array, limits = { signatures: 10, bodyLengths: 4 }) {
  const wire = toWire(bytes);
  const recorded = recordedResolver(zone);
  let asked = 0;
  const dns: Resolver = {
    resolve: (name, type) => {
      asked += 1;
      return recorded.resolve(name, type);
    },
  };
  const fields = splitFields(wire.head);
  const report = await verifyDkim({ wire, fields, authorDomain: 'bank.example', nowMs: NOW, dns, limits });
  return { ...report, asked, results: report.signatures.map(({ result }) => result) };
}

const sign = (domain: string, selector: string, tags = {}) =>
  signMessage(letter(), { domain, selector, key: keys.bank, tags });

test.for([
  ['in a selector', sign('bank.example', 'k_1')],
  ['in a domain', sign('bank_one.example', 's1')],
  ['in the domain of i=', sign('bank_one.example', 's1', { i: 'a@bank_one.example' })],
] as const)('an underscore %s is accepted', async ([, bytes]) => {
  expect((await verify(bytes)).results).toEqual(['pass']);
});

test.for([
  ['a tag stands twice', sign('bank.example', 'k_1', { z: '1', q: 'dns/txt; q=dns/txt' })],
  ['its version is missing', sign('bank.example', 'k_1', { v: null })],
  ['i= lies outside', sign('bank_one.example', 's1', { i: 'a@bank.example' })],
] as const)('an underscore excuses nothing else: %s', async ([, bytes]) => {
  expect((await verify(bytes)).results).not.toContain('pass');
});

test.for(['/relaxed', ' / simple', '/'])('a canonicalization of bodies alone (%s) is none', async (c) => {
  const { signatures } = await verify(sign('bank.example', 's1', { c }));
  expect(signatures[0]).toMatchObject({ result: 'neutral', cause: 'syntax' });
  const sealed = `ARC-Seal: i=1; a=rsa-sha256; cv=none; d=bank.example; s=s1; b=AA==\r\nARC-Message-Signature: i=1; a=rsa-sha256; c=${c}; d=bank.example; s=s1; h=from; bh=AA==; b=AA==\r\nARC-Authentication-Results: i=1; mx.example; none\r\n`;
  expect((await verify(onTop(sealed, letter()))).chain.result).toBe('fail');
});

const JUNK = (number: number, more = '') =>
  `DKIM-Signature: v=1; a=rsa-sha256; d=junk${number}.example; s=s; h=from; bh=AA==; b=AA==${more}\r\n`;
const junk = (count: number, more = (_: number) => '') =>
  Array.from({ length: count }, (_, number) => JUNK(number, more(number))).join('');

test('of 500 signatures ten are looked at, that of the author among them', async () => {
  const { results, leftOut, asked, signatures } = await verify(onTop(junk(499), byBank(letter())));
  expect(results).toHaveLength(500);
  expect(results.at(-1)).toBe('pass');
  expect(leftOut).toBe(490);
  expect(asked).toBeLessThanOrEqual(20);
  expect(signatures[200]).toMatchObject({ result: 'neutral', cause: 'bound' });
});

test('of 200 different body lengths four are hashed', async () => {
  const bytes = onTop(
    junk(200, (number) => `; l=${number}`),
    byBank(letter()),
  );
  const { signatures } = await verify(bytes, { signatures: 50, bodyLengths: 4 });
  expect(signatures.filter(({ cause }) => cause !== 'bound')).toHaveLength(5);
});

test('a header block is neutral, and whether its header verifies is told', async () => {
  const head = byBank(letter()).toString('latin1').split('\r\n\r\n')[0] ?? '';
  const { signatures } = await verify(Buffer.from(`${head}\r\n`));
  expect(signatures[0]).toMatchObject({ result: 'neutral', cause: 'body-unknown', headerVerifies: true });
  const other = await verify(Buffer.from(head.replace('Subject: Your', 'Subject: My')));
  expect(other.signatures[0]).toMatchObject({
    result: 'neutral',
    cause: 'body-unknown',
    headerVerifies: false,
  });
});

test('a pasted header block with an empty line behind it is no message with an altered body', async () => {
  const head = byBank(letter()).toString('latin1').split('\r\n\r\n')[0] ?? '';
  expect((await verify(Buffer.from(`${head}\r\n\r\n`))).signatures[0]).toMatchObject({
    cause: 'body-unknown',
  });
  expect((await verify(byBank(letter({}, '')))).results).toEqual(['pass']);
});

test('our own look at a header agrees with mailauth, in every canonicalization and with both kinds of key', async () => {
  for (const key of [keys.bank, keys.bankEd25519]) {
    for (const header of ['simple', 'relaxed'] as const) {
      const bytes = signMessage(letter({ Subject: '  Two   blanks\r\n\tand a fold ' }), {
        domain: 'bank.example',
        selector: key === keys.bank ? 's1' : 'e1',
        key,
        canonicalization: [header, 'relaxed'],
      });
      const { dkim } = await judge(bytes);
      expect(dkim.signatures[0]?.result).toBe('pass');
      const fields = splitFields(toWire(bytes).head);
      const [own] = fields;
      const [signature] = (await verify(bytes)).signatures;
      if (!own || !signature) throw new Error('no signature');
      const { createPublicKey } = await import('node:crypto');
      expect(headerVerifies(fields, own, signature, createPublicKey(key))).toBe(true);
      expect(headerVerifies(fields.slice(0, -1), own, signature, createPublicKey(key))).toBe(false);
    }
  }
});

test('expiry is judged at the time that is asked for', async () => {
  const seconds = Math.floor(NOW / 1000);
  const bytes = sign('bank.example', 's1', { t: `${seconds - 100}`, x: `${seconds + 100}` });
  expect((await verify(bytes)).results).toEqual(['pass']);
  expect((await judge(bytes, { asOfMs: NOW + 200_000 })).dkim.signatures[0]?.cause).toBe('expired');
});
