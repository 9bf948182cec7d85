import { readArcSets } from '../arc/sets.ts';
import type { HeaderField } from '../dkim/fields.ts';
import { qualify } from '../dkim/qualify.ts';
import type { SignatureTags } from '../dkim/types.ts';
import { DKIM_LIMITS, type DkimReport, isBodyMissing, verifyDkim } from '../dkim/verify.ts';
import { type BoundedResolver, boundedResolver } from '../dns/bounded.ts';
import type { Wire } from '../message/wire.ts';
import { type Check, type Status, worst } from '../report.ts';
import { readAuthor } from '../trust/author.ts';
import type { Reason } from '../trust/facts.ts';
import { organizationalDomain } from '../trust/organization.ts';
import {
  arcResult,
  askSpf,
  explainFailure,
  type JudgedSignature,
  MAX_DIAGNOSED,
  whyTooLarge,
} from './authenticate.ts';
import type { CheckOptions } from './check.ts';
import { deriveEnvelope } from './envelope.ts';
import { borderDate, DNS_BOUNDS, type LazyMessage, pathOf } from './reading.ts';
import {
  arcSentence,
  dkimSentence,
  iso,
  loneSignatureSection,
  note,
  spfSection,
  spfSentence,
} from './report.ts';
import type { ArcSection, LoneSignatureSection, PartialCheck, SpfSection, Stage } from './types.ts';

export type OnlyOptions = Omit<CheckOptions, 'knowledge' | 'policy' | 'bimi' | 'advisers' | 'dnsbl'>;

/** One part of a check: its section of the result, and what is to be told of it. */
type Part<S> = { readonly section: S; readonly checks: readonly Check[] };

/**
 * Ask single mechanisms about a message: no way, no policy of the author's domain, no verdict. What `checkMessage` says
 * of the same mechanism is the same, but for what only the author's domain decides.
 */
export async function checkOnly(
  message: LazyMessage,
  stages: readonly Stage[],
  options: OnlyOptions,
): Promise<PartialCheck> {
  const dns = boundedResolver(options.dns, DNS_BOUNDS);
  const clock = new Clock(message, options);
  const asks = new Set(stages);
  const signed =
    asks.has('dkim') || asks.has('arc') ? await askSignatures(message, asks, options, clock, dns) : null;
  const dkim = asks.has('dkim') && signed !== null ? dkimPart(signed, message, options, clock) : null;
  const arc = asks.has('arc') && signed !== null ? arcPart(signed, dns) : null;
  const spf = asks.has('spf') ? await spfPart(message, options, clock, dns) : null;
  const checks: Check[] = [];
  const sentences: string[] = [];
  for (const part of [spf, dkim, arc]) {
    if (part === null) continue;
    for (const each of part.checks) checks.push(each);
    sentences.push(part.checks[0]?.message ?? '');
  }
  return {
    target: message.target,
    status: worst(checks.map(({ status }) => status)),
    summary: sentences.join(' '),
    checks,
    only: stages,
    asOf: clock.told,
    spf: spf?.section ?? null,
    dkim: dkim === null ? null : { signatures: dkim.section },
    arc: arc?.section ?? null,
  };
}

const HOUR_MS = 3_600_000;

/** The time that judges expiry. To find the border's date takes longer than to verify: only who needs it asks. */
class Clock {
  private readonly message: LazyMessage;
  private readonly options: OnlyOptions;
  private ms: number | null = null;

  constructor(message: LazyMessage, options: OnlyOptions) {
    this.message = message;
    this.options = options;
  }

  get asOfMs(): number {
    this.ms ??= this.options.asOfMs ?? borderDate(pathOf(this.message, this.options), this.options.nowMs);
    this.ms ??= this.options.nowMs;
    return this.ms;
  }

  /** As far as anybody asked. */
  get told(): string | null {
    return this.ms === null ? null : iso(this.ms);
  }

  /** The same for signatures: without a time in them, or with one that is past, any will do. */
  readonly forSignatures = (signatures: readonly SignatureTags[]): number => {
    const { nowMs } = this.options;
    const isTimed = signatures.some(
      ({ signedAtMs, expiresAtMs }) => expiresAtMs !== null || (signedAtMs ?? 0) > nowMs + HOUR_MS,
    );
    return isTimed ? this.asOfMs : nowMs;
  };
}

type Signed = {
  readonly report: DkimReport;
  readonly wire: Wire;
  readonly fields: readonly HeaderField[];
  readonly tooLarge: string | null;
};

async function askSignatures(
  message: LazyMessage,
  asks: ReadonlySet<Stage>,
  options: OnlyOptions,
  clock: Clock,
  dns: BoundedResolver,
): Promise<Signed> {
  const tooLarge = whyTooLarge(message.wire);
  const wire = tooLarge === null ? message.wire : { ...message.wire, head: Buffer.alloc(0) };
  const fields = tooLarge === null ? message.fields : [];
  const limits = { ...DKIM_LIMITS, signatures: options.maxSignatures ?? DKIM_LIMITS.signatures };
  const count = fields.reduce((sum, { name }) => sum + (name === 'dkim-signature' ? 1 : 0), 0);
  // Whose signatures come first matters where not all are looked at.
  const isMany = count > Math.min(limits.signatures, limits.bodyLengths);
  const report = await verifyDkim({
    wire,
    fields,
    authorDomain: isMany ? authorOf(message) : null,
    nowMs: clock.forSignatures,
    dns,
    limits,
    chain: asks.has('arc'),
    ...(options.workbench !== undefined && { workbench: options.workbench }),
  });
  return { report, wire, fields, tooLarge };
}

