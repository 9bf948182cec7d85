import type { Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';
import { domainSkeleton } from '../trust/names.ts';
import type { OpenSignup } from '../trust/open-signup.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import type { Registration } from './rdap.ts';

/** Names asked about for one domain. */
const MAX_ASKED = 40;

/** What one letter of a name is taken for at a glance; longer ones first, so that `rn` is not two letters. */
const TAKEN_FOR: readonly (readonly [part: string, looks: readonly string[]])[] = [
  ['rn', ['m']],
  ['vv', ['w']],
  ['m', ['rn']],
  ['w', ['vv']],
  ['l', ['1', 'i']],
  ['i', ['1', 'l']],
  ['1', ['l']],
  ['o', ['0']],
  ['0', ['o']],
];

/** Names that somebody could register to be taken for this one: a letter of its first label is another. */
export function lookalikesOf(domain: string): readonly string[] {
  const dot = domain.indexOf('.');
  const [label, rest] = [domain.slice(0, dot), domain.slice(dot)];
  const found = new Set<string>();
  for (let at = 0; at < label.length; at += 1)
    for (const [part, looks] of TAKEN_FOR)
      if (label.startsWith(part, at))
        for (const look of looks) found.add(label.slice(0, at) + look + label.slice(at + part.length) + rest);
  // A hyphen more or fewer is overlooked as well.
  if (label.includes('-')) found.add(label.replaceAll('-', '') + rest);
  return [...found].filter((name) => name !== domain).slice(0, MAX_ASKED);
}

/** What watching asks. */
export type WatchWorld = {
  readonly dns: Resolver;
  readonly openSignup: OpenSignup;
  /** Until when a domain is registered: that is not in the DNS. */
  readonly registrations: (domain: string) => Promise<Registration>;
  readonly nowMs: number;
};

/**
 * What could harm a company that is vouched for, beside what vetting asks (MD-6): names that look like its own, where
 * its mail goes, when its domain falls to somebody else.
 */
export async function watchDomain(
  domain: string,
  entry: LedgerEntry,
  ledger: Ledger,
  { dns, openSignup, registrations, nowMs }: WatchWorld,
): Promise<readonly Check[]> {
  const { proposal } = entry;
  const own = new Set(proposal.domains.map((each) => each.domain));
  const twin = likeEntry(domain, proposal.id, ledger);
  const [registered, exchangers, registration] = await Promise.all([
    likeDomains(domain, own, dns),
    mx(domain, dns, openSignup),
    registrations(domain),
  ]);
  const known = registration.kind === 'unasked' ? vettedRegistration(domain, entry) : registration;
  return [...twin, registered, exchangers, registrationCheck(domain, known, nowMs)];
}

/** Days before the end of a registration: when to ask the company, and when it is late. */
const DAYS = { warn: 45, crit: 7 };
const DAY_MS = 86_400_000;
/** Words of a registry for a domain that is about to be nobody's (RFC 8056). */
const FALLING = ['pending delete', 'redemption period', 'server hold', 'client hold', 'inactive'];

/** What the vetter was shown: `--evidence registration-expires=2027-03-31`, or `…=bank.example 2027-03-31`. */
function vettedRegistration(domain: string, { approved }: LedgerEntry): Registration {
  for (const { kind, text } of approved?.evidence ?? []) {
    const [, of = domain, day = ''] =
      kind === 'registration-expires' ? (/^(?:(\S+) )?(\d{4}-\d\d-\d\d)$/.exec(text.trim()) ?? []) : [];
    const expiresMs = Date.parse(day);
    if (of === domain && !Number.isNaN(expiresMs)) return { kind: 'found', expiresMs, status: [] };
  }
  return { kind: 'unasked' };
}

function registrationCheck(domain: string, known: Registration, nowMs: number): Check {
  const id = 'watch.registration';
  const ref = 'RFC 9083';
  const fix = 'Ask the company to renew it; what falls to somebody else is to be revoked.';
  switch (known.kind) {
    case 'unasked': {
      const message = `Until when ${domain} is registered was not asked: --rdap does.`;
      return { id, status: 'ok', info: true, message };
    }
    case 'unknown': {
      const message = `Until when ${domain} is registered could not be told: ${known.reason}`;
      return { id, status: 'unknown', message, fix: 'Try again.', ref };
    }
    case 'absent':
      return { id, status: 'crit', message: `The registry knows no ${domain}.`, fix, ref };
    case 'found': {
      const falling = known.status.find((word) => FALLING.includes(word));
      if (falling !== undefined)
        return { id, status: 'crit', message: `The registry says of ${domain}: ${falling}.`, fix, ref };
      if (known.expiresMs === null)
        return { id, status: 'ok', message: `The registry does not say until when ${domain} is registered.` };
      const day = new Date(known.expiresMs).toISOString().slice(0, 10);
      const left = (known.expiresMs - nowMs) / DAY_MS;
      const message = `${domain} ${left < 0 ? 'was' : 'is'} registered until ${day}.`;
      if (left >= DAYS.warn) return { id, status: 'ok', message, ref };
      return { id, status: left < DAYS.crit ? 'crit' : 'warn', message, fix, ref };
    }
  }
}

/** A policy that was stricter when the company was vetted: forged mail that was refused then gets through today. */
export function weakenedPolicy(
  { proposal, approved }: LedgerEntry,
  checks: readonly Check[],
): readonly Check[] {
  const seen = checks.filter(({ id }) => id === 'vetting.dmarc');
  return proposal.domains.flatMap(({ domain }) => {
    const now = seen.find(({ message }) => message.startsWith(`${domain} `));
    const then = approved?.evidence.find(
      ({ kind, text }) => kind === 'vetting.dmarc' && text.startsWith(`${domain} `),
    );
    if (!now?.message.includes('(p=quarantine)') || !then?.text.includes('(p=reject)')) return [];
    const message = `The DMARC policy of ${domain} was p=reject when it was vetted, and is p=quarantine today.`;
    return [
      { id: 'watch.dmarc', status: 'warn' as const, message, fix: 'Ask the company why.', ref: 'RFC 9989' },
    ];
  });
}

/** Another company of the list whose name looks the same: one of the two poses as the other. */
function likeEntry(domain: string, id: string, { entries }: Ledger): readonly Check[] {
  const { hurried } = domainSkeleton(domain);
  return [...entries.values()].flatMap(({ proposal, status }) => {
    if (proposal.id === id || status === 'revoked') return [];
    const like = proposal.domains.find((each) => domainSkeleton(each.domain).hurried === hurried);
    if (like === undefined) return [];
    const message = `${like.domain} of the entry ${proposal.id} looks like ${domain}.`;
    const fix = `Find out which is genuine: postern mediator suspend ${proposal.id}`;
    return [{ id: 'watch.look-alike', status: 'crit' as const, message, fix }];
  });
}

async function likeDomains(domain: string, own: ReadonlySet<string>, dns: Resolver): Promise<Check> {
  const id = 'watch.look-alike';
  const names = lookalikesOf(domain).filter((name) => !own.has(name));
  const answers = await Promise.all(names.map((name) => dns.resolve(name, 'MX')));
  const there = names.filter((_, index) => answers[index]?.kind === 'found');
  if (there.length > 0)
    return {
      id,
      status: 'warn',
      message: `${there.join(', ')} ${there.length === 1 ? 'looks' : 'look'} like ${domain} and can take part in mail.`,
      fix: 'Tell the company; if the name is its own, add it to the entry.',
    };
  if (answers.some((answer) => answer.kind === 'failed'))
    return {
      id,
      status: 'ok',
      info: true,
      message: `Not every name that looks like ${domain} could be looked up.`,
    };
  return {
    id,
    status: 'ok',
    message: `No name that looks like ${domain} has an exchanger (${names.length} tried).`,
  };
}

async function mx(domain: string, dns: Resolver, openSignup: OpenSignup): Promise<Check> {
  const id = 'watch.mx';
  const answer = await dns.resolve(domain, 'MX');
  if (answer.kind === 'failed')
    return {
      id,
      status: 'unknown',
      message: `Where mail to ${domain} goes could not be looked up.`,
      fix: 'Try again.',
    };
  const hosts = answer.kind === 'found' ? answer.records.map(({ exchange }) => exchange) : [];
  const free = hosts.find((host) => openSignup.find(host) !== null);
  if (free === undefined)
    return { id, status: 'ok', message: `Mail to ${domain} goes to no provider where anybody can sign up.` };
  return {
    id,
    status: 'warn',
    message: `Mail to ${domain} goes to ${free}, a provider where anybody can sign up.`,
    fix: 'Ask the company whether the domain is still its own, and vet it anew.',
  };
}
