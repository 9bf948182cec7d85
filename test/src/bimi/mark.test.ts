import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { type Certificate, readCertificates } from '../../../src/bimi/certificate.ts';
import { judgeMark, type MarkRule, type MarkWish } from '../../../src/bimi/mark.ts';
import { sanitiseSvg } from '../../../src/svg/sanitise.ts';
import { ext, issue, MARK_LOGO, makeKeys, markAuthority, markExtensions } from '../../helpers/marks.ts';
import { root as project } from '../../helpers/run.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const WISH: MarkWish = { domains: ['news.bank.example', 'bank.example'], selector: 'default', atMs: NOW };

let authority: Awaited<ReturnType<typeof markAuthority>>;
let roots: readonly Certificate[];
beforeAll(async () => {
  authority = await markAuthority();
  roots = readCertificates(authority.root.pem);
});

const judge = (pem: string, wish: Partial<MarkWish> = {}) =>
  judgeMark(Buffer.from(pem), { ...WISH, ...wish }, roots);

test('a mark that holds tells whose it is, and has the logo in it', async () => {
  expect(judge(await authority.mark())).toMatchObject({
    kind: 'verified',
    mark: {
      kind: 'vmc',
      markType: 'Registered Mark',
      organization: 'Example Bank',
      country: 'CH',
      authority: 'Example Marks',
      names: ['bank.example'],
      timestamps: 0,
      logo: MARK_LOGO,
    },
  });
});

test.for([
  ['Registered Mark', 'vmc'],
  ['Government Mark', 'vmc'],
  ['Prior Use Mark', 'cmc'],
  ['Modified Registered Mark', 'cmc'],
] as const)('%s is a %s', async ([type, kind]) => {
  const subject = `O=Example Bank, CN=Example Bank, 1.3.6.1.4.1.53087.1.13=${type}`;
  expect(judge(await authority.mark({ subject }))).toMatchObject({ mark: { kind, markType: type } });
});

test.for([
  ['the author’s domain', 'news.bank.example', true],
  ['the domain of its organization', 'bank.example', true],
  ['the place of the record', 'default._bimi.bank.example', true],
  ['the place of another record', 'other._bimi.bank.example', false],
  ['another domain', 'shop.example', false],
  ['a name below', 'www.bank.example', false],
  ['every name below', '*.bank.example', false],
  ['the domain above', 'example', false],
] as const)('a mark for %s (%s)', async ([, name, good]) => {
  const verdict = judge(await authority.mark({ extensions: markExtensions({ names: [name] }) }));
  expect(verdict).toMatchObject(good ? { kind: 'verified' } : { kind: 'refused', rule: 'unrelated' });
});

