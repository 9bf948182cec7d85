import { expect, test } from 'vitest';
import { splitFields } from '../../../src/dkim/fields.ts';
import { readKey } from '../../../src/dkim/key.ts';
import { identityDomain, readSignature } from '../../../src/dkim/signature.ts';
import { readTags } from '../../../src/dkim/tags.ts';

const read = (value: string) => {
  const [field] = splitFields(Buffer.from(`DKIM-Signature:${value}\r\n`, 'utf8'));
  if (!field) throw new Error('no field');
  return readSignature(field);
};

const SOUND = ' v=1; a=rsa-sha256; d=Example.ORG; s=s1; h=From : To; bh=YQ==; b=Y\r\n WE=';

test('a signature is read with its folds and its case', () => {
  expect(read(SOUND)).toMatchObject({
    domain: 'example.org',
    selector: 's1',
    algorithm: 'rsa-sha256',
    canonicalization: { header: 'simple', body: 'simple' },
    headers: ['from', 'to'],
    bodyLength: null,
    identity: '@example.org',
    bodyHash: 'YQ==',
    signature: 'YWE=',
    badName: false,
    faults: [],
  });
});

test.for([
  ['d= with a NUL', SOUND.replace('Example', 'Exa\0mple')],
  ['s= with a quote', SOUND.replace('s1', 's"1')],
  ['s= with a bracket', SOUND.replace('s1', 's(1')],
  ['d= with an @', SOUND.replace('Example.ORG', 'a@example.org')],
  ['s= with a blank', SOUND.replace('s1', 's 1')],
] as const)('%s is no name', ([, value]) => {
  expect(read(value).badName).toBe(true);
});

test('underscores and U-labels are names', () => {
  expect(read(SOUND.replace('s1', 'dkim_s1'))).toMatchObject({ selector: 'dkim_s1', badName: false });
  expect(read(SOUND.replace('Example', 'bücher'))).toMatchObject({
    domain: 'xn--bcher-kva.org',
    badName: false,
  });
});

test.for([
  ['a tag twice', `${SOUND}; d=other.example`, /d stands twice/],
  ['a tag missing', SOUND.replace('bh=YQ==;', ''), /bh is missing/],
  ['another version', SOUND.replace('v=1', 'v=2'), /version/],
  ['no tag at all', `${SOUND}; nonsense`, /no tag=value/],
  ['a control character', SOUND.replace('a=rsa', 'a=\u0007rsa'), /control character/],
] as const)('%s is a fault', ([, value, fault]) => {
  expect(read(value).faults.join()).toMatch(fault);
});

test('times beyond all calendars, lengths and identities', () => {
  const tags = read(`${SOUND}; t=99999999999999999; x=2000000000; l=12; i=a=40b@mail.example.org`);
  expect(tags.signedAtMs).toBeLessThanOrEqual(8.64e15);
  expect(tags).toMatchObject({ expiresAtMs: 2e12, bodyLength: 12, identity: 'a@b@mail.example.org' });
  expect(identityDomain(tags.identity ?? '')).toBe('mail.example.org');
  expect(identityDomain('nobody')).toBeNull();
});

test('a list is void when a tag stands twice, and keeps the first', () => {
  const { tags, isVoid } = readTags('a=1; a=2;');
  expect([tags.get('a'), isVoid]).toEqual(['1', true]);
  expect(readTags('a=1; A=2').isVoid).toBe(false);
});

const RSA =
  'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB';

test.for([
  ['a key', `v=DKIM1; p=${RSA}`, { state: 'found', type: 'rsa', bits: 1024 }],
  [
    'a key in strings with blanks',
    `k=rsa; p=${RSA.slice(0, 50)} ${RSA.slice(50)}`,
    { state: 'found', bits: 1024 },
  ],
  ['Ed25519', 'k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=', { state: 'found', bits: 256 }],
  ['a revoked one', 'v=DKIM1; p=', { state: 'revoked' }],
  ['no p=', 'v=DKIM1', { state: 'invalid' }],
  ['no key in p=', 'p=AAAA', { state: 'invalid' }],
  ['an unknown type', `k=dsa; p=${RSA}`, { state: 'invalid' }],
  ['a key for something else', `s=tlsrpt; p=${RSA}`, { state: 'invalid' }],
  ['sha1 only', `h=sha1; p=${RSA}`, { state: 'invalid' }],
  ['another version', `v=DKIM2; p=${RSA}`, { state: 'invalid' }],
  ['testing', `t=y:s; p=${RSA}`, { state: 'found', testing: true, strictIdentity: true }],
] as const)('a record with %s', ([, text, expected]) => {
  expect(readKey('s1._domainkey.example.org', text).record).toMatchObject(expected);
});
