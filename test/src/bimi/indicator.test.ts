import { beforeAll, expect, test } from 'vitest';
import { readCertificates } from '../../../src/bimi/certificate.ts';
import type { Fetched, Fetcher } from '../../../src/bimi/fetching.ts';
import { findIndicator } from '../../../src/bimi/indicator.ts';
import { logo } from '../../helpers/logos.ts';
import {
  der,
  ext,
  issue,
  MARK_LOGO,
  makeKeys,
  markAuthority,
  markExtensions,
  revocationList,
} from '../../helpers/marks.ts';

const NOW = Date.now();
const RECORD = { location: 'https://bank.example/logo.svg', authority: 'https://bank.example/mark.pem' };
const WISH = { domains: ['bank.example'], selector: 'default', atMs: NOW };
const LIST = 'https://marks.example/list.crl';
const ROOT_LIST = 'https://marks.example/root.crl';

let authority: Awaited<ReturnType<typeof markAuthority>>;
beforeAll(async () => {
  authority = await markAuthority();
});

function fetcher(files: Readonly<Record<string, Uint8Array | string>>): Fetcher {
  return async (url): Promise<Fetched> => {
    const file = files[url];
    return file === undefined
      ? { kind: 'absent' }
      : { kind: 'found', bytes: Buffer.from(file as Uint8Array) };
  };
}

const find = (files: Readonly<Record<string, Uint8Array | string>>, root = authority.root) =>
  findIndicator(RECORD, WISH, { fetch: fetcher(files), roots: readCertificates(root.pem) });

test('a logo that its certificate proves is found, written anew', async () => {
  const found = await find({ [RECORD.authority]: await authority.mark(), [RECORD.location]: MARK_LOGO });
  expect(found).toMatchObject({
    kind: 'verified',
    revocation: 'unknown',
    mark: { organization: 'Example Bank' },
  });
});

test('another logo at the address of the record is refused', async () => {
  const other = Buffer.from(logo('<rect width="10" height="10" fill="#246"/>'));
  const found = await find({ [RECORD.authority]: await authority.mark(), [RECORD.location]: other });
  expect(found).toMatchObject({
    kind: 'refused',
    rule: 'logo',
    reason: expect.stringContaining('not the one in the certificate'),
  });
});

test('a logo that does something is refused, whoever certifies it', async () => {
  const armed = Buffer.from(logo('<script>alert(1)</script>'));
  const mark = await authority.mark({ extensions: markExtensions({ logotype: ext.logotype(armed) }) });
  const found = await find({ [RECORD.authority]: mark, [RECORD.location]: armed });
  expect(found).toMatchObject({ kind: 'refused', rule: 'logo', reason: expect.stringContaining('script') });
});

test.for(['authority', 'location'] as const)('what is missing at %s makes it unknown', async (part) => {
  const files = {
    [RECORD.authority]: await authority.mark(),
    [RECORD.location]: MARK_LOGO as Uint8Array | string,
  };
  delete files[RECORD[part]];
  expect(await find(files)).toMatchObject({ kind: 'unknown', reason: expect.stringContaining(RECORD[part]) });
});

test('a certificate that does not hold is refused before the logo is asked for', async () => {
  const asked: string[] = [];
  const fetch: Fetcher = async (url) => {
    asked.push(url);
    return { kind: 'found', bytes: Buffer.from((await markAuthority()).root.pem) };
  };
  const roots = readCertificates(authority.root.pem);
  expect(await findIndicator(RECORD, WISH, { fetch, roots })).toMatchObject({ kind: 'refused' });
  expect(asked).toEqual([RECORD.authority]);
});

/** Where a certificate has its revocation told. */
const listedAt = (url: string) =>
  ext.raw('2.5.29.31', der(0x30, der(0x30, der(0xa0, der(0xa0, der(0x86, url))))));

test.for([
  ['is on the list of its authority is refused', { revoked: true }, 'refused'],
  [
    'was revoked after the message came holds',
    { revoked: true, on: new Date(NOW + 60_000).toISOString() },
    'good',
  ],
  ['is on no list is good', {}, 'good'],
  ['has a list that is out of date is not known', { until: NOW - 1000 }, 'unknown'],
  ['has a list that somebody else signed is not known', { foreign: true }, 'unknown'],
  ['has a list that cannot be had is not known', { missing: true }, 'unknown'],
] as const)('a mark that %s', async ([, given, expected]) => {
  const how: { revoked?: true; on?: string; until?: number; foreign?: true; missing?: true } = given;
  const { root } = authority;
  const middle = await issue({
    subject: 'O=Example Marks, CN=Listing CA',
    keys: await makeKeys(),
    by: root,
    extensions: [ext.ca(0), ext.certSign(), listedAt(ROOT_LIST)],
  });
  const leaf = await issue({
    subject: 'O=Example Bank',
    keys: await makeKeys(),
    by: middle,
    extensions: [...markExtensions(), listedAt(LIST)],
  });
  const signer = how.foreign ? { ...middle, keys: await makeKeys() } : middle;
  const found = await find({
    [RECORD.authority]: leaf.pem + middle.pem,
    [RECORD.location]: MARK_LOGO,
    [ROOT_LIST]: await revocationList(root, {}),
    ...(!how.missing && {
      [LIST]: await revocationList(signer, {
        ...how,
        ...(how.revoked && { serial: leaf.certificate.serialNumber }),
      }),
    }),
  });
  if (expected === 'refused') expect(found).toMatchObject({ kind: 'refused', rule: 'revoked' });
  else expect(found).toMatchObject({ kind: 'verified', revocation: expected });
});
