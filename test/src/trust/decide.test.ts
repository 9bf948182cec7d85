import { expect, test } from 'vitest';
import { decide } from '../../../src/trust/decide.ts';
import type { Decision, Facts, SignatureFacts, Verdict } from '../../../src/trust/facts.ts';
import { type Knowledge, knowledge } from '../../../src/trust/knowledge.ts';
import { openNameFile, writeNameFile } from '../../../src/trust/name-file.ts';
import { NO_OVERRIDES, type Overrides } from '../../../src/trust/overrides.ts';
import { entryDocument, facts, NOW, reason, registry, signature } from '../../helpers/trust.ts';

const DOMAIN = 'bank.example';
const AUTHOR = facts(DOMAIN).author;

/** One condition of the table, and what it may be. */
const CONDITIONS = {
  structure: ['sound', 'faulty'],
  blocked: ['nobody', 'author', 'signer'],
  open: ['closed', 'listed', 'removed', 'forced', 'removed and forced'],
  signature: ['none', 'qualifies', 'disqualified', 'unaligned', 'altered', 'body unknown', 'temperror'],
  dmarc: ['none', 'pass', 'fail none', 'fail reject', 'temperror'],
  list: ['none', 'unlisted', 'active', 'revoked', 'expired', 'stale', 'active, revoked by another', 'local'],
  name: ['honest', 'deceptive'],
  arc: ['none', 'pass by a stranger', 'pass by a sealer'],
  given: ['message', 'header'],
} as const;

type Case = { readonly [K in keyof typeof CONDITIONS]: (typeof CONDITIONS)[K][number] };

function* combinations(): Generator<Case> {
  const names = Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[];
  const total = names.reduce((product, name) => product * CONDITIONS[name].length, 1);
  for (let index = 0; index < total; index += 1) {
    let rest = index;
    const chosen: Record<string, string> = {};
    for (const name of names) {
      const values = CONDITIONS[name];
      chosen[name] = values[rest % values.length] ?? '';
      rest = Math.floor(rest / values.length);
    }
    yield chosen as Case;
  }
}

const SIGNATURES: Readonly<Record<Case['signature'], readonly SignatureFacts[]>> = {
  none: [],
  qualifies: [signature()],
  disqualified: [signature({ disqualifiedBy: [reason('dkim.partial-body')] })],
  unaligned: [
    signature({ domain: 'other.example', aligned: false, disqualifiedBy: [reason('dkim.unaligned')] }),
  ],
  altered: [signature({ result: 'fail', altered: true, disqualifiedBy: [reason('dkim.fail')] })],
  'body unknown': [
    signature({ result: 'neutral', bodyUnknown: true, disqualifiedBy: [reason('dkim.body-unknown')] }),
  ],
  temperror: [signature({ result: 'temperror', disqualifiedBy: [reason('dkim.fail')] })],
};

const DMARC: Readonly<Record<Case['dmarc'], Facts['dmarc']>> = {
  none: { result: 'none', policy: null, alignedSpf: false, alignedDkim: false },
  pass: { result: 'pass', policy: 'reject', alignedSpf: true, alignedDkim: false },
  'fail none': { result: 'fail', policy: 'none', alignedSpf: false, alignedDkim: false },
  'fail reject': { result: 'fail', policy: 'reject', alignedSpf: false, alignedDkim: false },
  temperror: { result: 'temperror', policy: null, alignedSpf: false, alignedDkim: false },
};

const ARC: Readonly<Record<Case['arc'], Facts['arc']>> = {
  none: { result: 'none', sealer: null, dmarcPassFor: null },
  'pass by a stranger': { result: 'pass', sealer: 'stranger.example', dmarcPassFor: DOMAIN },
  'pass by a sealer': { result: 'pass', sealer: 'sealer.example', dmarcPassFor: DOMAIN },
};

const other = { mediator: { id: 'other.example', name: 'Other Mediator' } };
const revoked = entryDocument({ status: 'revoked', revokedAt: '2026-11-01', reason: 'sold' });
const LISTS: Readonly<Record<Case['list'], Parameters<typeof knowledge>[0]>> = {
  none: {},
  unlisted: { registries: [registry([])] },
  active: { registries: [registry()] },
  revoked: { registries: [registry([revoked])] },
  expired: { registries: [registry([entryDocument({ validUntil: '2026-11-01' })])] },
  stale: { registries: [registry(undefined, { expires: '2026-11-25T00:00:00Z' })] },
  'active, revoked by another': { registries: [registry(), registry([revoked], other)] },
  local: {},
};

