import type { MxRecord, Resolver } from '../dns/types.ts';
import type { MtaSts } from '../mta-sts/types.ts';
import { type Exchangers, findExchangers } from '../mx/exchangers.ts';
import { type FoundHost, findHost, literalHost } from '../mx/hosts.ts';
import { addressClass, canonicalAddress } from '../net/address.ts';
import { type Policy, type Terms, type TermsOrNot, termsFor } from '../policy/terms.ts';
import { shuffled } from '../random.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { Delivery, Fallback, SendResult } from '../schema/send.ts';
import {
  type Attempt,
  attemptDelivery,
  type Envelope,
  type FallbackReason,
  type SpeakerWorld,
  type Stage,
} from './attempt.ts';
import type { Mailbox } from './mailbox.ts';
import type { Prepared } from './message.ts';
import { queueIdOf } from './queue-id.ts';
import { type Smarthost, submitVia } from './via.ts';

export type DeliverOptions = SpeakerWorld & {
  readonly dns: Resolver;
  readonly port: number;
  readonly policy: Policy;
  /** Finds the MTA-STS policy of a domain. */
  readonly mtaSts: (domain: string) => Promise<MtaSts>;
  /** Port in the names of TLSA records. */
  readonly tlsaPort: number;
  /** When certificates are judged, milliseconds since the epoch. */
  readonly asOfMs: number;
  /** Demand REQUIRETLS (RFC 8689). */
  readonly requireTls?: boolean;
  /** Go no further than this, and send nothing. */
  readonly stopAfter?: Stage | null;
  /** Whether injected plaintext is answered by plaintext like any other failure; true when left out. */
  readonly fallbackOnInjection?: boolean;
  /** Hand everything to this server instead of the exchangers. */
  readonly via?: Smarthost | null;
  readonly allowPrivate: boolean;
  readonly offline: boolean;
  /** A number in [0, 1), for the order among equals. */
  readonly random: () => number;
};

/** Most addresses that are tried for one domain. */
const MAX_ATTEMPTS = 20;

const UNREACHED = {
  mx: null,
  address: null,
  encrypted: false,
  tls: null,
  fallback: null,
  reply: null,
  queueId: null,
  longGreeting: null,
  level: null,
  levelReason: null,
};

function undelivered(recipient: string, status: 'deferred' | 'refused', reason: string): Delivery {
  return { recipient, ...UNREACHED, status, reason };
}

function tellFallback({ phase, fault }: FallbackReason): Fallback {
  return {
    from: 'starttls',
    phase,
    kind: fault.kind,
    reason: fault.message,
    ...(fault.evidence !== undefined && { evidence: fault.evidence }),
  };
}

function deliveriesOf(attempt: Attempt, mx: string, address: string, terms: Terms): Delivery[] {
  const { tls, fallback, outcomes, longGreeting } = attempt;
  const negotiated = tls && {
    version: tls.version,
    cipher: tls.cipher,
    group: tls.group,
    postQuantum: tls.postQuantum,
  };
  return outcomes.map(({ recipient, status, reply, reason }) => ({
    recipient,
    mx,
    address,
    status,
    encrypted: tls !== null,
    tls: negotiated,
    fallback: fallback && tellFallback(fallback),
    reply,
    queueId: status === 'delivered' && reply !== null ? queueIdOf(reply) : null,
    reason,
    longGreeting,
    level: terms.level,
    levelReason: terms.reason,
  }));
}

/** Exchangers by preference, in random order among equals (RFC 5321 §5.1). */
function inOrder(exchangers: Exchangers, random: () => number): MxRecord[] {
  const groups = Map.groupBy(exchangers.hosts, ({ preference }) => preference);
  return [...groups.values()].flatMap((group) => shuffled(group, random));
}

/** What a check says, to go into a sentence. */
function clause({ message }: Check): string {
  return message.replace(/\.$/, '');
}

/** Why nothing can be tried for a domain. */
function noWay(
  domain: string,
  { kind, checks }: Exchangers,
): { status: 'deferred' | 'refused'; reason: string } {
  if (kind === 'null-mx') return { status: 'refused', reason: `${domain} accepts no mail (null MX, 5.1.10)` };
  if (kind === 'no-domain') return { status: 'refused', reason: `there is no domain ${domain} (5.1.2)` };
  return {
    status: 'deferred',
    reason: checks[0] ? clause(checks[0]) : `the DNS did not tell where mail for ${domain} goes`,
  };
}