function authorOf(message: LazyMessage): string | null {
  return readAuthor(message.bytes, message.header, message.wire.body === null && !message.cut).domain;
}

/** Most findings that are told as checks. */
const MAX_CHECKS = 100;

function dkimPart(
  signed: Signed,
  message: LazyMessage,
  options: OnlyOptions,
  clock: Clock,
): Part<LoneSignatureSection[]> {
  const judged = judge(signed, message, options, clock);
  const section: LoneSignatureSection[] = [];
  const reasons: Reason[] = [];
  for (const each of judged) {
    section.push(loneSignatureSection(each));
    reasons.push(...each.qualification.disqualifiedBy, ...each.qualification.warnings);
  }
  const checks: Check[] = [{ id: 'dkim', status: dkimStatus(judged), message: dkimSentence(section) }];
  for (const each of boundNotes(signed, message)) checks.push(each);
  for (const reason of reasons.slice(0, MAX_CHECKS)) checks.push(pointNote(reason));
  return { section, checks };
}

/** By every point but those that the author's domain decides: no signature is held against not being of it. */
function judge(
  { report, fields, wire }: Signed,
  message: LazyMessage,
  { asOfMs, nowMs }: OnlyOptions,
  clock: Clock,
): JudgedSignature[] {
  if (report.signatures.length === 0) return [];
  const judgedAtMs = clock.forSignatures(report.signatures);
  const hasReply = fields.some(({ name }) => name === 'reply-to' || name === 'sender');
  const author = hasReply ? authorOf(message) : null;
  const context = {
    fields,
    field: null,
    aligned: true,
    orgDomain: author === null ? null : organizationalDomain(author),
    nowMs: judgedAtMs,
    latestMs: asOfMs ?? Math.max(judgedAtMs, nowMs),
  };
  const judged: JudgedSignature[] = [];
  for (const signature of report.signatures)
    judged.push({
      ...signature,
      diagnosis: signature.index < MAX_DIAGNOSED ? explainFailure(signature, report, fields, wire) : null,
      field: null,
      aligned: true,
      qualification: qualify(signature, context),
    });
  return judged;
}

function dkimStatus(signatures: readonly JudgedSignature[]): Status {
  if (signatures.some(({ result }) => result === 'pass')) return 'ok';
  const isOpen = signatures.some(({ cause }) => cause === 'dns' || cause === 'body-unknown');
  return isOpen ? 'unknown' : 'warn';
}

function boundNotes({ report, tooLarge }: Signed, { cut }: LazyMessage): Check[] {
  const left = report.leftOut;
  return [
    ...(cut
      ? [note('bound.message', 'The message is larger than what is read, so its body was not looked at.')]
      : []),
    ...(tooLarge === null ? [] : [note('bound.header', `The header was not verified, as ${tooLarge}.`)]),
    ...(left === 0 ? [] : [note('bound.signatures', `${left} DKIM signatures were not looked at.`)]),
  ];
}

/** A point of the qualification; what follows the colon of its code is evidence. */
function pointNote({ code, text }: Reason): Check {
  const [id = code, about] = code.split(':');
  return { ...note(id, text), ...(about !== undefined && { evidence: about }) };
}

function arcPart({ report, fields, wire }: Signed, dns: BoundedResolver): Part<ArcSection> {
  const sets = readArcSets(fields);
  const section = { ...arcResult(report, sets.length > 0 && isBodyMissing(wire), dns), sets };
  const status = {
    none: 'ok',
    pass: 'ok',
    fail: 'warn',
    temperror: 'unknown',
    'not-evaluated': 'unknown',
  } as const;
  return { section, checks: [{ id: 'arc', status: status[section.result], message: arcSentence(section) }] };
}

async function spfPart(
  message: LazyMessage,
  options: OnlyOptions,
  { asOfMs }: Clock,
  dns: BoundedResolver,
): Promise<Part<SpfSection>> {
  const envelope = deriveEnvelope(message.header.fields, pathOf(message, options), options.given);
  const input = { envelope, dns, asOfMs };
  const [spf, spfHelo] = await Promise.all([askSpf(input, false), askSpf(input, true)]);
  const section = spfSection({ envelope, found: { spf, spfHelo }, forwarding: null });
  const { result } = section;
  const isOpen = result === 'temperror' || result === 'not-evaluated';
  const status = isOpen ? 'unknown' : result === 'pass' ? 'ok' : 'warn';
  return { section, checks: [{ id: 'spf', status, message: spfSentence(section) }] };
}