const known = new Map<string, Knowledge>();

function knowledgeFor({ list, open, blocked }: Case): Knowledge {
  const key = `${list} ${open} ${blocked}`;
  const there = known.get(key);
  if (there) return there;
  const trust =
    list === 'local' || open === 'forced' ? [{ domain: DOMAIN, includeSubdomains: false, name: DOMAIN }] : [];
  const block = { author: DOMAIN, signer: 'other.example', nobody: null }[blocked];
  const overrides: Overrides = {
    trust,
    block: block === null ? [] : [{ domain: block, includeSubdomains: true, from: 'all' }],
    openSignup: { add: [], remove: open.startsWith('removed') ? [DOMAIN] : [] },
    sealers: ['sealer.example'],
  };
  const origin = { kind: 'free-mail', date: '2026-11-25', source: 'test', note: '' } as const;
  const listed = [{ mediator: null, file: openNameFile(writeNameFile([{ name: DOMAIN, origin }])) }];
  const made = knowledge({ ...LISTS[list], overrides, nameFiles: open === 'closed' ? [] : listed });
  known.set(key, made);
  return made;
}

function factsFor(each: Case): Facts {
  const display = each.name === 'honest' ? 'Service' : 'help@other.example';
  return {
    ...facts(DOMAIN),
    author: {
      ...AUTHOR,
      mailboxes: [{ display, local: 'service', domain: DOMAIN }],
      faults: each.structure === 'faulty' ? [reason('structure.several-from')] : [],
    },
    signatures: SIGNATURES[each.signature],
    dmarc: DMARC[each.dmarc],
    temporaryErrors:
      each.dmarc === 'temperror'
        ? [{ check: 'dmarc', dns: `_dmarc.${DOMAIN}`, rcode: 'TIMEOUT', decisive: true }]
        : [],
    arc: ARC[each.arc],
    headerOnly: each.given === 'header',
  };
}

function decideCase(each: Case): Decision {
  const force = each.open.endsWith('forced');
  return decide(factsFor(each), knowledgeFor(each), NOW, { force });
}

/** The table of the requirements, word by word and apart from how the program tells its conditions apart. */
function expected(each: Case): readonly [row: number, Verdict] {
  const open = each.open === 'listed';
  const q = each.signature === 'qualifies' && each.given === 'message';
  const proved = q || each.dmarc === 'pass';
  const deceptive = each.name === 'deceptive';
  const vouched = each.list === 'active' || each.list === 'local' || each.open === 'forced';
  const withdrawn = each.list === 'revoked' || each.list === 'active, revoked by another';
  const active = vouched || each.list === 'active, revoked by another';
  const mayBeTrusted = q && vouched && !withdrawn && each.open !== 'listed' && each.open !== 'removed';
  const sealed = each.arc === 'pass by a sealer';
  const undecided = ['temperror', 'body unknown'].includes(each.signature) || each.dmarc === 'temperror';
  const altered = each.signature === 'altered' && each.given === 'message';
  if (each.structure === 'faulty') return [1, 'suspicious'];
  if (each.blocked === 'author' || (each.blocked === 'signer' && each.signature === 'unaligned'))
    return [2, 'suspicious'];
  if (open && proved) return deceptive ? [3, 'suspicious'] : [4, 'open-signup'];
  if (mayBeTrusted) return [5, 'trusted'];
  if (proved) return deceptive ? [6, 'suspicious'] : [7, 'authenticated'];
  if (undecided) return [8, 'unauthenticated'];
  if (each.dmarc === 'fail reject' || active || altered) return [9, sealed ? 'authenticated' : 'suspicious'];
  return sealed ? [10, 'authenticated'] : [11, 'unauthenticated'];
}

