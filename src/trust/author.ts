import type { Field, Header } from '../message/headers.ts';
import { type Mailbox, readMailboxes } from '../message/mailboxes.ts';
import { shownDomains } from '../message/shown.ts';
import { inspectStructure, type Structure } from '../message/structure.ts';
import type { AuthorFacts, Reason } from './facts.ts';

/** Characters that no field naming people has; NUL is told by itself. */
const CONTROL = /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Mailboxes beyond these are not looked at. */
const MAX_REPLY_TO = 20;

/**
 * Read who claims to have written a message, and everything that is wrong with the way it is claimed (TV-2):
 * the bytes of the header by a strict and by a generous reader, the From field by the grammar and by the
 * short ways that mail clients take. Where two of them differ, a sender can show one author and prove another.
 *
 * @param input       the message's bytes
 * @param header      what `readHeader` made of the same bytes
 * @param headerOnly  somebody pasted a header block: indentation and wrapped lines are the paste's, not the
 *   sender's, so only what the fields say is judged
 */
export function readAuthor(input: Uint8Array, header: Header, headerOnly: boolean): AuthorFacts {
  const structure = headerOnly ? NOT_JUDGED : inspectStructure(input);
  const at = header.fields.findIndex((field) => isNamed(field, 'from'));
  const field = header.fields[at] ?? null;
  const index = field === null ? null : at;
  const count = header.fields.filter((each) => isNamed(each, 'from')).length;
  const from = field === null ? null : readFrom(field, index ?? 0);
  const faults = [
    ...structure.faults.map(({ code, text, quote }) => fault(code, text, quote, null)),
    ...(header.truncated
      ? [fault('structure.header-too-long', 'The header is longer than what is read.', null, null)]
      : []),
    ...countFaults(count, structure, headerOnly),
    ...(from?.faults ?? []),
  ];
  const domains = new Set(from?.mailboxes.map(({ domain }) => domain));
  const [only] = domains;
  return {
    domain: domains.size === 1 && count === 1 && only !== undefined ? only : null,
    mailboxes: from?.mailboxes ?? [],
    replyTo: mailboxesOf(header, ['reply-to']).slice(0, MAX_REPLY_TO),
    field: index,
    faults: unique(faults),
  };
}

/** Every mailbox of the fields with these names (lower case); fields that cannot be read are left out. */
export function mailboxesOf(header: Header, names: readonly string[]): readonly Mailbox[] {
  return header.fields.flatMap((field) => {
    if (!names.includes(field.name.toLowerCase())) return [];
    const list = readMailboxes(unfolded(field));
    return list.kind === 'list' ? list.mailboxes : [];
  });
}

const NOT_JUDGED: Structure = { faults: [], fromFields: 0 };

function isNamed(field: Field, name: string): boolean {
  return field.name.toLowerCase() === name;
}

/** Line ends of folds go, the blanks stay (RFC 5322 §2.2.3). */
function unfolded(field: Field): string {
  return field.rawValue.replaceAll(/\r?\n/g, '');
}

function fault(code: string, text: string, quote: string | null, field: number | null): Reason {
  const evidence = { ...(field !== null && { field }), ...(quote !== null && { quote }) };
  return { code, severity: 'crit', text, evidence: Object.keys(evidence).length === 0 ? null : evidence };
}

function countFaults(count: number, { fromFields }: Structure, headerOnly: boolean): readonly Reason[] {
  if (count > 1) return [fault('structure.several-from', 'The message has several From fields.', null, null)];
  if (count === 0 && fromFields === 0) {
    return [fault('structure.no-from', 'The message has no From field.', null, null)];
  }
  if (headerOnly || count === fromFields) return [];
  return [
    fault('structure.ambiguous-from', 'Programs disagree on which fields are From fields.', null, null),
  ];
}

type From = { readonly mailboxes: readonly Mailbox[]; readonly faults: readonly Reason[] };

function readFrom(field: Field, index: number): From {
  const value = unfolded(field);
  const say = (code: string, text: string) =>
    fault(`structure.${code}`, text, value.trim().slice(0, 300), index);
  const control = CONTROL.test(value) ? [say('control-byte', 'The From field has a control character.')] : [];
  const list = readMailboxes(value);
  if (list.kind === 'broken') {
    return { mailboxes: [], faults: [...control, say(list.fault, `The From field ${list.reason}.`)] };
  }
  const { mailboxes, emptyGroup } = list;
  const domains = new Set(mailboxes.map(({ domain }) => domain));
  const faults = [
    ...control,
    ...(emptyGroup ? [say('empty-group', 'The From field names a group without members.')] : []),
    ...(mailboxes.length === 0 && !emptyGroup ? [say('no-author', 'The From field is empty.')] : []),
    ...(domains.size > 1 ? [say('several-domains', 'The From field names authors of several domains.')] : []),
    ...ambiguity(value, domains, say),
  ];
  return { mailboxes, faults };
}

/** What a client may show that the grammar does not say. */
function ambiguity(
  value: string,
  domains: ReadonlySet<string>,
  say: (code: string, text: string) => Reason,
): readonly Reason[] {
  const odd = [...shownDomains(value)].filter((shown) => !domains.has(shown));
  if (domains.size === 0 || odd.length === 0) return [];
  const [right] = domains;
  return [
    say('ambiguous-from', `Programs read different authors in the From field: of ${right} and of ${odd[0]}.`),
  ];
}

function unique(reasons: readonly Reason[]): readonly Reason[] {
  return [...new Map(reasons.map((reason) => [reason.code, reason])).values()];
}