const BOMB = Buffer.alloc(10_000_000, ' ');
const REFUSED: readonly (readonly [string, () => Promise<string>, MarkRule])[] = [
  [
    'with the purpose of a web server',
    () => authority.mark({ extensions: markExtensions({ purpose: '1.3.6.1.5.5.7.3.1' }) }),
    'purpose',
  ],
  [
    'with any purpose',
    () => authority.mark({ extensions: markExtensions({ purpose: '2.5.29.37.0' }) }),
    'purpose',
  ],
  [
    'without a purpose',
    () => authority.mark({ extensions: [ext.notCa(), ext.names('bank.example'), ext.logotype(MARK_LOGO)] }),
    'purpose',
  ],
  [
    'of an authority for web servers',
    async () => {
      const other = await markAuthority({ purpose: '1.3.6.1.5.5.7.3.1' });
      roots = readCertificates(other.root.pem);
      return await other.mark();
    },
    'purpose',
  ],
  [
    'that expired',
    () => authority.mark({ notBefore: '2025-01-01T00:00:00Z', notAfter: '2026-01-01T00:00:00Z' }),
    'expired',
  ],
  ['of a day to come', () => authority.mark({ notBefore: '2026-12-01T00:00:00Z' }), 'not-yet-valid'],
  ['by somebody else', async () => (await markAuthority()).mark(), 'signature'],
  [
    'by itself',
    async () =>
      (await issue({ subject: 'O=Example Bank', keys: await makeKeys(), extensions: markExtensions() })).pem,
    'no-root',
  ],
  [
    'that was altered',
    async () => {
      const [, body = '', rest = ''] =
        /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----([\s\S]*)/.exec(await authority.mark()) ??
        [];
      const bytes = Buffer.from(
        Buffer.from(body, 'base64').toString('latin1').replace('bank.example', 'shop.example'),
        'latin1',
      );
      return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----${rest}`;
    },
    'signature',
  ],
  ['without a logo', () => authority.mark({ extensions: markExtensions({ logotype: null }) }), 'logo'],
  [
    'with another logo than its digest says',
    () =>
      authority.mark({
        extensions: markExtensions({ logotype: ext.logotype(MARK_LOGO, { digestOf: Buffer.from('other') }) }),
      }),
    'logo',
  ],
  [
    'with a picture that is no SVG',
    () =>
      authority.mark({
        extensions: markExtensions({ logotype: ext.logotype(MARK_LOGO, { mediaType: 'image/png' }) }),
      }),
    'logo',
  ],
  [
    'with a logo that unpacks without end',
    () => authority.mark({ extensions: markExtensions({ logotype: ext.logotype(BOMB) }) }),
    'logo',
  ],
  [
    'with a logo packed twice over',
    () =>
      authority.mark({
        extensions: markExtensions({
          logotype: ext.logotype(gzipSync(MARK_LOGO).subarray(0, 20), { packed: false }),
        }),
      }),
    'logo',
  ],
  [
    'that is an authority itself',
    () =>
      authority.mark({
        by: authority.root,
        extensions: [ext.ca(), ext.certSign(), ...markExtensions().slice(2)],
      }),
    'purpose',
  ],
  ['that is no certificate', async () => 'v=BIMI1', 'form'],
];

test.for(REFUSED)('a mark %s is refused', async ([, make, rule]) => {
  const before = roots;
  const pem = await make();
  expect(judge(pem)).toMatchObject({ kind: 'refused', rule });
  roots = before;
});

test('a mark that expired is accepted at a time when it was valid', async () => {
  const pem = await authority.mark({ notBefore: '2025-01-01T00:00:00Z', notAfter: '2026-01-01T00:00:00Z' });
  expect(judge(pem, { atMs: Date.parse('2025-06-01T00:00:00Z') })).toMatchObject({ kind: 'verified' });
});

/** Certificates that companies published, as the package that mailauth uses for them carries them for its own tests. */
const real = join(project, 'node_modules/@postalsys/vmc/test/fixtures');

test.for([
  ['cnn.pem', 'cnn.com', '2022-01-01', 'vmc', 'DigiCert, Inc.'],
  ['paypal_vmc.pem', 'paypal.com', '2025-01-01', 'vmc', 'DigiCert, Inc.'],
  ['xometry_cmc.pem', 'xometry.com', '2025-01-01', 'cmc', 'DigiCert, Inc.'],
  ['globalsign-vmc.pem', 'globalsign.com', '2025-06-01', 'vmc', 'GlobalSign nv-sa'],
  ['redshift.pem', 'redsift.com', '2022-01-01', 'vmc', 'Entrust, Inc.'],
] as const)(
  '%s holds for %s under the authorities that ship, and its logo may be shown',
  ([file, domain, day, kind, by], context) => {
    if (!existsSync(join(real, file))) return context.skip('the package came without its fixtures');
    const pem = readFileSync(join(real, file));
    const shipped = readCertificates(readFileSync(join(project, 'data/mark-roots.pem'), 'utf8'));
    const wish = { domains: [domain], selector: 'default', atMs: Date.parse(day) };
    const verdict = judgeMark(pem, wish, shipped);
    if (verdict.kind !== 'verified') return expect(verdict).toBe('verified');
    expect(verdict.mark).toMatchObject({ kind, authority: by, names: [domain] });
    expect(sanitiseSvg(verdict.mark.logo)).toMatchObject({ kind: 'safe' });
    expect(judgeMark(pem, { ...wish, atMs: Date.parse('2035-01-01') }, shipped)).toMatchObject({
      rule: 'expired',
    });
    expect(judgeMark(pem, { ...wish, domains: ['bank.example'] }, shipped)).toMatchObject({
      rule: 'unrelated',
    });
  },
);