/** What must hold whatever the table says: each names the cases that it is about. */
const INVARIANTS: readonly (readonly [string, (each: Case, decision: Decision) => boolean])[] = [
  ['trusted only by row 5', (_, { verdict, row }) => (verdict === 'trusted') === (row === 5)],
  [
    'trusted only with a qualifying signature',
    ({ signature: signed }, { verdict }) => verdict !== 'trusted' || signed === 'qualifies',
  ],
  [
    'trusted never for a header alone',
    ({ given }, { verdict }) => given === 'message' || verdict !== 'trusted',
  ],
  [
    'trusted never where anybody can sign up, unless somebody insists',
    ({ open }, { verdict }) => open === 'closed' || open.endsWith('forced') || verdict !== 'trusted',
  ],
  [
    'the display still says that it is a free provider when somebody insists',
    ({ open }, { verdict, reasons }) =>
      !open.endsWith('forced') ||
      verdict !== 'trusted' ||
      reasons.some(({ code }) => code === 'open-signup.forced'),
  ],
  [
    'trusted never after anybody withdrew the entry',
    ({ list }, { verdict }) => !list.includes('revoked') || verdict !== 'trusted',
  ],
  [
    'a fault in the structure makes it suspicious',
    ({ structure }, { verdict }) => structure === 'sound' || verdict === 'suspicious',
  ],
  [
    'the organization is told when trusted and never else',
    (_, { verdict, organization, vouchers }) =>
      (verdict === 'trusted') === (organization !== null) && (verdict === 'trusted') === vouchers.length > 0,
  ],
  [
    'what would make it trusted is told unless it is',
    (_, { verdict, wouldTrust }) => (verdict === 'trusted') === (wouldTrust === null),
  ],
  ['there is always a reason', (_, { reasons }) => reasons.length > 0],
  [
    'no reason is told twice',
    (_, { reasons }) => new Set(reasons.map(({ code, text }) => code + text)).size === reasons.length,
  ],
  [
    'nobody vouches by ARC alone',
    ({ arc, signature: signed, dmarc }, { verdict }) =>
      arc === 'none' || signed === 'qualifies' || dmarc === 'pass' || verdict !== 'trusted',
  ],
  [
    'only what is undecided says by what',
    (_, { undecidedBy, verdict }) => undecidedBy === null || verdict === 'unauthenticated',
  ],
  [
    'altered is never said of a header alone',
    ({ given }, { reasons }) => given === 'message' || !reasons.some(({ code }) => code === 'dkim.altered'),
  ],
];

/** Every combination is decided once; each rule keeps the first case that breaks it. */
function tryAll() {
  const rows = new Set<number>();
  const broken = new Map<string, unknown>();
  for (const each of combinations()) {
    const decision = decideCase(each);
    rows.add(decision.row);
    const [row, verdict] = expected(each);
    if (decision.row !== row || decision.verdict !== verdict)
      broken.set('table', { each, decision, row, verdict });
    for (const [name, holds] of INVARIANTS) if (!holds(each, decision)) broken.set(name, { each, decision });
  }
  return { rows, broken };
}

const tried = tryAll();

test('every combination of conditions gets the verdict of the table', () => {
  expect(tried.broken.get('table')).toBeUndefined();
});

