import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificates } from '../../../src/bimi/certificate.ts';
import { DerFault } from '../../../src/bimi/der.ts';
import { type PathRule, validatePath } from '../../../src/bimi/path.ts';
import { needs } from '../../helpers/debian.ts';
import { ext, type Issued, issue, type Keys, makeKeys } from '../../helpers/marks.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const folder = mkdtempSync(join(tmpdir(), 'postern-path-'));
afterAll(() => rmSync(folder, { recursive: true }));

let keys: { root: Keys; middle: Keys; low: Keys; leaf: Keys; foreign: Keys };
beforeAll(async () => {
  const [root, middle, low, leaf, foreign] = await Promise.all([1, 2, 3, 4, 5].map(() => makeKeys()));
  keys = { root, middle, low, leaf, foreign } as typeof keys;
});

type Chain = { readonly leaf: string; readonly others: string; readonly roots: string };
type Parts = {
  readonly root?: readonly x509.Extension[];
  readonly middle?: readonly x509.Extension[];
  /** A second authority, where there is to be one. */
  readonly low?: readonly x509.Extension[];
  readonly leaf?: readonly x509.Extension[];
  readonly dates?: Partial<Record<'root' | 'middle' | 'leaf', readonly [string, string]>>;
};

const SIGNS = () => [ext.ca(), ext.certSign()];
const LEAF = (name = 'www.bank.example') => [ext.notCa(), ext.signOnly(), ext.names(name)];

async function chain(parts: Parts = {}): Promise<Chain & { readonly issued: readonly Issued[] }> {
  const dates = (of: 'root' | 'middle' | 'leaf') => {
    const given = parts.dates?.[of];
    return given && { notBefore: given[0], notAfter: given[1] };
  };
  const root = await issue({
    subject: 'O=Root',
    keys: keys.root,
    extensions: parts.root ?? SIGNS(),
    ...dates('root'),
  });
  const middle = await issue({
    subject: 'O=Middle',
    keys: keys.middle,
    by: root,
    extensions: parts.middle ?? SIGNS(),
    ...dates('middle'),
  });
  const low =
    parts.low && (await issue({ subject: 'O=Low', keys: keys.low, by: middle, extensions: parts.low }));
  const leaf = await issue({
    subject: 'O=Leaf',
    keys: keys.leaf,
    by: low ?? middle,
    extensions: parts.leaf ?? LEAF(),
    ...dates('leaf'),
  });
  const others = `${middle.pem}${low?.pem ?? ''}`;
  return { leaf: leaf.pem, others, roots: root.pem, issued: [leaf, middle, root] };
}

