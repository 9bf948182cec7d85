import type { MessageCheck } from '../check/types.ts';
import type { Field, Header } from '../message/headers.ts';
import { isField } from '../message/headers.ts';
import { type Mailbox, readMailboxes } from '../message/mailboxes.ts';
import { decodeWords } from '../message/words.ts';
import { dateAt } from '../received/date.ts';
import type {
  Company,
  MessageBody,
  MessagePageView,
  ViewedMailbox,
  ViewedMark,
  ViewedMessage,
} from '../schema/message-view.ts';

/** Longest value of a field that is shown, in characters. */
const MAX_VALUE = 1000;
/** Mailboxes of one field that are shown. */
const MAX_MAILBOXES = 50;

/** Statements of a list that was in force once: told in the row, as they change what a reader thought. */
const WITHDRAWN: readonly string[] = ['registry.revoked', 'registry.suspended', 'registry.expired'];

/** What a list of messages shows of one: the verdict first, then what the message says of itself. */
export function viewMessage(
  target: string,
  check: MessageCheck,
  header: Header,
  sizeBytes: number,
): ViewedMessage {
  const { status, summary, verdict, reasons } = check;
  const withdrawn = reasons.find(({ code }) => WITHDRAWN.includes(code));
  return {
    target,
    status,
    summary,
    verdict,
    company: companyOf(check),
    mark: markOf(check),
    sender: mailboxes(header, 'from')[0] ?? null,
    subject: textOf(header, 'subject'),
    ...dateOf(check, header),
    sizeBytes,
    withdrawn: withdrawn?.text ?? null,
    reasons,
    page: null,
  };
}

/** A message that could not be read, among others. */
export function unreadable(target: string, summary: string): ViewedMessage {
  return {
    target,
    status: 'unknown',
    summary,
    verdict: null,
    company: null,
    mark: null,
    sender: null,
    subject: null,
    date: null,
    dateFrom: null,
    sizeBytes: 0,
    withdrawn: null,
    reasons: [],
    page: null,
  };
}

/** What the page of one message shows beside its row. */
export function viewPage(check: MessageCheck, header: Header, body: MessageBody | null): MessagePageView {
  return {
    from: mailboxes(header, 'from'),
    replyTo: mailboxes(header, 'reply-to'),
    to: mailboxes(header, 'to'),
    cc: mailboxes(header, 'cc'),
    wouldTrust: check.wouldTrust,
    body,
  };
}

/** Name and whereabouts of the company come from the list alone, and only when the verdict is trusted. */
function companyOf({
  verdict,
  organization,
  vouchers,
  authorDomain,
  undecidedBy,
}: MessageCheck): Company | null {
  const [voucher] = vouchers;
  if (verdict !== 'trusted' || undecidedBy !== null || organization === null || voucher === undefined)
    return null;
  const { name, legalName, country } = organization;
  return { name, legalName, country, domain: authorDomain ?? '', ...voucher };
}

/**
 * A logo of the sender's that a certificate proves. It stands beside what is authenticated: never on green, where only the
 * list is heard, and not beside mail of a provider where anybody can sign up, whose logo says nothing of who wrote.
 */
function markOf({ verdict, undecidedBy, authorDomain, bimi }: MessageCheck): ViewedMark | null {
  const mark = bimi?.mark ?? null;
  if (mark === null || verdict !== 'authenticated' || undecidedBy !== null) return null;
  const { organization, kind, authority, logo } = mark;
  return { organization, kind, authority, domain: authorDomain ?? '', logo: logo.sha256 };
}

function field(header: Header, name: string): Field | undefined {
  return header.fields.find((each) => isField(each, name));
}

function textOf(header: Header, name: string): string | null {
  const found = field(header, name);
  return found === undefined ? null : decodeWords(found.value.slice(0, MAX_VALUE * 4)).slice(0, MAX_VALUE);
}

function mailboxes(header: Header, name: string): readonly ViewedMailbox[] {
  const found = field(header, name);
  if (found === undefined) return [];
  const list = readMailboxes(found.value);
  if (list.kind === 'broken') return [{ name: '', address: decodeWords(found.value).slice(0, MAX_VALUE) }];
  return list.mailboxes.slice(0, MAX_MAILBOXES).map(viewMailbox);
}

function viewMailbox({ display, local, domain }: Mailbox): ViewedMailbox {
  return { name: display.slice(0, MAX_VALUE), address: `${local}@${domain}`.slice(0, MAX_VALUE) };
}

/** When it came in, by a server of one's own; else what the sender says. */
function dateOf({ path }: MessageCheck, header: Header): Pick<ViewedMessage, 'date' | 'dateFrom'> {
  const border = path.border === null ? undefined : path.hops[path.border];
  if (border?.date) return { date: border.date, dateFrom: 'own' };
  const ms = dateAt(field(header, 'date')?.value ?? '', 0)?.ms ?? null;
  return ms === null
    ? { date: null, dateFrom: null }
    : { date: new Date(ms).toISOString(), dateFrom: 'sender' };
}