test('each row of the table decides some case', () => {
  expect([...tried.rows].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test.for(INVARIANTS)('%s', ([name]) => {
  expect(tried.broken.get(name)).toBeUndefined();
});

test.for([
  ['SPF alone', { dmarc: DMARC.pass }, 'authenticated', 'vouch.needs-dkim'],
  ['nothing at all', {}, 'suspicious', 'vouched.unsigned'],
  ['an altered body', { signatures: SIGNATURES.altered }, 'suspicious', 'dkim.altered'],
  [
    'a fault of the signature',
    { signatures: SIGNATURES.disqualified, dmarc: DMARC.pass },
    'authenticated',
    'dkim.partial-body',
  ],
] as const)('%s of a listed domain is not trusted, and the reason is told', ([, changes, verdict, code]) => {
  const decision = decide({ ...facts(DOMAIN), ...changes }, knowledge({ registries: [registry()] }), NOW);
  expect(decision).toMatchObject({ verdict, organization: null });
  expect(decision.reasons.map((each) => each.code)).toContain(code);
});

test('the decisive reasons come first and all others follow', () => {
  const message = facts(DOMAIN, {
    signatures: [signature({ warnings: [reason('dkim.short-key', 'warn')] })],
  });
  const { reasons } = decide(message, knowledge({ registries: [registry()] }), NOW);
  expect(reasons.map(({ code }) => code)).toEqual([
    'registry.active:example-bank',
    'dkim.pass',
    'dkim.short-key',
    'dmarc.none',
    'spf.not-evaluated',
  ]);
});

test('without a list the answer says that there can be none better, and what changes that', () => {
  const { verdict, reasons, wouldTrust } = decide(
    facts(DOMAIN, { signatures: [signature()] }),
    knowledge(),
    NOW,
  );
  expect(verdict).toBe('authenticated');
  expect(reasons[0]?.text).toBe(
    'No list of trusted domains is configured; `authenticated` is the best possible answer.',
  );
  expect(wouldTrust).toContain('--registry FILE');
});

const signers = [{ domain: DOMAIN, dkimDomains: ['mail.bank.example'], selectors: ['s1'] }];

test.for([
  ['mail.bank.example', 's1', 'trusted'],
  ['mail.bank.example', 'S1', 'trusted'],
  ['mail.bank.example', 's2', 'authenticated'],
  ['bank.example', 's1', 'authenticated'],
] as const)('an entry that names its signers counts no other: %s with %s', ([domain, selector, verdict]) => {
  const known = knowledge({ registries: [registry([entryDocument({ domains: signers })])] });
  const decision = decide(facts(DOMAIN, { signatures: [signature({ domain, selector })] }), known, NOW);
  expect(decision.verdict).toBe(verdict);
});

test('a signing domain of an entry never stands in for an aligned one', () => {
  const domains = [{ domain: DOMAIN, dkimDomains: ['shared-sender.example'] }];
  const stranger = signature({ domain: 'shared-sender.example', aligned: false });
  const known = knowledge({ registries: [registry([entryDocument({ domains })])] });
  expect(decide(facts(DOMAIN, { signatures: [stranger] }), known, NOW).verdict).not.toBe('trusted');
});

const DAY = 86_400_000;

test.for([
  ['who is not addressed, of an old signature', 'me@home.example', 2 * DAY, false, true],
  ['who is addressed', 'you@home.example', 2 * DAY, false, false],
  ['of a fresh signature', 'me@home.example', DAY / 2, false, false],
  ['where SPF is aligned', 'me@home.example', 2 * DAY, true, false],
] as const)('a message to somebody %s', ([, recipient, age, alignedSpf, suspected]) => {
  const message = facts(DOMAIN, {
    signatures: [signature({ signedAtMs: NOW - age })],
    dmarc: { ...DMARC.pass, alignedSpf },
    delivery: { recipient, addressed: ['You@home.example'] },
  });
  const known = knowledge({ registries: [registry()] });
  const lenient = decide(message, known, NOW);
  expect(lenient.verdict).toBe('trusted');
  expect(lenient.reasons.some(({ code }) => code === 'replay.suspected')).toBe(suspected);
  const strict = decide(message, known, NOW, { strictReplay: true });
  expect(strict.verdict).toBe(suspected ? 'authenticated' : 'trusted');
});

test('a mediator that says so itself makes a domain open for sign-up', () => {
  const vetting = { ...entryDocument().vetting, openSignup: true };
  const known = knowledge({ registries: [registry([entryDocument({ vetting })])] });
  const decision = decide(facts(DOMAIN, { signatures: [signature()] }), known, NOW);
  expect(decision.verdict).toBe('open-signup');
});

test('a domain that is only not to be trusted is authenticated at best', () => {
  const overrides: Overrides = {
    ...NO_OVERRIDES,
    block: [{ domain: DOMAIN, includeSubdomains: true, from: 'trust' }],
  };
  const known = knowledge({ registries: [registry()], overrides });
  const decision = decide(facts(DOMAIN, { signatures: [signature()] }), known, NOW);
  expect(decision.verdict).toBe('authenticated');
  expect(decision.reasons[0]?.code).toBe('registry.local-block');
});

test('a list that could not be had is told, and vouches for nobody', () => {
  const decision = decide(
    facts(DOMAIN, { signatures: [signature()] }),
    knowledge({ unavailable: ['https://mediator.example/list'] }),
    NOW,
  );
  expect(decision.verdict).toBe('authenticated');
  expect(decision.reasons[0]?.code).toBe('registry.unavailable');
});

test('two mediators that vouch are both told', () => {
  const known = knowledge({ registries: [registry(), registry(undefined, other)] });
  const { vouchers } = decide(facts(DOMAIN, { signatures: [signature()] }), known, NOW);
  expect(vouchers.map(({ mediator }) => mediator)).toEqual(['Example Mediator', 'Other Mediator']);
});
