import type { MarkWorld } from '../bimi/indicator.ts';
import type { Workbench } from '../dkim/direct/verify.ts';
import { DKIM_LIMITS } from '../dkim/verify.ts';
import { type BoundedResolver, boundedResolver } from '../dns/bounded.ts';
import type { Resolver } from '../dns/types.ts';
import type { Header } from '../message/headers.ts';
import type { Wire } from '../message/wire.ts';
import type { TrustOptions } from '../received/trust.ts';
import type { MessagePath } from '../received/types.ts';
import { type Advisers, askAdvice } from '../sender/advice.ts';
import { readAuthor } from '../trust/author.ts';
import { decide, type Policy } from '../trust/decide.ts';
import type { AuthorFacts, Decision, Reason } from '../trust/facts.ts';
import type { Knowledge } from '../trust/knowledge.ts';
import { type Authentication, authenticate } from './authenticate.ts';
import { checkBimi } from './bimi.ts';
import type { DnsblWish } from './dnsbl.ts';
import { deriveEnvelope, type Envelope, type Given } from './envelope.ts';
import { factsOf } from './facts.ts';
import { explainByForwarding } from './forwarding.ts';
import { borderDate, DNS_BOUNDS, pathOf, wireOf } from './reading.ts';
import { recordedResults } from './recorded.ts';
import { remarksOn } from './remarks.ts';
import { describeCheck } from './report.ts';
import type { DnsblSection, MessageCheck } from './types.ts';

/** A message as it was read. */
export type CheckInput = {
  /** What was read, such as a file name; for the report. */
  readonly target: string | null;
  readonly bytes: Uint8Array;
  /** There was more than was read, so nothing that needs the body is known. */
  readonly cut: boolean;
  /** `readHeader` of the bytes. */
  readonly header: Header;
};

export type CheckOptions = TrustOptions & {
  /** What is known of the SMTP session; it beats what the header says. */
  readonly given: Given;
  /** Envelope recipient; null when not known. */
  readonly recipient: string | null;
  /** The clock that judges expiry and lists, milliseconds since the epoch; null: the border's date, and now. */
  readonly asOfMs: number | null;
  readonly nowMs: number;
  readonly dns: Resolver;
  readonly knowledge: Knowledge;
  readonly policy: Policy;
  /** Signatures that are evaluated. */
  readonly maxSignatures?: number;
  /** Answers come from the DNS of today, not from a recording; a message may be older than they are. */
  readonly liveDns?: boolean;
  /** Ask for the BIMI record of the author's domain. */
  readonly bimi?: boolean;
  /** Verify the certificate and the logo of that record as well: files of the sender's are fetched. */
  readonly marks?: MarkWorld;
  /** Others whose opinion of the author's domain is told; it decides nothing. */
  readonly advisers?: Advisers;
  /** Block lists to ask about the client, the author's domain and those that signed; they decide nothing. */
  readonly dnsbl?: DnsblWish;
  /** What verifying the signatures of many messages shares; null has mailauth verify all of them. */
  readonly workbench?: Workbench | null;
};

/** Keys and policies of a message that is older than this may have changed since. */
const STALE_MS = 7 * 86_400_000;

/** What was found out about a message before anything is decided. */
type Examined = {
  readonly wire: Wire;
  readonly path: MessagePath;
  readonly author: AuthorFacts;
  readonly envelope: Envelope;
  readonly found: Authentication;
  readonly dns: BoundedResolver;
  /** The time that judges expiry, milliseconds since the epoch. */
  readonly asOfMs: number;
  readonly lists: { readonly dnsbl: readonly DnsblSection[]; readonly remarks: readonly Reason[] };
  readonly advice: readonly Reason[];
};

/**
 * Find out everything about one message: its way, SPF, DKIM, DMARC, ARC, and the verdict. Asks the DNS at most
 * 100 questions and for 20 seconds; what a message is too large for is told as a remark.
 */
export async function checkMessage(input: CheckInput, options: CheckOptions): Promise<MessageCheck> {
  const examined = await examine(input, options);
  const { path, author, envelope, found, dns, asOfMs, lists } = examined;
  const { fields } = input.header;
  return describeCheck({
    target: input.target,
    path,
    envelope,
    found,
    decision: decideOn(examined, input, options),
    recorded: recordedResults(fields, path, found),
    forwarding: explainByForwarding(fields, envelope, found),
    bimi: options.bimi
      ? await checkBimi(fields, author, found, dns, { marks: options.marks ?? null, atMs: asOfMs })
      : null,
    dnsbl: lists.dnsbl,
    asOfMs,
  });
}

async function examine(input: CheckInput, options: CheckOptions): Promise<Examined> {
  const { header, bytes } = input;
  const { nowMs, maxSignatures = DKIM_LIMITS.signatures } = options;
  const wire = wireOf(input);
  const path = pathOf(input, options);
  // Whoever ends the header with an empty line has written a message, and is held to its form.
  const author = readAuthor(bytes, header, wire.body === null && !input.cut);
  const dns = boundedResolver(options.dns, DNS_BOUNDS);
  const asOfMs = options.asOfMs ?? borderDate(path, nowMs) ?? nowMs;
  const envelope = deriveEnvelope(header.fields, path, options.given);
  const found = await authenticate({
    wire,
    fields: header.fields,
    envelope,
    authorDomain: author.domain,
    asOfMs,
    latestMs: options.asOfMs ?? Math.max(asOfMs, nowMs),
    dns,
    limits: { ...DKIM_LIMITS, signatures: maxSignatures },
    ...(options.workbench !== undefined && { workbench: options.workbench }),
  });
  const [lists, advice] = await Promise.all([
    askLists(envelope, author.domain, found, options),
    options.advisers ? askAdvice(author.domain, options.advisers, dns) : [],
  ]);
  return { wire, path, author, envelope, found, dns, asOfMs, lists, advice };
}

function decideOn(examined: Examined, input: CheckInput, options: CheckOptions): Decision {
  const { wire, path, author, found, dns, asOfMs, lists, advice } = examined;
  const isLate = options.liveDns === true && asOfMs < options.nowMs - STALE_MS;
  const remarks = remarksOn({ input, wire, path, found, dns, asOfMs: isLate ? asOfMs : null });
  const facts = factsOf({
    header: input.header,
    path,
    author,
    found,
    dns,
    headerOnly: wire.body === null || found.signatures.some(({ cause }) => cause === 'body-unknown'),
    recipient: options.recipient,
    remarks: [...remarks, ...lists.remarks, ...advice],
  });
  return decide(facts, options.knowledge, options.asOfMs ?? options.nowMs, options.policy);
}

async function askLists(
  envelope: Envelope,
  author: string | null,
  found: Authentication,
  { dnsbl: wish, dns }: CheckOptions,
): Promise<Examined['lists']> {
  if (wish === undefined) return { dnsbl: [], remarks: [] };
  const { askDnsbl, dnsblRemarks } = await import('./dnsbl.ts');
  const dnsbl = await askDnsbl(envelope, author, found, wish, dns);
  return { dnsbl, remarks: dnsblRemarks(dnsbl) };
}
