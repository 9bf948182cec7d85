import type { Resolver } from '../dns/types.ts';
import { type FoundHost, findHost } from './hosts.ts';

/** Services of RFC 6186 and RFC 8314 under which a domain names where mail is submitted. */
const SERVICES = ['_submissions._tcp', '_submission._tcp'] as const;

/** Most hosts that are asked. */
const MAX_HOSTS = 8;

/**
 * Where mail programs of a domain submit: what its SRV records name (RFC 6186 §3.1, RFC 8314 §5.1), else the name
 * itself, as people are told "your outgoing server is smtp.example.org".
 */
export async function findSubmission(domain: string, dns: Resolver): Promise<FoundHost[]> {
  const answers = await Promise.all(SERVICES.map((service) => dns.resolve(`${service}.${domain}`, 'SRV')));
  const named = answers
    .flatMap((answer) => (answer.kind === 'found' ? answer.records : []))
    .filter(({ target }) => target !== '.')
    .toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
    .map(({ target }) => target);
  const hosts = [...new Set(named)].slice(0, MAX_HOSTS);
  return Promise.all(
    (hosts.length > 0 ? hosts : [domain]).map((host) =>
      findHost({ host, preference: null, mxDnssec: 'insecure' }, 587, dns),
    ),
  );
}