/** The same certificate with one text in it changed to another of the same length. */
function altered(pem: string, from: string, to: string): string {
  const [, body = ''] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(pem) ?? [];
  const bytes = Buffer.from(Buffer.from(body, 'base64').toString('latin1').replace(from, to), 'latin1');
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

function ours({ leaf, others, roots }: Chain): PathRule | 'valid' | 'unreadable' {
  try {
    const [first] = readCertificates(leaf);
    const rest = others === '' ? [] : readCertificates(others);
    const verdict = validatePath(first ?? expect.unreachable(), rest, readCertificates(roots), NOW);
    return verdict.kind === 'valid' ? 'valid' : verdict.rule;
  } catch (error) {
    if (error instanceof DerFault) return 'unreadable';
    throw error;
  }
}

/** What OpenSSL says, with the identifiers of keys demanded and policies checked. */
function openssl({ leaf, others, roots }: Chain): boolean {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ran = spawnSync('openssl', [
    'verify',
    '-x509_strict',
    '-policy_check',
    '-policy',
    ANY,
    '-auth_level',
    '2',
    '-no-CApath',
    '-no-CAstore',
    '-attime',
    String(NOW / 1000),
    '-CAfile',
    write('roots.pem', roots),
    ...(others === '' ? [] : ['-untrusted', write('others.pem', others)]),
    write('leaf.pem', leaf),
  ]);
  return ran.status === 0;
}

const P1 = '1.3.6.1.4.1.32473.1';
const P2 = '1.3.6.1.4.1.32473.2';
const ANY = '2.5.29.32.0';
const PAST = ['2020-01-01T00:00:00Z', '2026-01-01T00:00:00Z'] as const;
const FUTURE = ['2026-07-01T00:00:00Z', '2027-01-01T00:00:00Z'] as const;

const CASES: readonly (readonly [string, () => Promise<Chain>, ReturnType<typeof ours>])[] = [
  ['root, authority and leaf', () => chain(), 'valid'],
  ['two authorities', () => chain({ low: SIGNS() }), 'valid'],
  ['a leaf that expired', () => chain({ dates: { leaf: PAST } }), 'expired'],
  ['a leaf of a day to come', () => chain({ dates: { leaf: FUTURE } }), 'not-yet-valid'],
  ['an authority that expired', () => chain({ dates: { middle: PAST } }), 'expired'],
  ['a root that expired', () => chain({ dates: { root: PAST } }), 'expired'],
  [
    'a leaf whose subject was altered',
    async () => {
      const made = await chain();
      return { ...made, leaf: altered(made.leaf, 'Leaf', 'Bank') };
    },
    'signature',
  ],
  [
    'a leaf whose name was altered',
    async () => {
      const made = await chain();
      return { ...made, leaf: altered(made.leaf, 'www.bank', 'www.shop') };
    },
    'signature',
  ],
  [
    'an authority of the same name with another key',
    async () => {
      const made = await chain();
      const root = made.issued[2] as Issued;
      const twin = await issue({ subject: 'O=Middle', keys: keys.foreign, by: root, extensions: SIGNS() });
      return { ...made, others: twin.pem };
    },
    'signature',
  ],
  [
    'both of them, the wrong one first',
    async () => {
      const made = await chain();
      const root = made.issued[2] as Issued;
      const twin = await issue({ subject: 'O=Middle', keys: keys.foreign, by: root, extensions: SIGNS() });
      return { ...made, others: twin.pem + made.others };
    },
    'valid',
  ],
  [
    'another root of the same name',
    async () => {
      const made = await chain();
      const twin = await issue({ subject: 'O=Root', keys: keys.foreign, extensions: SIGNS() });
      return { ...made, roots: twin.pem };
    },
    'signature',
  ],
  [
    'a root that only came along',
    async () => {
      const made = await chain();
      const other = await issue({ subject: 'O=Other', keys: keys.foreign, extensions: SIGNS() });
      return { ...made, others: made.others + made.roots, roots: other.pem };
    },
    'no-root',
  ],
  ['no authority between', async () => ({ ...(await chain()), others: '' }), 'no-root'],
  [
    'a leaf that signed itself',
    async () => {
      const made = await chain();
      const own = await issue({ subject: 'O=Leaf', keys: keys.leaf, extensions: LEAF() });
      return { ...made, leaf: own.pem };
    },
    'no-root',
  ],
  ['an authority that is none', () => chain({ middle: [ext.notCa(), ext.signOnly()] }), 'not-an-authority'],
  ['an authority that does not say so', () => chain({ middle: [ext.certSign()] }), 'not-an-authority'],
  ['an authority that may not sign', () => chain({ middle: [ext.ca(), ext.signOnly()] }), 'key-usage'],
  [
    'a root that allows no authority below',
    () => chain({ root: [ext.ca(0), ext.certSign()] }),
    'path-length',
  ],
  [
    'an authority that allows none below',
    () => chain({ middle: [ext.ca(0), ext.certSign()], low: SIGNS() }),
    'path-length',
  ],
  [
    'an authority that allows one below',
    () => chain({ middle: [ext.ca(1), ext.certSign()], low: [ext.ca(0), ext.certSign()] }),
    'valid',
  ],
  [
    'a critical extension that nobody knows',
    () => chain({ leaf: [...LEAF(), ext.raw('1.3.6.1.4.1.32473.9', Buffer.from('0500', 'hex'), true)] }),
    'critical-extension',
  ],
  [
    'an extension that nobody knows',
    () => chain({ leaf: [...LEAF(), ext.raw('1.3.6.1.4.1.32473.9', Buffer.from('0500', 'hex'))] }),
    'valid',
  ],
  [
    'a name within what is permitted',
    () => chain({ middle: [...SIGNS(), ext.constraints(['bank.example'])] }),
    'valid',
  ],
  [
    'a name beside what is permitted',
    () => chain({ middle: [...SIGNS(), ext.constraints(['shop.example'])] }),
    'name-constraints',
  ],
  [
    'a name that only ends like what is permitted',
    () => chain({ middle: [...SIGNS(), ext.constraints(['bank.example'])], leaf: LEAF('xbank.example') }),
    'name-constraints',
  ],
  [
    'a name that is excluded',
    () => chain({ root: [...SIGNS(), ext.constraints([], ['bank.example'])] }),
    'name-constraints',
  ],
  [
    'a name that one authority permits and the next does not',
    () =>
      chain({
        middle: [...SIGNS(), ext.constraints(['example'])],
        low: [...SIGNS(), ext.constraints(['shop.example'])],
      }),
    'name-constraints',
  ],
  [
    'a policy that is demanded and there',
    () =>
      chain({
        middle: [...SIGNS(), ext.policies(P1), ext.explicitPolicy(0)],
        leaf: [...LEAF(), ext.policies(P1)],
      }),
    'valid',
  ],
  [
    'a policy that is demanded and missing',
    () => chain({ middle: [...SIGNS(), ext.policies(P1), ext.explicitPolicy(0)] }),
    'policy',
  ],
  [
    'another policy than the authority’s',
    () =>
      chain({
        middle: [...SIGNS(), ext.policies(P1), ext.explicitPolicy(0)],
        leaf: [...LEAF(), ext.policies(P2)],
      }),
    'policy',
  ],
  [
    'any policy',
    () =>
      chain({
        middle: [...SIGNS(), ext.policies(ANY), ext.explicitPolicy(0)],
        leaf: [...LEAF(), ext.policies(P2)],
      }),
    'valid',
  ],
  [
    'any policy, when that is inhibited',
    () =>
      chain({
        middle: [...SIGNS(), ext.policies(P1), ext.explicitPolicy(0), ext.inhibitAnyPolicy(0)],
        low: [...SIGNS(), ext.policies(ANY)],
        leaf: [...LEAF(), ext.policies(P1)],
      }),
    'policy',
  ],
  [
    'a policy that is mapped',
    () =>
      chain({
        middle: [...SIGNS(), ext.policies(P1), ext.explicitPolicy(0), ext.mapping([P1, P2])],
        leaf: [...LEAF(), ext.policies(P2)],
      }),
    'valid',
  ],
  [
    'a policy from before it was mapped',
    () =>
      chain({
        middle: [...SIGNS(), ext.policies(P1), ext.explicitPolicy(0), ext.mapping([P1, P2])],
        leaf: [...LEAF(), ext.policies(P1)],
      }),
    'policy',
  ],
  [
    'a policy that is demanded later on the path than it goes',
    () => chain({ middle: [...SIGNS(), ext.explicitPolicy(5)] }),
    'valid',
  ],
  [
    'no policy, with a policy demanded after one certificate',
    () => chain({ middle: [...SIGNS(), ext.explicitPolicy(1)] }),
    'policy',
  ],
  [
    'a leaf signed with SHA-1',
    async () => {
      const rsa = await makeKeys({
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-1',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
      });
      const root = await issue({
        subject: 'O=Root',
        keys: rsa,
        extensions: SIGNS(),
        signing: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' },
      });
      const leaf = await issue({
        subject: 'O=Leaf',
        keys: keys.leaf,
        by: root,
        extensions: LEAF(),
        signing: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' },
      });
      return { leaf: leaf.pem, others: '', roots: root.pem };
    },
    'algorithm',
  ],
  [
    'a leaf of RSA with 2048 bits',
    async () => {
      const algorithm = {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-384',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
      };
      const root = await issue({
        subject: 'O=Root',
        keys: await makeKeys(algorithm),
        extensions: SIGNS(),
        signing: algorithm,
      });
      const leaf = await issue({
        subject: 'O=Leaf',
        keys: keys.leaf,
        by: root,
        extensions: LEAF(),
        signing: algorithm,
      });
      return { leaf: leaf.pem, others: '', roots: root.pem };
    },
    'valid',
  ],
  [
    'an authority with a key of 1024 bits',
    async () => {
      const algorithm = {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        modulusLength: 1024,
        publicExponent: new Uint8Array([1, 0, 1]),
      };
      const root = await issue({
        subject: 'O=Root',
        keys: await makeKeys(algorithm),
        extensions: SIGNS(),
        signing: algorithm,
      });
      const leaf = await issue({
        subject: 'O=Leaf',
        keys: keys.leaf,
        by: root,
        extensions: LEAF(),
        signing: algorithm,
      });
      return { leaf: leaf.pem, others: '', roots: root.pem };
    },
    'key',
  ],
];

test.for(CASES)('a path with %s is judged as OpenSSL judges it', async ([, make, rule], context) => {
  needs(context, 'openssl', 'openssl');
  const made = await make();
  expect(ours(made)).toBe(rule);
  expect(openssl(made)).toBe(rule === 'valid');
});

describe('what is sent along', () => {
  test('makes nobody try for long', async () => {
    const made = await chain();
    const root = made.issued[2] as Issued;
    const twins = await Promise.all(
      Array.from({ length: 9 }, (_, index) =>
        issue({
          subject: 'O=Middle',
          keys: keys.foreign,
          by: index === 0 ? root : { ...root, certificate: (made.issued[1] as Issued).certificate },
          extensions: SIGNS(),
        }),
      ),
    );
    expect(ours({ ...made, others: twins.map(({ pem }) => pem).join('') })).toBe('signature');
  });

  test.for([
    ['no certificate', 'hello'],
    ['cut short', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
    [
      'a length without end',
      `-----BEGIN CERTIFICATE-----\n${Buffer.from('3084ffffffff', 'hex').toString('base64')}\n-----END CERTIFICATE-----\n`,
    ],
    ['more than ten', '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'.repeat(11)],
  ] as const)('and is %s cannot be read', ([, text]) => {
    expect(() => readCertificates(text)).toThrow(DerFault);
  });

  test('and was cut anywhere is refused without a crash', async () => {
    const { leaf } = await chain();
    const [first] = readCertificates(leaf);
    const bytes = first?.der ?? expect.unreachable();
    for (let length = 0; length < bytes.length; length += 7) {
      const cut = `-----BEGIN CERTIFICATE-----\n${bytes.subarray(0, length).toString('base64')}A===\n-----END CERTIFICATE-----\n`;
      expect(() => readCertificates(cut)).toThrow(DerFault);
    }
  });
});
