import type { SecureContext } from 'node:tls';
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
import { readPem } from '../../src/cli/open-dns.ts';
import { mtaStsFinder } from '../../src/cli/policies.ts';
import { renderMxProbe } from '../../src/cli/render/mx.ts';
import { mxParts } from '../../src/cli/render/mx-parts.ts';
import { renderTranscriptLine } from '../../src/cli/render/transcript.ts';
import { readRows } from '../../src/cli/rows.ts';
import { readSavedProbes } from '../../src/cli/saved-probes.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { line } from '../../src/cli/text.ts';
import { openDns, smtpWorld } from '../../src/cli/world.ts';
import { keepYoungHeapSmall } from '../../src/cli/young-heap.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { converse, type Place, type Variant } from '../../src/mx/conversation.ts';
import { asSavedProbe, compareWith } from '../../src/mx/diff.ts';
import type { IntrusionOptions } from '../../src/mx/intrusive.ts';
import { probeTarget } from '../../src/mx/probe.ts';
import { registeredDomain } from '../../src/mx/provider.ts';
import { applyRequirements, parseRequirements } from '../../src/mx/require.ts';
import { createSwitchboard } from '../../src/mx/switchboard.ts';
import { parseTarget, type Target } from '../../src/mx/target.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';
import type { SpeakerWorld, TranscriptLine } from '../../src/smtp/connection.ts';
import { contextFor, contextForKey } from '../../src/smtp/tls.ts';

/** RFC 8314 §7.3: submission with TLS from the first byte on. */
const SUBMISSIONS_PORT = 465;

/** Where mail programs submit (RFC 6409, RFC 8314 §3.3). */
const SUBMISSION = [
  { port: 587, implicitTls: false },
  { port: SUBMISSIONS_PORT, implicitTls: true },
] as const;

/** How long an answer that must not come is waited for, in milliseconds. */
const SILENCE_MS = 3000;

/** Between two questions to a server whose answers look as if they changed, in milliseconds. */
const REPEAT_WAIT_MS = 500;

/** What is offered to the server in a round of its own. */
function contextOf(
  variant: Variant | undefined,
  { context, laxContext }: Pick<ReturnType<typeof smtpWorld>, 'context' | 'laxContext'>,
  ca: string | undefined,
): SecureContext {
  switch (variant?.kind) {
    case 'version':
      return contextFor(variant.version) ?? context;
    case 'anonymous':
      return laxContext();
    case 'key':
      return contextForKey(variant.key, ca === undefined ? undefined : readPem(ca));
    default:
      return context;
  }
}

export default class MxProbe extends BaseCommand {
  static override summary = 'Ask the mail exchangers of a domain whether they encrypt (STARTTLS).';
  static override description =
    'Looks up where mail for the domain goes and opens one connection to every address of every exchanger: ' +
    'greeting, EHLO, STARTTLS, TLS handshake, EHLO, QUIT. No mail is sent. What is seen is compared with what the ' +
    'domain promises by DANE and MTA-STS. Critical: no server offers STARTTLS, the handshake fails, or a promise is ' +
    'not kept. A certificate that is not valid is information otherwise, as senders do not verify it unless DANE or ' +
    'MTA-STS ask for it. With --submission the ports where mail programs submit are asked instead.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> example.org example.net --json',
    '<%= config.bin %> <%= command.id %> 192.0.2.25 --ehlo mail.example.com --transcript',
    '<%= config.bin %> <%= command.id %> --from-file domains.txt --format jsonl --output rows.jsonl',
    '<%= config.bin %> <%= command.id %> example.org --format nagios',
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
    const earlier = rows.filter(({ target, status }) => wanted.has(target) && status !== 'unknown');
    const known = new Set(earlier.map(({ target }) => target));
    const targets = all.filter((text) => !known.has(text));
    // One wrong target fails the command before anything is asked; of several it is a row.
    if (all.length === 1) parseTarget(all[0] ?? '');
    else keepYoungHeapSmall();
    const baseline = flags.baseline === undefined ? new Map() : await readSavedProbes(flags.baseline);
    const requirements = flags.require === undefined ? [] : parseRequirements(flags.require);
    const asOfMs = judgeTime(flags['as-of']);
    const world = {
      ...smtpWorld(flags),
      signal: this.signal,
      asOfMs,
      ...(flags.transcript && { onLine: (said: TranscriptLine) => this.note(renderTranscriptLine(said)) }),
    };
    const { talk } = createSwitchboard(
      {
        overall: flags.parallel,
        perProvider: 4,
        spacingMs: all.length > 1 ? 2000 : 0,
        providerOf: registeredDomain,
      },
      (place, variant) => converse(place, { ...world, context: contextOf(variant, world, flags.ca) }),
      this.signal,
    );
    const intrude = await this.intrusion(flags, all);
    const parts = mxParts(asOfMs);
    const { dns, finish } = await openDns(flags, this.signal);
    const services = flags.submission
      ? SUBMISSION
      : [{ port: flags.port, implicitTls: flags.port === SUBMISSIONS_PORT }];
    const options = {
      ...world,
      dns,
      talk,
      services,
      submission: flags.submission,
      versions: flags.versions,
      bothCertificates: flags['both-certificates'],
      dnsOnly: flags['dns-only'],
      ...(intrude && {
        intrude: (place: Place) => intrude(place, { ...world, context: world.laxContext() }),
      }),
      repeat: flags.repeat,
      retries: flags.retries,
      retryWaitMs: flags['retry-wait'],
      repeatWaitMs: REPEAT_WAIT_MS,
      tlsaPort: flags['tlsa-port'] ?? flags.port,
      mtaSts: mtaStsFinder(flags, dns, {
        asOfMs,
        signal: this.signal,
        warn: (message) => this.note(line`${message}`),
        refresh: true,
        checkVersions: flags.versions || all.length === 1,
      }),
    };
    try {
      for (const row of earlier) this.emitRow(row, asSavedProbe(row.document), parts);
      return await this.each(
        targets,
        { ...flags, many: all.length > 1 },
        async (text) => {
          const result = await probeTarget(parseTarget(text), options);
          return compareWith(baseline.get(result.domain), applyRequirements(result, requirements, asOfMs));
        },
        { text: renderMxProbe, ...parts },
      );
    } finally {
      finish();
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
