import type { BoundedResolver } from '../dns/bounded.ts';
import type { Wire } from '../message/wire.ts';
import { doubtAboutNeighbour } from '../received/checks.ts';
import type { MessagePath } from '../received/types.ts';
import type { Reason } from '../trust/facts.ts';
import type { Authentication } from './authenticate.ts';
import type { CheckInput } from './check.ts';
import { spfRemarks } from './spf-remarks.ts';

export type RemarksInput = {
  readonly input: CheckInput;
  readonly wire: Wire;
  readonly path: MessagePath;
  readonly found: Authentication;
  readonly dns: BoundedResolver;
  /** The time that is judged, where the DNS is one of a later day; else null. */
  readonly asOfMs: number | null;
};

/** What is worth telling and decides nothing by itself: exceeded bounds first of all. */
export function remarksOn({ input, wire, path, found, dns, asOfMs }: RemarksInput): Reason[] {
  const remarks: Reason[] = [];
  const add = (code: string, severity: Reason['severity'], text: string) =>
    remarks.push({ code, severity, text, evidence: null });
  if (input.cut)
    add('bound.message', 'warn', 'The message is larger than what is read, so its body was not looked at.');
  if (found.headerTooLarge !== null)
    add('bound.header', 'warn', `The header was not verified, as ${found.headerTooLarge}.`);
  if (found.leftOut > 0) {
    const many = found.leftOut === 1 ? 'One DKIM signature was' : `${found.leftOut} DKIM signatures were`;
    add('bound.signatures', 'warn', `${many} not looked at: there are more than are evaluated.`);
  }
  const refused = dns.unanswered.find(({ rcode }) => rcode === 'BUDGET');
  if (refused !== undefined)
    add(
      'bound.dns-queries',
      'warn',
      `The message asks for more than ${dns.spent} lookups; the rest was not made.`,
    );
  if (wire.lineEnds === 'mixed')
    add(
      'message.mixed-line-endings',
      'warn',
      'Some lines end in CRLF and some in LF: programs may read it differently.',
    );
  if (input.header.fields.some(({ name }) => /^(?:dkim2-signature|message-instance)$/i.test(name)))
    add('dkim2.present', 'info', 'It has DKIM2 fields; they are a draft and count for nothing yet.');
  const border = path.border === null ? undefined : path.hops[path.border];
  const doubt = border === undefined ? null : doubtAboutNeighbour(path.hops, border);
  if (doubt !== null) add('path.border.neighbour', 'warn', doubt);
  remarks.push(...spfRemarks(found.spf?.tree ?? null));
  if (asOfMs !== null) {
    const day = new Date(asOfMs).toISOString().slice(0, 10);
    add(
      'dns.today',
      'info',
      `The DNS was asked today: keys and policies of ${day} may have been others (--dns-cache).`,
    );
  }
  return remarks;
}
