import type { CheckOptions } from '../check/check.ts';
import { Workbench } from '../dkim/direct/verify.ts';
import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import { parseAddress } from '../net/address.ts';
import { type Case, optionalField } from './batch.ts';
import type { CheckFlags } from './check-flags.ts';
import { openKnowledge } from './trust-sources.ts';
import { parseTime } from './units.ts';

/**
 * What the flags of `message check` ask for, but for its resolver.
 *
 * @param root   folder of the package
 * @param nowMs  the clock of the run, milliseconds since the epoch
 * @throws AppError for a flag that cannot be, or a list that cannot be read
 */
export async function checkOptionsOf(
  flags: CheckFlags,
  root: string,
  nowMs: number,
): Promise<Omit<CheckOptions, 'dns'>> {
  return {
    recipient: flags.rcpt ?? null,
    asOfMs: flags['as-of'] === undefined ? null : parseTime(flags['as-of'], 'as-of'),
    nowMs,
    knowledge: await openKnowledge(flags.registry, root, flags.grace),
    policy: { force: flags.force, strictReplay: flags['strict-replay'] },
    maxSignatures: flags['max-signatures'],
    workbench: new Workbench(),
    liveDns: !flags.offline && flags['dns-cache'] === undefined,
    bimi: flags.bimi,
    ...((flags.voucher || flags['allow-list']) && {
      advisers: (await import('./advice.ts')).advisersOf(flags),
    }),
    ...(flags.dnsbl && { dnsbl: await wishFor(flags.dnsbl) }),
    ...(flags['trusted-by'] && { trustedBy: flags['trusted-by'] }),
    ...(flags['trusted-ip'] && { trustedIps: flags['trusted-ip'] }),
    given: {
      ...(flags.ip !== undefined && { ip: readIp(flags.ip) }),
      ...(flags.helo !== undefined && { helo: flags.helo }),
      ...(flags['mail-from'] !== undefined && { mailFrom: flags['mail-from'] }),
      ...(flags.mta !== undefined && { mta: flags.mta }),
    },
  };
}

/**
 * What a case of a batch says of itself.
 *
 * @throws AppError E_BATCH, E_USAGE or E_TIME for what it cannot say
 */
export function caseOptions(each: Case): Partial<CheckOptions> {
  const [ip, helo, mailFrom, mta] = ['ip', 'helo', 'mailFrom', 'mta'].map((name) =>
    optionalField(each, name),
  );
  const [recipient, asOf] = [optionalField(each, 'rcpt'), optionalField(each, 'asOf')];
  return {
    given: {
      ...(ip != null && { ip: readIp(ip) }),
      ...(helo != null && { helo }),
      ...(mailFrom != null && { mailFrom }),
      ...(mta != null && { mta }),
    },
    ...(recipient !== null && { recipient }),
    ...(asOf !== null && { asOfMs: parseTime(asOf, 'as-of') }),
    ...(each.fields['dns'] != null && { liveDns: false }),
  };
}

function readIp(text: string): string {
  if (parseAddress(text) !== null) return text;
  throw new AppError(`'${text}' is no IP address.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Give the address of the client, such as --ip 192.0.2.20.',
  });
}

async function wishFor(names: readonly string[]): Promise<NonNullable<CheckOptions['dnsbl']>> {
  const { CATALOGUE, listOf } = await import('../dnsbl/catalogue.ts');
  const { randomBytes } = await import('node:crypto');
  const usual = CATALOGUE.filter(({ standard }) => standard);
  const lists = names.flatMap((name) => (name === 'usual' ? usual : [listOf(zoneOf(name))]));
  return { lists, madeUp: `${randomBytes(12).toString('hex')}.com` };
}

function zoneOf(text: string): string {
  const zone = parseDomain(text, { underscores: true });
  if (zone.kind === 'name') return zone.ascii;
  throw new AppError(`--dnsbl: '${text}' ${zone.reason}.`, {
    code: 'E_LIST',
    exit: ExitCode.usage,
    hint: 'Give the zone of a list, such as zen.spamhaus.org, or "usual".',
  });
}
