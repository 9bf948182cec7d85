import type { Resolver } from '../dns/types.ts';
import { type Check, worst } from '../report.ts';
import type { DoctorResult } from '../schema/doctor.ts';
import { judgeOutbound, type OutboundWorld, tryOutbound } from './outbound.ts';
import { examineServices, type Services } from './services.ts';

/** What is known of this machine, looked up by the caller. */
export type Machine = {
  readonly nodeVersion: string;
  readonly platform: string;
  /** Whether a packet to the IPv6 internet would find a way. */
  readonly hasIpv6Route: boolean;
  /** Whether something keeps the clock right; null when nothing says so. */
  readonly clockSynchronized: boolean | null;
  readonly nowMs: number;
  /** When this version was made; no right clock is before it. */
  readonly builtMs: number;
  /** HID devices, and whether they may be opened by this user. */
  readonly hidDevices: readonly { readonly path: string; readonly usable: boolean }[];
  readonly services: Services;
};

/** A control look-up: the root zone is always there, and signed. */
async function examineDns(dns: Resolver): Promise<Check[]> {
  const answer = await dns.resolve('.', 'NS');
  if (answer.kind !== 'found') {
    const reason = answer.kind === 'failed' ? answer.message : 'the root zone has no name servers there';
    return [
      {
        id: 'local.resolver',
        status: 'crit',
        message: `The resolver does not answer: ${reason.replace(/\.$/, '')}.`,
        evidence: answer.server,
        fix: 'Look at /etc/resolv.conf, or name another with --resolver.',
      },
    ];
  }
  const resolver: Check = {
    id: 'local.resolver',
    status: 'ok',
    message: 'The resolver answers.',
    evidence: answer.server,
  };
  const dnssec = { id: 'local.dnssec' } as const;
  if (answer.dnssec === 'secure') {
    return [
      resolver,
      { ...dnssec, status: 'ok', message: 'The resolver validates DNSSEC and can be believed.' },
    ];
  }
  if (answer.dnssec === 'untrusted') {
    return [
      resolver,
      {
        ...dnssec,
        status: 'warn',
        message:
          'Whether answers are validated (DNSSEC) cannot be told from here: the way to the resolver is open.',
        fix: 'Run a validating resolver such as Unbound on this machine, use tls:// or https://, or --trust-ad on a safe network.',
        ref: 'RFC 4035 §4.9.3',
      },
    ];
  }
  return [
    resolver,
    {
      ...dnssec,
      status: 'warn',
      message: 'The resolver does not validate DNSSEC: DANE cannot be judged.',
      fix: 'Switch validation on, or use a resolver that does it.',
    },
  ];
}

function examineClock({ clockSynchronized, nowMs, builtMs }: Machine): Check {
  if (nowMs < builtMs) {
    return {
      id: 'local.clock',
      status: 'crit',
      message: 'The clock is wrong: it is before this version was made.',
      evidence: new Date(nowMs).toISOString(),
      fix: 'Set it, and let NTP keep it: certificates and DNSSEC are judged by it.',
    };
  }
  if (clockSynchronized)
    return { id: 'local.clock', status: 'ok', message: 'The clock is kept right by NTP.' };
  return {
    id: 'local.clock',
    status: 'ok',
    info: true,
    message: 'Nothing here says that the clock is kept right.',
    fix: 'Use systemd-timesyncd or chrony: certificates, DNSSEC and delays are judged by the clock.',
  };
}

function examineIpv6({ hasIpv6Route }: Machine): Check {
  return {
    id: 'local.ipv6',
    status: 'ok',
    ...(!hasIpv6Route && { info: true as const }),
    message: hasIpv6Route
      ? 'There is an IPv6 route.'
      : 'There is no IPv6 route: IPv6 addresses of servers are not tested.',
  };
}

function examineHid({ hidDevices, platform }: Machine): Check {
  const locked = hidDevices.filter(({ usable }) => !usable);
  if (platform !== 'linux' || hidDevices.length === 0) {
    return { id: 'local.hid', status: 'ok', info: true, message: 'No HID device is to be seen here.' };
  }
  if (locked.length === 0)
    return { id: 'local.hid', status: 'ok', message: 'The HID devices may be opened.' };
  return {
    id: 'local.hid',
    status: 'ok',
    info: true,
    message: `${locked.length} of ${hidDevices.length} HID devices may not be opened by you; keys on them cannot be read.`,
    evidence: locked.map(({ path }) => path).join(', '),
    fix: 'For YubiKeys: a udev rule with ATTRS{idVendor}=="1050" and TAG+="uaccess".',
  };
}

function summarize(checks: readonly Check[]): string {
  const wrong = checks.filter(({ status }) => status !== 'ok');
  return wrong.length === 0
    ? 'This machine can do the work.'
    : `${wrong.length === 1 ? 'One thing stands' : `${wrong.length} things stand`} in the way: ${wrong[0]?.message}`;
}

/** Examine whether this machine can do the work, with the fix for what it cannot. */
export async function examine(
  machine: Machine,
  controlDomains: readonly string[],
  world: OutboundWorld,
): Promise<DoctorResult> {
  const [dns, controls] = await Promise.all([examineDns(world.dns), tryOutbound(controlDomains, world)]);
  const checks: Check[] = [
    { id: 'local.node', status: 'ok', message: `Node.js ${machine.nodeVersion} on ${machine.platform}.` },
    ...dns,
    judgeOutbound(controls, world.port),
    examineIpv6(machine),
    examineClock(machine),
    examineHid(machine),
    ...examineServices(machine.services, machine.nowMs),
  ];
  return {
    target: null,
    status: worst(checks.map(({ status }) => status)),
    summary: summarize(checks),
    checks,
    controls,
  };
}
