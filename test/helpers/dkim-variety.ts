import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { Ed25519Verifier } from '../../src/dkim/direct/ed25519.ts';
import { Workbench } from '../../src/dkim/direct/verify.ts';
import { recordedResolver } from '../../src/dns/recorded.ts';
import { keyRecord, signMessage } from '../../src/lab/dkim-signer.ts';
import { keys } from './attack-world.ts';

// Signed messages of every make, sound and broken, for comparing two verifiers.

/** With libsodium from the first signature on. */
const ed25519 = new Ed25519Verifier(1);

/** Tells whether anything was verified with it. */
export class WatchedBench extends Workbench {
  isUsed = false;

  constructor() {
    super(ed25519);
  }

  override room(length: number): Buffer {
    this.isUsed = true;
    return super.room(length);
  }
}

const spki = createPublicKey(keys.bank).export({ format: 'der', type: 'spki' }).toString('base64');
const pkcs1 = createPublicKey(keys.bank).export({ format: 'der', type: 'pkcs1' }).toString('base64');
const bare = createPublicKey(keys.bankEd25519).export({ format: 'der', type: 'spki' });
const bareKey = bare.subarray(-32).toString('base64');

/** Ways in which a key is published, by selector; those that begin with e are Ed25519. */
const RECORDS: Readonly<Record<string, string>> = {
  plain: `v=DKIM1; k=rsa; p=${spki}`,
  short: `p=${spki}`,
  ended: `v=DKIM1;p=${spki};`,
  blanks: `v=DKIM1 ; k = rsa ; p = ${spki.slice(0, 40)} ${spki.slice(40)}`,
  noted: `v=DKIM1; n=a note; h=sha1:sha256; s=*; p=${spki}`,
  testing: `v=DKIM1; t=y; p=${spki}`,
  strict: `v=DKIM1; t=s; p=${spki}`,
  'version-last': `k=rsa; p=${spki}; v=DKIM1`,
  'other-version': `v=DKIM2; p=${spki}`,
  sha1: `v=DKIM1; h=sha1; p=${spki}`,
  'no-mail': `v=DKIM1; s=other; p=${spki}`,
  twice: `v=DKIM1; k=rsa; k=rsa; p=${spki}`,
  empty: `v=DKIM1;; p=${spki}`,
  capital: `v=DKIM1; k=RSA; p=${spki}`,
  pkcs1: `v=DKIM1; k=rsa; p=${pkcs1}`,
  unpadded: `v=DKIM1; k=rsa; p=${spki.replace(/=+$/, '')}`,
  gone: 'v=DKIM1; p=',
  junk: 'v=DKIM1; p=AAAA',
  other: `v=DKIM1; k=ed25519; p=${spki}`,
  weak: keyRecord(keys.bankWeak).join(''),
  under_score: `v=DKIM1; p=${spki}`,
  'e-plain': `v=DKIM1; k=ed25519; p=${bareKey}`,
  'e-spki': `v=DKIM1; k=ed25519; p=${bare.toString('base64')}`,
  'e-unsaid': `v=DKIM1; p=${bareKey}`,
};

/** Selectors without a record: one has none, one gets no answer. */
const ABSENT = ['missing', 'silent', 'e-missing'];

export const varietyDns = recordedResolver({
  'bank.example': { TXT: [['v=spf1 -all']] },
  '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
  ...Object.fromEntries(
    Object.entries(RECORDS).map(([selector, record]) => [
      `${selector}._domainkey.bank.example`,
      { TXT: [record.match(/.{1,255}/g)] },
    ]),
  ),
  'silent._domainkey.bank.example': { TXT: 'TIMEOUT' },
});

const canonicalization = fc.constantFrom('simple' as const, 'relaxed' as const);

/** Pieces of which bodies and values are made: blanks and line ends of every kind. */
const piece = fc.oneof(
  { arbitrary: fc.constantFrom('word', ' ', '  ', '\t', '\r\n', '\r\n\r\n', ' \r\n', '\t\r\n'), weight: 8 },
  { arbitrary: fc.constantFrom('\r', '\n', '\r\r\n', '\n\r', '\0', 'ä', '.', '\x1a'), weight: 1 },
);
const body = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  // More than one piece of what is relaxed at a time.
  fc
    .record({
      pieces: fc.array(piece, { minLength: 1, maxLength: 8 }),
      bytes: fc.constantFrom(32_760, 70_000),
    })
    .map(({ pieces, bytes }) => {
      const text = pieces.join('') || ' ';
      return text.repeat(Math.ceil(bytes / text.length)) + pieces.join('');
    }),
);
const value = fc.array(fc.constantFrom('a', 'b  c', ' ', '\t', '\r\n ', '\r\n\t', 'ä', ': ', ';', '\r'), {
  maxLength: 6,
});
const name = fc.constantFrom('Subject', 'subject', 'To', 'X-Note', 'From', 'Received', 'Cc');
const separator = fc.oneof(
  { arbitrary: fc.constant(':'), weight: 12 },
  fc.constantFrom(' :', '\t:', '\r\n :', ''),
);
const field = fc
  .tuple(name, separator, value)
  .map(([label, colon, text]) => `${label}${colon}${text.join('')}\r\n`);
