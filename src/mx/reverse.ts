import { reverseName } from '../dns/names.ts';
import type { Resolver } from '../dns/types.ts';
import { canonicalAddress } from '../net/address.ts';
import type { Check } from '../report.ts';

/** Forward-confirmed reverse DNS of an address, in the words of RFC 8601 §3 (iprev). */
export type Iprev = {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror';
  /** Names that the PTR records give, the first few. */
  readonly names: readonly string[];
};

/** Most names of one address that are looked up: anybody can publish thousands. */
const MAX_NAMES = 5;

async function pointsTo(name: string, ip: string, dns: Resolver): Promise<boolean | null> {
  const answer = await dns.resolve(name, ip.includes(':') ? 'AAAA' : 'A');
  if (answer.kind === 'failed') return null;
  return answer.kind === 'found' && answer.records.some((record) => canonicalAddress(record) === ip);
}

/** Ask for the names of an address, and whether one of them leads back to it. Never throws. */
export async function iprev(ip: string, dns: Resolver): Promise<Iprev> {
  const owner = reverseName(ip);
  const answer = owner === null ? null : await dns.resolve(owner, 'PTR');
  if (answer === null || answer.kind === 'empty' || answer.kind === 'absent')
    return { result: 'none', names: [] };
  if (answer.kind === 'failed') return { result: 'temperror', names: [] };
  const names = answer.records.slice(0, MAX_NAMES);
  const found = await Promise.all(names.map((name) => pointsTo(name, ip, dns)));
  if (found.includes(true)) return { result: 'pass', names };
  return { result: found.includes(null) ? 'temperror' : 'fail', names };
}

const WORDS: Readonly<Record<Iprev['result'], string>> = {
  pass: 'leads back to it',
  fail: 'does not lead back to it',
  none: 'there is none',
  temperror: 'the DNS did not tell',
};

/** Information only: who receives mail needs no reverse name, who sends it does. */
export function iprevCheck(ip: string, { result, names }: Iprev): Check {
  return {
    id: 'dns.iprev',
    status: 'ok',
    info: true,
    message: `Reverse name of ${ip}: ${WORDS[result]}.`,
    ...(names.length > 0 && { evidence: names.join(', ') }),
    ref: 'RFC 8601 §3',
  };
}
