import type { Interfaces } from '@oclif/core';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import {
  dnsFlags,
  duration,
  FINDING_FORMATS,
  formatFlag,
  policyFlags,
  smtpFlags,
  withEnvironment,
} from '../../src/cli/flags.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { openProber } from '../../src/cli/prober.ts';
import { queueFlags } from '../../src/cli/queue-flags.ts';
import { renderMxProbe } from '../../src/cli/render/mx.ts';
import { mxParts } from '../../src/cli/render/mx-parts.ts';
import { renderTranscriptLine } from '../../src/cli/render/transcript.ts';
import { readRows } from '../../src/cli/rows.ts';
import { readSavedProbes } from '../../src/cli/saved-probes.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { line } from '../../src/cli/text.ts';
import { keepYoungHeapSmall } from '../../src/cli/young-heap.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { Place } from '../../src/mx/conversation.ts';
import { asSavedProbe, compareWith } from '../../src/mx/diff.ts';
import type { IntrusionOptions } from '../../src/mx/intrusive.ts';
import { registeredDomain } from '../../src/mx/provider.ts';
import { applyRequirements, parseRequirements } from '../../src/mx/require.ts';
import { createSwitchboard, PER_PROVIDER, SPACING_MS } from '../../src/mx/switchboard.ts';
import { parseTarget, type Target } from '../../src/mx/target.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';
import type { ProbePlan } from '../../src/schema/probe-job.ts';
import type { SpeakerWorld } from '../../src/smtp/connection.ts';

/** How long an answer that must not come is waited for, in milliseconds. */
const SILENCE_MS = 3000;

type ProbeFlags = Interfaces.InferredFlags<typeof MxProbe.flags>;