const fields = fc
  .tuple(fc.array(field, { maxLength: 5 }), fc.array(field, { maxLength: 3 }))
  .map(([before, after]) => `${before.join('')}From: Bank <service@bank.example>\r\n${after.join('')}`);

/** Tags as they are and as they ought not to be. */
const tags = fc.oneof(
  { arbitrary: fc.constant({}), weight: 6 },
  {
    arbitrary: fc.constantFrom<Readonly<Record<string, string | null>>>(
      { t: '1700000000' },
      { t: '1700000000', x: '4000000000' },
      { t: '1700000000', x: '1700000001' },
      { t: '1700000000', x: '1600000000' },
      { t: 'soon' },
      { l: '0' },
      { l: '10' },
      { i: '@bank.example' },
      { i: 'a.b@mail.bank.example' },
      { i: 'a=20b@bank.example' },
      { i: '@other.example' },
      { i: 'no name' },
      { q: 'dns/txt' },
      { q: 'dns/txt:x' },
      { q: 'http' },
      { c: 'relaxed' },
      { c: 'Relaxed/Simple' },
      { c: 'odd/odd' },
      { a: 'rsa-sha1' },
      { a: 'RSA-SHA256' },
      { v: '2' },
      { v: null },
      { z: 'From:a|To:b' },
      { dara: 'bank.example' },
      { D: 'other.example' },
      { value: 'x' },
      { constructor: 'x' },
      { b: 'AAAA' },
      { 'not-a-tag': 'x' },
      { q: 'dns/txt; q=dns/txt' },
      { n: 'ä' },
      { d: 'BANK.example' },
      { d: 'bank.example.' },
      { d: 'example' },
      { s: 'Plain' },
    ),
    weight: 5,
  },
);

const signing = fc.record({
  selector: fc.oneof(
    { arbitrary: fc.constantFrom('plain', 'e-plain'), weight: 3 },
    fc.constantFrom(...Object.keys(RECORDS), ...ABSENT),
  ),
  header: canonicalization,
  body: canonicalization,
  tags,
  names: fc.option(
    fc.array(fc.constantFrom('from', 'From', 'subject', 'to', 'x-note', 'received', 'cc', 'missing'), {
      minLength: 1,
      maxLength: 8,
    }),
    { nil: undefined },
  ),
});

/** Bytes that are changed on the way; most of them hit somewhere in the signature or the fields below it. */
const change = fc.record({
  at: fc.nat(),
  take: fc.integer({ min: 0, max: 3 }),
  put: fc.constantFrom(
    '',
    ' ',
    '  ',
    '\t',
    '\r\n',
    '\r\n ',
    '\r',
    '\n',
    'x',
    ';',
    '=',
    ':',
    '\0',
    '\xe4',
    'b=',
    '\r\n\r\n',
  ),
});

/** A message with up to three signatures, as it arrives. */
export const signedMessage = fc
  .record({
    fields,
    body,
    signings: fc.array(signing, { minLength: 1, maxLength: 3 }),
    changes: fc.oneof(
      { arbitrary: fc.constant([]), weight: 2 },
      { arbitrary: fc.array(change, { minLength: 1, maxLength: 2 }), weight: 1 },
    ),
    reach: fc.constantFrom(300, 1200, Number.POSITIVE_INFINITY),
  })
  .map(({ fields: head, body: text, signings, changes, reach }) => {
    let bytes: Buffer = Buffer.from(`${head}\r\n${text}`, 'latin1');
    for (const { selector, header, body: how, tags: more, names } of signings)
      bytes = signMessage(bytes, {
        domain: 'bank.example',
        selector,
        key: selector.startsWith('e-') ? keys.bankEd25519 : selector === 'weak' ? keys.bankWeak : keys.bank,
        canonicalization: [header, how],
        tags: more,
        ...(names && { names }),
      });
    for (const { at, take, put } of changes) {
      const place = at % Math.max(1, Math.min(bytes.length, reach));
      bytes = Buffer.concat([
        bytes.subarray(0, place),
        Buffer.from(put, 'latin1'),
        bytes.subarray(place + take),
      ]);
    }
    return bytes;
  });