/** Addresses of an exchanger that may be connected to, or why there is none. */
function openAddresses(
  { host, ips, checks }: FoundHost,
  { allowPrivate, offline }: DeliverOptions,
): { ips: readonly string[]; reason: string } {
  const open = ips.filter((ip) => {
    const kind = addressClass(ip);
    return (kind === 'public' || allowPrivate) && (kind === 'loopback' || !offline);
  });
  const failed = checks.find(({ status }) => status !== 'warn');
  const reason =
    ips.length > 0
      ? `the addresses of ${host} are not public; --allow-private connects to them`
      : `the DNS tells no address of ${host}${failed ? ` (${clause(failed)})` : ''}`;
  return { ips: open, reason };
}

/** What is known of one exchanger before it is connected to. */
type Prospect = { readonly found: FoundHost; readonly terms: TermsOrNot };

/** Looks at the exchangers one after the other, each when its turn comes: mostly the first one does. */
function prospects(
  domain: string,
  exchangers: Exchangers,
  { tlsOptional }: Prepared,
  options: DeliverOptions,
) {
  const { dns, tlsaPort, policy, asOfMs, requireTls = false } = options;
  let sts: Promise<MtaSts> | undefined;
  const world = {
    dns,
    policy,
    domain,
    exchangers,
    nowMs: asOfMs,
    requireTls,
    tlsOptional,
    mtaSts: () => {
      sts ??= options.mtaSts(domain);
      return sts;
    },
  };
  return async ({ exchange, preference }: MxRecord): Promise<Prospect> => {
    const literal = canonicalAddress(exchange) !== null;
    const found = literal
      ? literalHost(exchange, preference)
      : await findHost({ host: exchange, preference, mxDnssec: exchangers.dnssec }, tlsaPort, dns);
    return { found, terms: await termsFor(found, world) };
  };
}

/** Deliver to the recipients of one domain: exchanger after exchanger, address after address. */
async function deliverToDomain(
  domain: string,
  envelope: Envelope,
  message: Prepared,
  options: DeliverOptions,
): Promise<Delivery[]> {
  const exchangers = await findExchangers(domain, options.dns);
  const hosts = inOrder(exchangers, options.random);
  const first = hosts.length === 0 ? noWay(domain, exchangers) : undefined;
  const done = new Map<string, Delivery>(
    envelope.recipients.map((to) => [to, undelivered(to, first?.status ?? 'deferred', first?.reason ?? '')]),
  );
  let open = hosts.length === 0 ? [] : [...envelope.recipients];
  let attempts = 0;
  const look = prospects(domain, exchangers, message, options);
  for (const mx of hosts) {
    if (open.length === 0) break;
    const { found, terms } = await look(mx);
    const { ips, reason } = openAddresses(found, options);
    const obstacle = ips.length === 0 ? reason : 'unusable' in terms ? terms.unusable : undefined;
    if (obstacle !== undefined || 'unusable' in terms) {
      for (const to of open) done.set(to, undelivered(to, 'deferred', obstacle ?? ''));
      continue;
    }
    const manner = {
      terms,
      requireTls: options.requireTls ?? false,
      stopAfter: options.stopAfter ?? null,
      fallbackOnInjection: options.fallbackOnInjection ?? true,
    };
    for (const ip of ips) {
      if (open.length === 0 || attempts++ >= MAX_ATTEMPTS) break;
      options.signal?.throwIfAborted();
      const place = { host: found.host, ip, port: options.port, nextHop: domain };
      const attempt = await attemptDelivery(
        place,
        { ...envelope, recipients: open },
        message,
        manner,
        options,
      );
      for (const delivery of deliveriesOf(attempt, found.host, ip, terms))
        done.set(delivery.recipient, delivery);
      open = open.filter((to) => done.get(to)?.status === 'deferred');
      if (attempt.next !== 'address') break;
    }
  }
  return [...done.values()].map((delivery) => (options.requireTls ? bounced(delivery) : delivery));
}

/** RFC 8689 §4.2.1: what cannot go out under REQUIRETLS comes back with 5.7.30, it does not wait. */
function bounced(delivery: Delivery): Delivery {
  const lacking = delivery.status === 'deferred' && /REQUIRETLS/.test(delivery.reason ?? '');
  return lacking ? { ...delivery, status: 'refused' } : delivery;
}

const STATUS: Readonly<Record<Delivery['status'], Status>> = {
  delivered: 'ok',
  deferred: 'unknown',
  refused: 'crit',
  unknown: 'unknown',
  stopped: 'ok',
};

