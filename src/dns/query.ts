import type { Outcome, Transport } from './transport.ts';
import type { Dnssec, ExtendedError, FailureCode, RecordType } from './types.ts';
import type { Question, Reply } from './wire.ts';

/** What one question to the servers came to: something the DNS says, or why it says nothing. */
export type Step<T extends RecordType> =
  | {
      readonly kind: 'reply';
      /** NOERROR or NXDOMAIN, from a server that recursed or is in authority. */
      readonly reply: Reply<T>;
      readonly dnssec: Dnssec;
      readonly server: string;
    }
  | StepFailed;

export type StepFailed = {
  readonly kind: 'failed';
  readonly rcode: FailureCode;
  readonly message: string;
  readonly dnssec: Dnssec;
  readonly ede: readonly ExtendedError[];
  readonly server: string;
  /** Another server would not know better, or must not be believed to. */
  readonly final: boolean;
};

export type QueryOptions = {
  readonly transports: readonly [Transport, ...Transport[]];
  /** Time for one question to one server, in milliseconds. */
  readonly timeoutMs: number;
  /** How often to ask again, each time the next server. */
  readonly retries: number;
  readonly trustAd: boolean;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** @returns whether one more question may be sent */
  readonly spend: () => boolean;
};

/** Asks one name and type at the servers. */
export type Ask = <T extends RecordType>(name: string, type: T) => Promise<Step<T>>;

/** Begins with the server that answered last, so that a dead one costs its time-out once. */
export function createAsk(options: QueryOptions): Ask {
  const { transports, retries } = options;
  let first = 0;
  return async <T extends RecordType>(name: string, type: T) => {
    const begin = first;
    let step = await askServer(options, transports[begin] ?? transports[0], { name, type });
    for (let again = 1; again <= retries && step.kind === 'failed' && !step.final; again += 1) {
      const next = (begin + again) % transports.length;
      step = await askServer(options, transports[next] ?? transports[0], { name, type });
      if (step.kind === 'reply') first = next;
    }
    return step;
  };
}

type Wanted<T extends RecordType> = { readonly name: string; readonly type: T };

async function askServer<T extends RecordType>(
  options: QueryOptions,
  transport: Transport,
  wanted: Wanted<T>,
): Promise<Step<T>> {
  const question: Question<T> = { ...wanted, checkingDisabled: false, edns: true };
  let step = await askOnce(options, transport, question);
  // RFC 6891 §7: a server that does not know EDNS is asked as in 1987.
  if (isRefusalOfEdns(step)) step = await askOnce(options, transport, { ...question, edns: false });
  if (step.kind !== 'failed' || step.rcode !== 'SERVFAIL') return step;
  return judgeServfail(options, transport, { question, step });
}

function isRefusalOfEdns(step: Step<RecordType>): boolean {
  return step.kind === 'failed' && ['FORMERR', 'NOTIMP', 'BADVERS'].includes(step.rcode);
}

/**
 * SERVFAIL may mean that the servers of the zone are gone, or that the data do not validate. Extended errors
 * 6 to 10 say the latter (RFC 8914); else it is the latter when the same server answers with checking
 * disabled and still fails without. A bogus answer is final: the next server may just not validate.
 */
async function judgeServfail<T extends RecordType>(
  options: QueryOptions,
  transport: Transport,
  { question, step }: { question: Question<T>; step: StepFailed },
): Promise<Step<T>> {
  if (step.ede.some(({ code }) => code >= 6 && code <= 10)) return bogus(step);
  const unchecked = await askOnce(options, transport, { ...question, checkingDisabled: true });
  if (unchecked.kind === 'failed') return step;
  const confirmed = await askOnce(options, transport, question);
  if (confirmed.kind === 'failed' && confirmed.rcode === 'SERVFAIL') return bogus(confirmed);
  return confirmed;
}

function bogus(step: StepFailed): StepFailed {
  const reason = step.ede.map(({ name, text }) => (text === '' ? name : `${name}: ${text}`)).join('; ');
  const message = `DNSSEC validation failed${reason === '' ? '' : ` (${reason})`}`;
  return { ...step, message, dnssec: 'bogus', final: true };
}

async function askOnce<T extends RecordType>(
  options: QueryOptions,
  transport: Transport,
  question: Question<T>,
): Promise<Step<T>> {
  const server = transport.label;
  if (!options.spend()) return failed(server, 'BUDGET', 'too many DNS queries in this run', { final: true });
  const outcome = await askInTime(options, transport, question);
  if (options.signal.aborted) return failed(server, 'NETWORK', 'the resolver was closed', { final: true });
  if (outcome.kind === 'failed') return failed(server, outcome.code, outcome.message);
  return judgeReply(server, outcome.reply, outcome.believed || options.trustAd);
}

async function askInTime<T extends RecordType>(
  { timeoutMs, signal }: QueryOptions,
  transport: Transport,
  question: Question<T>,
): Promise<Outcome<T>> {
  const deadline = new AbortController();
  const stop = () => deadline.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const outcome = await transport.ask(question, deadline.signal);
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  return outcome;
}

function judgeReply<T extends RecordType>(server: string, reply: Reply<T>, believed: boolean): Step<T> {
  const { rcode, ede } = reply;
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN')
    return failed(server, rcode, `the server answered ${rcode}`, { ede });
  if (isReferral(reply))
    return failed(server, 'REFERRAL', 'the server does not recurse and only refers to others', { ede });
  if (!believed) return { kind: 'reply', reply, dnssec: 'untrusted', server };
  return { kind: 'reply', reply, dnssec: reply.authenticData ? 'secure' : 'insecure', server };
}

/** RFC 2308 §2.2: a referral looks like NODATA and says nothing about the name. */
function isReferral(reply: Reply): boolean {
  const empty = reply.records.length === 0 && reply.aliases.length === 0;
  const asksElsewhere = reply.delegation && !reply.authoritative && !reply.recursionAvailable;
  return reply.rcode === 'NOERROR' && empty && asksElsewhere;
}

function failed(
  server: string,
  rcode: FailureCode,
  message: string,
  more: { readonly ede?: readonly ExtendedError[]; readonly final?: boolean } = {},
): StepFailed {
  const { ede = [], final = false } = more;
  return { kind: 'failed', rcode, message, dnssec: 'indeterminate', ede, server, final };
}
