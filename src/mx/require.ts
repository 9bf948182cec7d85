import { AppError, ExitCode } from '../errors.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { MxAddressResult, MxProbeResult } from '../schema/mx-probe.ts';

/** Something that is demanded of every address of a domain. */
export type Requirement =
  | { readonly kind: 'starttls' | 'tls1.2' | 'tls1.3' | 'cert' | 'dane' | 'mta-sts' | 'pq' }
  | { readonly kind: 'expiry'; readonly days: number };

const SIMPLE = ['starttls', 'tls1.2', 'tls1.3', 'cert', 'dane', 'mta-sts', 'pq'] as const;

/**
 * Read a list such as `starttls,tls1.2,cert,dane,mta-sts,pq,expiry=21d`.
 *
 * @throws AppError E_REQUIRE (exit 64) for a word that is none
 */
export function parseRequirements(text: string): Requirement[] {
  return text.split(',').map((part) => {
    const word = part.trim().toLowerCase();
    const simple = SIMPLE.find((kind) => kind === word);
    if (simple) return { kind: simple };
    const days = /^expiry=(\d{1,4})d?$/.exec(word)?.[1];
    if (days !== undefined) return { kind: 'expiry', days: Number(days) };
    throw new AppError(`--require: '${part}' cannot be required.`, {
      code: 'E_REQUIRE',
      exit: ExitCode.usage,
      hint: `Choose from ${SIMPLE.join(', ')} and expiry=21d, with commas between.`,
    });
  });
}

/** What an address must show, and how it is called. */
type Rule = {
  readonly words: string;
  readonly holds: (address: MxAddressResult, around: Around) => boolean;
};

/** What besides the address a rule may look at. */
type Around = { readonly mtaSts: MxProbeResult['mtaSts']; readonly asOfMs: number };

function ruleOf(requirement: Requirement): Rule {
  switch (requirement.kind) {
    case 'starttls':
      return { words: 'STARTTLS that works', holds: ({ tls }) => tls !== null };
    case 'tls1.2':
      return { words: 'TLS 1.2 or later', holds: ({ tls }) => /1\.[23]$/.test(tls?.version ?? '') };
    case 'tls1.3':
      return { words: 'TLS 1.3', holds: ({ tls }) => tls?.version === 'TLSv1.3' };
    case 'cert':
      return {
        words: 'a valid certificate for its name',
        holds: ({ certificate }) => certificate?.trusted === true && certificate.coversHost,
      };
    case 'dane':
      return {
        words: 'a TLSA record that matches (DANE)',
        holds: ({ dane }) => dane?.result === 'authenticated',
      };
    case 'mta-sts':
      return {
        words: 'an MTA-STS policy in mode enforce that is kept',
        holds: ({ certificate, checks }, { mtaSts }) =>
          mtaSts?.kind === 'found' &&
          mtaSts.mode === 'enforce' &&
          certificate !== null &&
          checks.some(({ id, status }) => id === 'mta-sts.cert' && status === 'ok'),
      };
    case 'pq':
      return { words: 'a post-quantum key exchange', holds: ({ tls }) => tls?.postQuantum === true };
    case 'expiry': {
      const { days } = requirement;
      return {
        words: `a certificate valid for ${days} more days`,
        holds: ({ certificate }, { asOfMs }) =>
          certificate !== null && Date.parse(certificate.notAfter) - asOfMs >= days * 86_400_000,
      };
    }
  }
}

/** A server that could not be asked leaves the demand open, it does not break it. */
function stateOf(address: MxAddressResult, rule: Rule, around: Around): Status {
  if (address.starttls === 'unknown') return address.fault?.kind === 'no-route' ? 'ok' : 'unknown';
  return rule.holds(address, around) ? 'ok' : 'crit';
}

/** What the DNS did not tell leaves a demand on it open, too. */
function isOpen(requirement: Requirement, { hosts, mtaSts }: MxProbeResult): boolean {
  if (requirement.kind === 'mta-sts') return mtaSts?.kind === 'unknown';
  if (requirement.kind !== 'dane') return false;
  const states = hosts.map(({ dane }) => dane);
  return states.some(
    ({ kind, dnssec }) => kind === 'failed' || (kind === 'not-secure' && dnssec === 'untrusted'),
  );
}

function judge(requirement: Requirement, result: MxProbeResult, asOfMs: number): Check {
  const rule = ruleOf(requirement);
  const around = { mtaSts: result.mtaSts, asOfMs };
  const open = isOpen(requirement, result);
  const states = result.hosts.flatMap(({ host, addresses }) =>
    addresses.map((address) => ({
      where: `${host} [${address.ip}]`,
      status: open ? ('unknown' as const) : stateOf(address, rule, around),
    })),
  );
  const status = states.length === 0 ? 'unknown' : worst(states.map((state) => state.status));
  const lacking = states.filter((state) => state.status === status).map(({ where }) => where);
  const message = {
    ok: `Required and met: ${rule.words}.`,
    warn: '',
    crit: `Required and not met: ${rule.words}.`,
    unknown: `Required and not known to be met: ${rule.words}.`,
  }[status];
  return {
    id: `require.${requirement.kind}`,
    status,
    message,
    ...(status !== 'ok' && lacking.length > 0 && { evidence: lacking.slice(0, 5).join(', ') }),
  };
}

/**
 * Judge a result by what was demanded: its state is then that of the demands alone, so that what is not required
 * never fails. The findings stay.
 */
export function applyRequirements(
  result: MxProbeResult,
  requirements: readonly Requirement[],
  asOfMs: number,
): MxProbeResult {
  if (requirements.length === 0) return result;
  const demands = requirements.map((requirement) => judge(requirement, result, asOfMs));
  const status = worst(demands.map((demand) => demand.status));
  const broken = demands.filter((demand) => demand.status !== 'ok').map(({ message }) => message);
  return {
    ...result,
    status,
    summary: broken.length === 0 ? result.summary : `${result.summary} ${broken.join(' ')}`,
    checks: [...demands, ...result.checks],
  };
}