export default class MxProbe extends BaseCommand {
  static override summary = 'Ask the mail exchangers of a domain whether they encrypt (STARTTLS).';
  static override description =
    'Looks up where mail for the domain goes and opens one connection to every address of every exchanger: ' +
    'greeting, EHLO, STARTTLS, TLS handshake, EHLO, QUIT. No mail is sent. What is seen is compared with what the ' +
    'domain promises by DANE and MTA-STS. Critical: no server offers STARTTLS, the handshake fails, or a promise is ' +
    'not kept. A certificate that is not valid is information otherwise, as senders do not verify it unless DANE or ' +
    'MTA-STS ask for it. With --submission the ports where mail programs submit are asked instead. With --queue the ' +
    'workers of "mx worker" on other machines probe, and the rows are printed here.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> example.org example.net --json',
    '<%= config.bin %> <%= command.id %> 192.0.2.25 --ehlo mail.example.com --transcript',
    '<%= config.bin %> <%= command.id %> --from-file domains.txt --format jsonl --output rows.jsonl',
    '<%= config.bin %> <%= command.id %> example.org --format nagios',
    '<%= config.bin %> <%= command.id %> --from-file domains.txt --queue rediss://queue.example.org --format jsonl',
  ];
  static override several = true;
  static override args = {
    target: Args.string({
      description: 'Domain, mail address or IP address; "-" reads a list from standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...queueFlags,
    ...withEnvironment({
      'from-file': Flags.string({
        summary: 'Read further targets from a list, one a line.',
        helpValue: 'FILE',
      }),
      resume: Flags.string({
        summary:
          'Take over the rows of an earlier run (JSON Lines); only what could not be told is asked again.',
        helpValue: 'FILE',
      }),
      baseline: Flags.string({
        summary: 'Compare with a saved result (--json), too: encryption that is gone is critical.',
        helpValue: 'FILE',
      }),
      require: Flags.string({
        summary:
          'Exit with 2 unless every address has it: starttls, tls1.2, tls1.3, cert, dane, mta-sts, pq, expiry=21d.',
        helpValue: 'LIST',
      }),
      versions: Flags.boolean({
        summary: 'Ask for each TLS version by itself, too: four more connections to each address.',
      }),
      'both-certificates': Flags.boolean({
        summary: 'Ask for an RSA and an ECDSA certificate, too: two more connections to each address.',
      }),
      submission: Flags.boolean({
        summary:
          'Ask where mail programs submit instead: ports 587 and 465 of the name, or of what its SRV records name.',
      }),
      'dns-only': Flags.boolean({
        summary: 'Connect to no mail server: say what the DNS promises (DANE, MTA-STS, TLS-RPT).',
      }),
      repeat: Flags.integer({
        summary: 'Ask every address so often, to find STARTTLS that is offered at times only.',
        default: 1,
        min: 1,
        max: 20,
        helpValue: 'N',
      }),
      retries: Flags.integer({
        summary: 'Ask so often again where greylisting, a rate limit or silence left it unknown.',
        default: 0,
        min: 0,
        max: 10,
        helpValue: 'N',
      }),
      'retry-wait': duration({ summary: 'Wait so long before asking again.', default: 30_000 }),
      intrusive: Flags.string({
        summary:
          'Tests for a server of your own: injection (commands behind STARTTLS), relay, data-end (a list); one target.',
        helpValue: 'LIST',
        dependsOn: ['i-own-this'],
      }),
      'i-own-this': Flags.boolean({
        summary: 'The server is yours: --intrusive may try what others take amiss.',
      }),
      mailbox: Flags.string({
        summary: 'A mailbox there that may get test messages, for --intrusive data-end.',
        helpValue: 'ADDRESS',
      }),
      outside: Flags.string({
        summary: 'A recipient elsewhere for --intrusive relay; no mail is sent to it.',
        default: 'postmaster@example.com',
        helpValue: 'ADDRESS',
      }),
      transcript: Flags.boolean({
        summary: 'Show what was said, on standard error: "->" plaintext, "~>" inside TLS.',
      }),
    }),
    ...dnsFlags,
    ...smtpFlags,
    ...policyFlags,
    ...withEnvironment({
      parallel: Flags.integer({
        summary: 'Targets at a time.',
        default: 64,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      ordered: Flags.boolean({ summary: 'Print in the order of the targets instead of as they come.' }),
      format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'prometheus', 'sarif']),
    }),
  };

  override async run(): Promise<readonly MxProbeResult[]> {
    const { args, flags } = await this.parse(MxProbe);
    const all = await collectTargets(args.target ?? [], flags['from-file']);
    const wanted = new Set(all);
    const rows = flags.resume === undefined ? [] : await readRows(flags.resume, 'postern/mx-probe/1');
    const own = rows.filter(({ target }) => wanted.has(target));
    const earlier = own.filter(({ status }) => status !== 'unknown');
    const known = new Set(earlier.map(({ target }) => target));
    // One wrong target fails the command before anything is asked; of several it is a row.
    if (all.length === 1) parseTarget(all[0] ?? '');
    else keepYoungHeapSmall();
    const baseline = flags.baseline === undefined ? new Map() : await readSavedProbes(flags.baseline);
    const requirements = flags.require === undefined ? [] : parseRequirements(flags.require);
    const asOfMs = judgeTime(flags['as-of']);
    const parts = mxParts(asOfMs);
    const ask: Asking = async ({ probe, parallel }) => {
      for (const row of earlier) this.emitRow(row, asSavedProbe(row.document), parts);
      return this.each(
        all.filter((text) => !known.has(text)),
        { parallel, ordered: flags.ordered, many: all.length > 1 },
        async (text) => {
          const result = await probe(text);
          return compareWith(baseline.get(result.domain), applyRequirements(result, requirements, asOfMs));
        },
        { text: renderMxProbe, ...parts },
      );
    };
    const plan = planOf(flags, asOfMs, all.length === 1);
    if (flags.queue === undefined) return this.probeFromHere(flags, plan, all, ask);
    const again = own.filter(({ status }) => status === 'unknown').map(({ target }) => target);
    return this.probeByWorkers(flags.queue, flags, plan, { all, again }, ask);
  }

  private async probeFromHere(
    flags: ProbeFlags,
    plan: ProbePlan,
    all: readonly string[],
    ask: Asking,
  ): Promise<readonly MxProbeResult[]> {
    const intrude = await this.intrusion(flags, all);
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const prober = openProber(plan, {
        flags,
        dns,
        signal: this.signal,
        warn: (message) => this.note(line`${message}`),
        ...(flags.transcript && { onLine: (said) => this.note(renderTranscriptLine(said)) }),
      });
      const { talk } = createSwitchboard(
        {
          overall: flags.parallel,
          perProvider: PER_PROVIDER,
          spacingMs: all.length > 1 ? SPACING_MS : 0,
          providerOf: registeredDomain,
        },
        prober.converse,
        this.signal,
      );
      const more = intrude && { intrude: (place: Place) => intrude(place, prober.lax()) };
      return await ask({ parallel: flags.parallel, probe: (text) => prober.probe(text, talk, more) });
    } finally {
      finish();
    }
  }

  private async probeByWorkers(
    url: string,
    flags: ProbeFlags,
    plan: ProbePlan,
    { all, again }: { readonly all: readonly string[]; readonly again: readonly string[] },
    ask: Asking,
  ): Promise<readonly MxProbeResult[]> {
    refuseWithQueue(flags);
    const { OUTSTANDING, openRun } = await import('../../src/probe-queue/producer.ts');
    const { openQueue } = await import('../../src/cli/queue.ts');
    const link = await openQueue(url, flags, {
      onAway: (reason) => this.caution(line`The queue is away (${reason}); waiting for it.`),
      onBack: () => this.caution(line`The queue is back.`),
    });
    try {
      const run = await openRun({
        link,
        plan,
        chosenTime: flags['as-of'] !== undefined,
        targets: all,
        again,
        patienceMs: flags['queue-wait'],
        onAlone: () => this.caution(line`Nobody serves the queue; "postern mx worker" does.`),
        signal: this.signal,
      });
      try {
        if (run.found > 0) this.note(line`Taking up a run that has ${String(run.found)} rows already.`);
        const probe = (text: string) => {
          parseTarget(text);
          return run.ask(text);
        };
        const results = await Promise.race([ask({ parallel: OUTSTANDING, probe }), run.lost]);
        await run.finish();
        return results;
      } finally {
        await run.close();
      }
    } finally {
      link.close();
    }
  }

  /**
   * What --intrusive asks for; it is never for several targets.
   *
   * @throws AppError E_INTRUSIVE, E_ADDRESS (exit 64) where something does not fit
   */
  private async intrusion(
    {
      intrusive,
      mailbox,
      outside,
    }: { intrusive?: string | undefined; mailbox?: string | undefined; outside: string },
    targets: readonly string[],
  ) {
    if (intrusive === undefined) return undefined;
    const { intrude, parseIntrusiveTests } = await import('../../src/mx/intrusive.ts');
    const { parseMailbox } = await import('../../src/send/mailbox.ts');
    const [only] = targets;
    if (only === undefined || targets.length > 1) throw intrusiveOnOne();
    const options: IntrusionOptions = {
      tests: parseIntrusiveTests(intrusive),
      domain: domainOf(parseTarget(only)),
      outside: parseMailbox(outside, 'outside').address,
      mailbox: mailbox === undefined ? null : parseMailbox(mailbox, 'mailbox').address,
      silenceMs: SILENCE_MS,
    };
    if (options.tests.includes('data-end') && options.mailbox === null) throw mailboxMissing();
    return (place: Place, world: SpeakerWorld) => intrude(place, world, options);
  }
}

