import { AppError, ExitCode } from '../errors.ts';
import { type Check, worst } from '../report.ts';
import type { Hop, MessagePath, TlsVersion } from './types.ts';

/** Something that must not be in a path. */
export type Demand =
  | { readonly kind: 'plaintext' }
  | { readonly kind: 'tls-below'; readonly version: TlsVersion }
  | { readonly kind: 'delay-over'; readonly seconds: number };

const VERSIONS: readonly TlsVersion[] = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };

function wrong(part: string): AppError {
  return new AppError(`--fail-if: '${part}' is not known.`, {
    code: 'E_FAIL_IF',
    exit: ExitCode.usage,
    hint: 'Choose from plaintext, tls-below=1.2 and delay-over=1h, with commas between.',
  });
}

/**
 * Read a list such as `plaintext,tls-below=1.2,delay-over=1h`.
 *
 * @throws AppError E_FAIL_IF (exit 64) for a word that is none
 */
export function parseDemands(text: string): Demand[] {
  return text.split(',').map((part) => {
    const [word, value = ''] = part.trim().toLowerCase().split('=', 2);
    if (word === 'plaintext' && value === '') return { kind: 'plaintext' };
    const version = VERSIONS.find((each) => each === `TLSv${value}`);
    if (word === 'tls-below' && version) return { kind: 'tls-below', version };
    const delay = /^(\d{1,7})([smhd]?)$/.exec(value);
    if (word === 'delay-over' && delay) {
      return { kind: 'delay-over', seconds: Number(delay[1]) * (SECONDS[delay[2] ?? ''] ?? 1) };
    }
    throw wrong(part);
  });
}

/** Hops that crossed a network between systems, as far as the lines tell. */
function crossings(hops: readonly Hop[]): Hop[] {
  return hops.filter((hop) => !hop.internal && hop.encrypted !== 'local');
}

function breaks(hop: Hop, demand: Demand): boolean {
  switch (demand.kind) {
    case 'plaintext':
      return hop.encrypted === 'no';
    case 'tls-below': {
      const version = hop.tls?.version;
      return version != null && VERSIONS.indexOf(version) < VERSIONS.indexOf(demand.version);
    }
    case 'delay-over':
      return (hop.delaySeconds ?? 0) > demand.seconds;
  }
}

function nameOf(demand: Demand): string {
  switch (demand.kind) {
    case 'plaintext':
      return 'a hop in plaintext';
    case 'tls-below':
      return `TLS below ${demand.version.slice(4)}`;
    case 'delay-over':
      return `a delay over ${demand.seconds} s`;
  }
}

function judge({ hops }: MessagePath, demand: Demand): Check {
  const concerned = demand.kind === 'delay-over' ? hops : crossings(hops);
  const broken = concerned.filter((hop) => breaks(hop, demand));
  const at = broken.map(({ index, by }) => `hop ${index + 1}${by === null ? '' : ` at ${by}`}`).join(', ');
  return broken.length === 0
    ? {
        id: `demand.${demand.kind}`,
        status: 'ok',
        info: true,
        message: `There is no sign of ${nameOf(demand)}.`,
      }
    : { id: `demand.${demand.kind}`, status: 'crit', message: `There is ${nameOf(demand)}: ${at}.` };
}

/** Judge a path by what it must not have; a broken demand is critical. */
export function applyDemands(path: MessagePath, demands: readonly Demand[]): MessagePath {
  const checks = demands.map((demand) => judge(path, demand));
  return {
    ...path,
    status: worst([path.status, ...checks.map(({ status }) => status)]),
    summary: withFault(path, checks),
    checks: [...checks, ...path.checks],
  };
}

/** What was demanded and is not so comes first: it is what decides. */
function withFault({ summary }: MessagePath, checks: readonly Check[]): string {
  const faults = checks.filter(({ status }) => status === 'crit').map(({ message }) => message);
  return [...faults, summary].join(' ');
}

/**
 * Look for the queue id that `send` printed: the hop that has it is the far end's record of that delivery.
 */
export function expectQueueId(path: MessagePath, queueId: string): MessagePath {
  const hop = path.hops.find(({ id }) => id?.toLowerCase() === queueId.toLowerCase());
  const check: Check = hop
    ? {
        id: 'expect.queue-id',
        status: 'ok',
        info: true,
        message: `Hop ${hop.index + 1} has the id ${queueId}: it was taken by ${hop.by ?? 'an unnamed host'}, ${
          {
            yes: 'encrypted',
            no: 'in plaintext',
            unknown: 'the line does not tell how',
            local: 'inside one system',
          }[hop.encrypted]
        }.`,
      }
    : {
        id: 'expect.queue-id',
        status: 'crit',
        message: `No hop has the id ${queueId}: this is another message, or the line was removed.`,
      };
  return {
    ...path,
    status: worst([path.status, check.status]),
    summary: withFault(path, [check]),
    checks: [check, ...path.checks],
  };
}