function checksOf(delivery: Delivery): Check[] {
  const { recipient, status, encrypted, fallback, mx, address, reason } = delivery;
  const at = `${mx} [${address}]`;
  if (status === 'stopped')
    return [{ id: 'send.stopped', status: 'ok', info: true, message: `${recipient}: ${reason} at ${at}.` }];
  if (status !== 'delivered') {
    return [
      {
        id: `send.${status}`,
        status: STATUS[status],
        message: `${recipient}: ${status === 'unknown' ? 'not known whether it arrived' : status}, ${reason}.`,
      },
    ];
  }
  const checks: Check[] = [];
  if (fallback?.kind === 'injection') {
    checks.push({
      id: 'smtp.starttls.injected',
      status: 'crit',
      message: `${at}: ${fallback.reason}; TLS was not started on it.`,
      ...(fallback.evidence !== undefined && { evidence: fallback.evidence }),
      fix: 'The server, or a device before it, must throw away what was sent before TLS; update it.',
      ref: 'RFC 3207 §6, CVE-2011-0411, CVE-2021-38371',
    });
  }
  if (delivery.longGreeting) {
    checks.push({
      id: 'smtp.banner.form',
      status: 'warn',
      message: `${at}: the greeting has a line of more than 512 bytes; some clients hang up on that.`,
      ref: 'RFC 5321 §4.5.3.1.5',
    });
  }
  checks.push({
    id: 'send.encrypted',
    status: 'ok',
    ...(encrypted ? {} : { info: true as const }),
    message: encrypted
      ? `${recipient}: delivered encrypted to ${at}.`
      : fallback
        ? `${recipient}: fell back to plaintext at ${at}: ${fallback.phase}: ${fallback.reason}.`
        : `${recipient}: delivered in plaintext to ${at}, which does not offer STARTTLS.`,
  });
  return checks;
}

/** Delivered with a finding, be it an attack, is a warning: the mail arrived, the finding stands beside it. */
function overall(deliveries: readonly Delivery[]): Status {
  return worst(
    deliveries.map(({ status, fallback, longGreeting }) => {
      const finding = fallback?.kind === 'injection' || (status === 'delivered' && longGreeting);
      return finding ? worst([STATUS[status], 'warn']) : STATUS[status];
    }),
  );
}

function summarize(deliveries: readonly Delivery[]): string {
  const number = (wanted: Delivery['status']) => deliveries.filter(({ status }) => status === wanted).length;
  const total = deliveries.length;
  const delivered = deliveries.filter(({ status }) => status === 'delivered');
  const plain = delivered.filter(({ encrypted }) => !encrypted).length;
  if (delivered.length === total) {
    const way =
      plain === 0 ? 'encrypted' : plain === total ? 'in plaintext' : `${plain} of ${total} in plaintext`;
    return `Delivered to ${total === 1 ? deliveries[0]?.recipient : `${total} recipients`}, ${way}.`;
  }
  if (number('stopped') === total) return `Nothing was sent: ${deliveries[0]?.reason}.`;
  const parts = (['refused', 'deferred', 'unknown', 'stopped'] as const)
    .filter((state) => number(state) > 0)
    .map((state) => (total === 1 ? state : `${number(state)} ${state}`));
  const reason = deliveries.find(({ status }) => status !== 'delivered')?.reason ?? '';
  return `Not delivered${total === 1 ? ` to ${deliveries[0]?.recipient}` : ''}: ${parts.join(', ')}; ${reason}.`;
}

async function toExchangers(
  from: Mailbox | null,
  recipients: readonly Mailbox[],
  message: Prepared,
  options: DeliverOptions,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const [domain, mailboxes] of Map.groupBy(recipients, ({ domain }) => domain)) {
    const envelope = { from: from?.address ?? '', recipients: mailboxes.map(({ address }) => address) };
    deliveries.push(...(await deliverToDomain(domain, envelope, message, options)));
  }
  return deliveries;
}

/**
 * Deliver one message to its recipients' exchangers, domain after domain. A message whose fate is not known
 * is never sent again.
 *
 * @param from  envelope sender; null for the null sender `<>`
 * @throws the signal's reason when aborted
 */
export async function deliver(
  from: Mailbox | null,
  recipients: readonly Mailbox[],
  message: Prepared,
  options: DeliverOptions,
): Promise<SendResult> {
  const deliveries = await (options.via
    ? submitVia(
        options.via,
        { from: from?.address ?? '', recipients: recipients.map(({ address }) => address) },
        message,
        { ...options, requireTls: options.requireTls ?? false },
      )
    : toExchangers(from, recipients, message, options));
  return {
    target: recipients.map(({ address }) => address).join(', '),
    status: overall(deliveries),
    summary: summarize(deliveries),
    checks: deliveries.flatMap(checksOf),
    policy: options.policy,
    messageId: message.messageId,
    sizeBytes: message.bytes.length,
    deliveries,
  };
}
