import type { Resolver } from '../dns/types.ts';
import { findExchangers } from '../mx/exchangers.ts';
import { addressClass } from '../net/address.ts';
import type { Dialer } from '../net/dial.ts';
import type { Check } from '../report.ts';
import type { DoctorResult } from '../schema/doctor.ts';

export type Control = DoctorResult['controls'][number];

/** What trying the way out takes. */
export type OutboundWorld = {
  readonly dns: Resolver;
  readonly dial: Dialer;
  readonly port: number;
  readonly connectMs: number;
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
};

/** Servers tried for one domain: one is enough to know that the way is open. */
const PER_DOMAIN = 2;

const OUTCOMES: Readonly<Record<string, Control['outcome']>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
};

async function tryOne(host: string, ip: string, world: OutboundWorld): Promise<Control> {
  const patience = AbortSignal.timeout(world.connectMs);
  const at = { host, ip, port: world.port };
  try {
    const socket = await world.dial(at, AbortSignal.any([world.signal, patience]));
    socket.destroy();
    return { ...at, outcome: 'connected' };
  } catch (error) {
    world.signal.throwIfAborted();
    if (patience.aborted) return { ...at, outcome: 'timeout' };
    return { ...at, outcome: OUTCOMES[(error as NodeJS.ErrnoException).code ?? ''] ?? 'unreachable' };
  }
}

/** IPv4 addresses of a domain's exchangers, the first few: IPv6 has a check of its own. */
async function placesOf(domain: string, world: OutboundWorld): Promise<{ host: string; ip: string }[]> {
  const { hosts } = await findExchangers(domain, world.dns);
  const found = await Promise.all(
    hosts.slice(0, PER_DOMAIN).map(async ({ exchange }) => {
      const answer = await world.dns.resolve(exchange, 'A');
      const ip = answer.kind === 'found' ? answer.records[0] : undefined;
      const usable = ip !== undefined && (world.allowPrivate || addressClass(ip) === 'public');
      return usable ? [{ host: exchange, ip }] : [];
    }),
  );
  return found.flat();
}

/** Connect to exchangers of control domains and hang up: is the way out open? */
export async function tryOutbound(domains: readonly string[], world: OutboundWorld): Promise<Control[]> {
  const places = (await Promise.all(domains.map((domain) => placesOf(domain, world)))).flat();
  return Promise.all(places.map(({ host, ip }) => tryOne(host, ip, world)));
}

/** What the attempts say together: one that succeeds proves the way open, silence everywhere that it is shut. */
export function judgeOutbound(controls: readonly Control[], port: number): Check {
  if (controls.length === 0) {
    return {
      id: 'local.port25',
      status: 'unknown',
      message: `Not known whether connections to port ${port} get out: the DNS told no control server.`,
      fix: 'Mend the resolver first, or name other domains with --control.',
    };
  }
  const evidence = controls.map(({ ip, outcome }) => `${ip} ${outcome}`).join(', ');
  if (controls.some(({ outcome }) => outcome === 'connected')) {
    return { id: 'local.port25', status: 'ok', message: `Connections to port ${port} get out.`, evidence };
  }
  return {
    id: 'local.port25-blocked',
    status: 'crit',
    message: `No connection to port ${port} gets out: this network or its provider blocks it.`,
    evidence,
    fix: 'Ask the provider to open it, or run this elsewhere. "message path" and all that reads the DNS works without.',
  };
}
