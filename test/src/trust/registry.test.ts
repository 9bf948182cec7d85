import { expect, test } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { knowledge } from '../../../src/trust/knowledge.ts';
import { isOverridesDocument, readOverrides } from '../../../src/trust/overrides.ts';
import { matches, readRegistry } from '../../../src/trust/registry.ts';
import { standingOf } from '../../../src/trust/show.ts';
import { bytes, entryDocument, NOW, registry, registryDocument } from '../../helpers/trust.ts';

/** What a reader says of a document that it refuses. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error).toMatchObject({ code: 'E_REGISTRY', exit: 65 });
    return error.message.replace(/^The list of trusted domains '[^']*' cannot be used: /, '');
  }
  return 'taken';
}

const vetting = entryDocument().vetting;

test.for([
  ['another format', {}, { format: 'trusted-domains/2' }, 'format: is not trusted-domains/1.'],
  ['no mediator', {}, { mediator: 'me' }, 'mediator: is not an object.'],
  ['a time that is none', {}, { issued: 'today' }, 'issued: is no time such as 2026-11-25T12:00:00Z.'],
  ['a day that is none', {}, { issued: '2026-02-30' }, 'issued: is no time such as 2026-11-25T12:00:00Z.'],
  ['an end before its beginning', {}, { expires: '2026-01-01' }, 'expires: is not after "issued".'],
  ['a version that is none', {}, { version: 1.5 }, 'version: is not a whole number from 0.'],
  ['no entries', {}, { entries: null }, 'entries: is not a list.'],
  ['an id with a blank', { id: 'a b' }, {}, 'entries[0].id: has a form that is not allowed.'],
  ['no name', { organization: {} }, {}, 'entries[0].organization.name: is missing.'],
  ['no domain', { domains: [] }, {}, 'entries[0].domains: is empty.'],
  [
    'a domain in capitals',
    { domains: [{ domain: 'Bank.example' }] },
    {},
    "entries[0].domains[0].domain: 'Bank.example' is to be written 'bank.example'.",
  ],
  [
    'a domain in U-labels',
    { domains: [{ domain: 'bänk.example' }] },
    {},
    "entries[0].domains[0].domain: 'bänk.example' is to be written 'xn--bnk-qla.example'.",
  ],
  [
    'a top-level domain',
    { domains: [{ domain: 'example' }] },
    {},
    "entries[0].domains[0].domain: 'example' is a top-level domain.",
  ],
  [
    'a domain that is none',
    { domains: [{ domain: 'a..b' }] },
    {},
    "entries[0].domains[0].domain: 'a..b' has an empty label.",
  ],
  [
    'a domain twice',
    { domains: [{ domain: 'a.test' }, { domain: 'a.test' }] },
    {},
    "entries[0].domains[1].domain: 'a.test' stands there twice.",
  ],
  [
    'yes for true',
    { domains: [{ domain: 'a.test', includeSubdomains: 'yes' }] },
    {},
    'entries[0].domains[0].includeSubdomains: is not true or false.',
  ],
  [
    'an empty list of signers',
    { domains: [{ domain: 'a.test', dkimDomains: [] }] },
    {},
    'entries[0].domains[0].dkimDomains: is empty.',
  ],
  [
    'a status that is none',
    { status: 'ok' },
    {},
    'entries[0].status: is none of active, suspended, revoked.',
  ],
  [
    'a logo that leads elsewhere',
    { logo: { mediaType: 'image/svg+xml', file: '../x.svg', sha256: 'a'.repeat(64) } },
    {},
    'entries[0].logo.file: has a form that is not allowed.',
  ],
  [
    'vetting that does not say',
    { vetting: { ...vetting, openSignup: undefined } },
    {},
    'entries[0].vetting.openSignup: is missing.',
  ],
  [
    'nobody who checked',
    { vetting: { ...vetting, checkedBy: [] } },
    {},
    'entries[0].vetting.checkedBy: is empty.',
  ],
  [
    'a website without TLS',
    { organization: { name: 'X', website: 'http://x.test/' } },
    {},
    'entries[0].organization.website: has a form that is not allowed.',
  ],
] as const)('a list with %s is refused', ([, entry, document, message]) => {
  const text = bytes(registryDocument([entryDocument(entry)], document));
  expect(refusal(() => readRegistry(text, 'list.json'))).toBe(message);
});

test('two entries with one id are refused', () => {
  const text = bytes(registryDocument([entryDocument(), entryDocument()]));
  expect(refusal(() => readRegistry(text, 'x'))).toBe("entries[1].id: 'example-bank' stands there twice.");
});

const sound = JSON.stringify(registryDocument());

test.for([
  [
    'a key that stands there twice',
    sound.replace('"version":1', '"version":1,"version":2'),
    'version: stands there twice.',
  ],
  [
    'a key twice in other spelling',
    sound.replace('"version":1', '"version":1,"\\u0076ersion":2'),
    'version: stands there twice.',
  ],
  [
    'a key twice far inside',
    sound.replace('"status":"active"', '"status":"active","status":"revoked"'),
    'entries[0].status: stands there twice.',
  ],
  [
    '__proto__',
    sound.replace('"version":1', '"version":1,"__proto__":{}'),
    '__proto__: is a name that no document may use.',
  ],
  [
    'too much depth',
    sound.replace('"version":1', `"version":1,"x":${'['.repeat(9)}${']'.repeat(9)}`),
    /nested deeper than 8\.$/,
  ],
  ['depth without an end', '['.repeat(1_000_000), /nested deeper than 8\.$/],
  ['no JSON', '{"format":', /^is not JSON: /],
  ['bytes that are no text', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 'is not UTF-8.'],
  ['only a string', '"x"', 'is not an object.'],
  ['more than 64 MiB', Buffer.alloc(64 * 1024 * 1024 + 1, 0x20), 'is larger than 67108864 bytes.'],
] as const)('a document is refused for %s', ([, text, message]) => {
  const said = refusal(() => readRegistry(Buffer.from(text), 'x'));
  if (typeof message === 'string') expect(said).toMatch(message);
  else expect(said).toMatch(message);
});

test('members that are not known are left alone in a list', () => {
  expect(refusal(() => readRegistry(bytes(registryDocument(undefined, { later: true })), 'x'))).toBe('taken');
});

test.for([
  ['bank.example', 'bank.example', true],
  ['www.bank.example', 'bank.example', false],
  ['shop.example', 'shop.example', true],
  ['a.b.shop.example', 'shop.example', true],
  ['notshop.example', null, false],
  ['x.github.io', 'github.io', false],
  ['example', null, false],
] as const)('%s is looked up by its name and those above it', ([domain, listed, covers]) => {
  const list = registry([
    entryDocument({
      domains: [{ domain: 'bank.example' }, { domain: 'shop.example', includeSubdomains: true }],
    }),
    entryDocument({ id: 'pages', domains: [{ domain: 'github.io', includeSubdomains: true }] }),
  ]);
  const [match] = matches(list, domain);
  expect(match?.listed.domain ?? null).toBe(listed);
  expect(match?.covers ?? false).toBe(covers);
});

test('the nearest name comes first', () => {
  const list = registry([
    entryDocument({ domains: [{ domain: 'shop.example', includeSubdomains: true }] }),
    entryDocument({ id: 'nearer', domains: [{ domain: 'a.shop.example' }] }),
  ]);
  expect(matches(list, 'a.shop.example').map(({ entry }) => entry.id)).toEqual(['nearer', 'example-bank']);
});

const full = {
  registry: 'registry.json',
  overrides: {
    trust: ['a.example', { domain: 'b.example', includeSubdomains: true, name: 'B' }],
    block: ['c.example', { domain: 'd.example', includeSubdomains: false, from: 'trust' }],
    openSignup: { add: ['e.example'], remove: ['f.example'] },
    sealers: ['g.example'],
  },
};

test('local decisions are read with their defaults', () => {
  expect(isOverridesDocument(bytes(full))).toBe(true);
  expect(readOverrides(bytes(full), 'x')).toEqual({
    registry: 'registry.json',
    overrides: {
      trust: [
        { domain: 'a.example', includeSubdomains: false, name: 'a.example' },
        { domain: 'b.example', includeSubdomains: true, name: 'B' },
      ],
      block: [
        { domain: 'c.example', includeSubdomains: true, from: 'all' },
        { domain: 'd.example', includeSubdomains: false, from: 'trust' },
      ],
      openSignup: { add: ['e.example'], remove: ['f.example'] },
      sealers: ['g.example'],
    },
  });
  expect(isOverridesDocument(bytes(registryDocument()))).toBe(false);
});

test.for([
  [
    { overrides: { blok: [] } },
    'overrides.blok: is not known here; known are trust, block, openSignup, sealers.',
  ],
  [{ overrides: {}, rgistry: 'x' }, 'rgistry: is not known here; known are registry, overrides.'],
  [
    { overrides: { block: [{ domain: 'a.example', from: 'some' }] } },
    'overrides.block[0].from: is none of all, trust.',
  ],
  [{ overrides: { trust: ['A.example'] } }, "overrides.trust[0]: 'A.example' is to be written 'a.example'."],
  [
    { overrides: { openSignup: { added: [] } } },
    'overrides.openSignup.added: is not known here; known are add, remove.',
  ],
  [{ overrides: [] }, 'overrides: is not an object.'],
] as const)('local decisions with a slip are refused: %j', ([document, message]) => {
  expect(refusal(() => readOverrides(bytes(document), 'x'))).toBe(message);
});

test('what is known of a domain alone follows from the table', () => {
  const domains = [{ domain: 'bank.example', dkimDomains: ['mail.bank.example'], selectors: ['s1'] }];
  const standing = standingOf(
    'bank.example',
    knowledge({ registries: [registry([entryDocument({ domains })])] }),
    NOW,
  );
  expect(standing).toMatchObject({
    verdict: 'trusted',
    status: 'ok',
    organization: { name: 'Example Bank' },
    wouldTrust: null,
    summary: 'Mail that bank.example signs is trusted: Example Bank, vouched for by Example Mediator.',
    entries: [{ id: 'example-bank', covers: true, status: 'active', validUntil: '2027-06-30T23:59:59Z' }],
  });
});

test.for([
  [{ status: 'revoked', reason: 'sold' }, {}, 'crit', 'registry.revoked', '(sold)'],
  [{ status: 'suspended' }, {}, 'crit', 'registry.suspended', 'suspended the entry'],
  [{ revokedAt: '2026-11-01' }, {}, 'crit', 'registry.revoked', 'on 2026-11-01'],
  [{ validUntil: '2026-11-01' }, {}, 'warn', 'registry.expired', 'until 2026-11-01'],
  [{ validFrom: '2026-12-01' }, {}, 'warn', 'registry.not-yet', 'from 2026-12-01'],
  [{}, { expires: '2026-11-24T12:00:00Z' }, 'warn', 'registry.stale', 'valid until 2026-11-24'],
  [{}, { issued: '2026-11-27', expires: '2026-12-27' }, 'warn', 'registry.stale', 'yet to come'],
  [
    { vetting: { ...vetting, singleCompany: false } },
    {},
    'warn',
    'registry.shared-domain',
    'not of one company',
  ],
  [{ domains: [{ domain: 'else.example' }] }, {}, 'ok', 'registry.none', 'has bank.example'],
] as const)('an entry that does not vouch says why: %j %j', ([entry, document, status, code, text]) => {
  const list = registry([entryDocument(entry)], document);
  const standing = standingOf('bank.example', knowledge({ registries: [list] }), NOW);
  expect(standing).toMatchObject({ verdict: 'authenticated', status, organization: null });
  expect(standing.reasons.find((each) => each.code === code)?.text).toContain(text);
});

test('a look-up finds its entry among a hundred thousand domains', () => {
  const entries = Array.from({ length: 100 }, (_, index) =>
    entryDocument({
      id: `company-${index}`,
      domains: Array.from({ length: 1000 }, (__, at) => ({ domain: `d${index}-${at}.example` })),
    }),
  );
  const list = registry(entries);
  expect(list.byDomain.size).toBe(100_000);
  expect(matches(list, 'd99-999.example')[0]?.entry.id).toBe('company-99');
});

test('an entry whose review is overdue vouches, and that is told', () => {
  const late = entryDocument({ vetting: { ...vetting, nextReview: '2026-11-01' } });
  const standing = standingOf('bank.example', knowledge({ registries: [registry([late])] }), NOW);
  expect(standing).toMatchObject({ verdict: 'trusted', status: 'warn' });
  expect(standing.reasons.map(({ code }) => code)).toContain('registry.review-overdue');
});