/** Asks for all rows with a way to get one, so many at a time. */
type Asking = (way: {
  readonly parallel: number;
  readonly probe: (text: string) => Promise<MxProbeResult>;
}) => Promise<readonly MxProbeResult[]>;

/** What of the flags decides the result; one that nobody gave has no value. */
function planOf(flags: ProbeFlags, asOfMs: number, single: boolean): ProbePlan {
  return {
    port: flags.port,
    tlsaPort: flags['tlsa-port'] ?? flags.port,
    submission: Boolean(flags.submission),
    versions: Boolean(flags.versions),
    bothCertificates: Boolean(flags['both-certificates']),
    dnsOnly: Boolean(flags['dns-only']),
    repeat: flags.repeat,
    retries: flags.retries,
    retryWaitMs: flags['retry-wait'],
    policyVersions: Boolean(flags.versions) || single,
    asOfMs,
    timeoutsMs: {
      connect: flags['timeout-connect'],
      banner: flags['timeout-banner'],
      command: flags['timeout-command'],
      tls: flags['timeout-tls'],
      total: flags['timeout-total'],
      https: flags['timeout-https'],
    },
  };
}

/** Flags that say from where and how this machine probes, which the workers decide for themselves. */
const OF_WORKERS = [
  'resolver',
  'trust-ad',
  'dns-cache',
  'offline',
  'allow-private',
  'ca',
  'ehlo',
  'https-port',
  'cache',
  'timeout-dns',
] as const;

/** Flags of one machine alone. */
const OF_ONE_MACHINE = ['dns-record', 'transcript', 'intrusive', 'parallel'] as const;

/** @throws AppError E_USAGE (exit 64) for flags that a queue leaves without meaning */
function refuseWithQueue(flags: ProbeFlags): void {
  const defaults = MxProbe.flags as Readonly<Record<string, { readonly default?: unknown }>>;
  const given = (name: keyof ProbeFlags) => flags[name] !== (defaults[name]?.default ?? usual(flags[name]));
  const ofWorkers = OF_WORKERS.find(given);
  const ofOne = OF_ONE_MACHINE.find(given);
  const refused = ofWorkers ?? ofOne;
  if (refused === undefined) return;
  throw new AppError(`--${refused}: with --queue other machines probe.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: ofWorkers ? 'Give it to "postern mx worker" there.' : 'Leave it out, or probe from here.',
  });
}

/** What a flag without a default is when nobody gives it. */
function usual(value: unknown): unknown {
  return typeof value === 'boolean' ? false : undefined;
}

/** Domain of a target, or its address as a literal (RFC 5321 §4.1.3). */
function domainOf(target: Target): string {
  if (target.kind !== 'address') return target.domain;
  return target.ip.includes(':') ? `[IPv6:${target.ip}]` : `[${target.ip}]`;
}

function intrusiveOnOne(): AppError {
  return new AppError('--intrusive is for one target, and there are several.', {
    code: 'E_INTRUSIVE',
    exit: ExitCode.usage,
    hint: 'Name one server or domain of your own.',
  });
}

function mailboxMissing(): AppError {
  return new AppError('--intrusive data-end: --mailbox is missing.', {
    code: 'E_INTRUSIVE',
    exit: ExitCode.usage,
    hint: 'Name a mailbox of yours on that server: a vulnerable one delivers the test messages to it.',
  });
}
