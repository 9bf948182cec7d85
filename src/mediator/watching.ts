import type { Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';
import { domainSkeleton } from '../trust/names.ts';
import type { OpenSignup } from '../trust/open-signup.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';

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

/**
 * What could harm a company that is vouched for, beside what vetting asks (MD-6): names that look like its own, and
 * where its mail goes. The expiry of a registration is not in the DNS.
 */
export async function watchDomain(
  domain: string,
  { proposal }: LedgerEntry,
  ledger: Ledger,
  dns: Resolver,
  openSignup: OpenSignup,
): Promise<readonly Check[]> {
  const own = new Set(proposal.domains.map((each) => each.domain));
  const twin = likeEntry(domain, proposal.id, ledger);
  const [registered, exchangers] = await Promise.all([
    likeDomains(domain, own, dns),
    mx(domain, dns, openSignup),
  ]);
  return [...twin, registered, exchangers];
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
