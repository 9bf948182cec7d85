import type { Check } from '../report.ts';
import { organisation } from './names.ts';
import { describeTls } from './summary.ts';
import type { ContentProtection, Flag, Hop } from './types.ts';

/** What the checks look at. */
export type Findings = {
  /** Oldest first. */
  readonly hops: readonly Hop[];
  readonly border: Hop | null;
  readonly content: ContentProtection;
  readonly truncated: boolean;
};

/**
 * One check for each thing worth telling. Only the border hop decides the status: what lies before it is the
 * sender's claim, what lies behind it is inside; both are information.
 */
export function checkPath(findings: Findings): Check[] {
  const { hops, border } = findings;
  const checks: Check[] = hops.length === 0 ? [noHops(findings.truncated)] : [checkBorder(hops, border)];
  const doubt = border === null ? null : doubtAboutNeighbour(hops, border);
  if (doubt !== null) checks.push(note('path.border.neighbour', doubt));
  checkPlaintext(hops, checks);
  checkWeakTls(hops, checks);
  checkTime(hops, checks);
  checkForgery(hops, checks);
  const content = checkContent(findings.content);
  if (content !== null) checks.push(content);
  if (findings.truncated)
    checks.push(note('path.truncated', 'The header section is longer than what was read.'));
  return checks;
}

function note(id: string, message: string, more: Partial<Check> = {}): Check {
  return { id, status: 'ok', info: true, message, ...more };
}

function noHops(truncated: boolean): Check {
  return {
    id: 'path.received',
    status: 'unknown',
    message: truncated
      ? 'No Received field stands in the part of the header that was read.'
      : 'There is no Received field: a draft, a sent copy, or a header that was cut.',
    fix: 'Save the message as it arrived, with its full header.',
    ref: 'RFC 5321 §4.4',
  };
}

function checkBorder(hops: readonly Hop[], border: Hop | null): Check {
  const id = 'path.border.encrypted';
  if (border === null) return withoutBorder(id, hops);
  const evidence = border.encryptedReason;
  const where = border.by ?? 'your system';
  switch (border.encrypted) {
    case 'yes':
      return { id, status: 'ok', message: `The hop into ${where} says ${describeTls(border)}.`, evidence };
    case 'no':
      return {
        id,
        status: 'warn',
        message: `The hop into ${where} was not encrypted.`,
        evidence,
        fix: 'Check that the receiving server offers STARTTLS ("mx probe"); if it does, the sender did not use it.',
        ref: 'RFC 3848',
      };
    case 'local':
      return { id, status: 'ok', message: `The message came to ${where} without a network.`, evidence };
    case 'unknown':
      return {
        id,
        status: 'unknown',
        message: `The line of ${where} does not tell whether the hop was encrypted.`,
        evidence,
        fix: 'Look into the log of that server.',
      };
  }
}

/**
 * A host with a name like the receiving server's own that says it took the message itself: perhaps a server of the
 * reader's, perhaps a customer's machine. That is not for us to guess.
 *
 * @returns a sentence with the flag that settles it; null where there is no such doubt
 */
export function doubtAboutNeighbour(hops: readonly Hop[], border: Hop): string | null {
  const below = hops[border.index - 1];
  const { rdns, ip } = border.from;
  const owner = organisation(border.by);
  if (below === undefined || ip === null || owner === null) return null;
  if (organisation(rdns) !== owner || organisation(below.by) !== owner) return null;
  return `${rdns} is taken for a stranger, though its name is like that of ${border.by}; if it is yours, say so: --trusted-ip ${ip}`;
}

function withoutBorder(id: string, hops: readonly Hop[]): Check {
  const settled = hops.every((hop) => hop.encrypted === 'local' || hop.encrypted === 'yes');
  const message = 'No hop came from outside: every line shows your own system, as far as it can be told.';
  if (settled) return { id, status: 'ok', message };
  return { id, status: 'unknown', message, fix: 'Name your servers with --trusted-by or --trusted-ip.' };
}

function checkPlaintext(hops: readonly Hop[], checks: Check[]): void {
  const plain = hops.filter((hop) => hop.encrypted === 'no' && !hop.internal && !hop.border);
  if (plain.length > 0) {
    const evidence = list(plain.map(describeHop));
    checks.push(note('path.hop.plaintext', `${count(plain, 'other hop')} without encryption.`, { evidence }));
    return;
  }
  const counted = hops.filter((hop) => !hop.internal && hop.encrypted !== 'local');
  if (counted.length === 0 || counted.some((hop) => hop.encrypted !== 'yes')) return;
  checks.push(note('path.hop.plaintext', 'Every hop says TLS.'));
}

const WEAK: ReadonlySet<Flag> = new Set([
  'sslv3',
  'tls1.0',
  'tls1.1',
  'null-cipher',
  'anonymous',
  'export',
  'rc4',
  'des',
  '3des',
]);

function checkWeakTls(hops: readonly Hop[], checks: Check[]): void {
  const weak = hops.filter((hop) => hop.flags.some((flag) => WEAK.has(flag)));
  if (weak.length === 0) return;
  const evidence = list(
    weak.map((hop) => `${describeHop(hop)}: ${hop.flags.filter((flag) => WEAK.has(flag)).join(', ')}`),
  );
  checks.push(
    note('path.hop.weak-tls', `${count(weak, 'hop')} with weak TLS.`, { evidence, ref: 'RFC 9325 §4' }),
  );
}

function checkTime(hops: readonly Hop[], checks: Check[]): void {
  const slow = hops.filter((hop) => hop.flags.includes('slow'));
  if (slow.length > 0) {
    checks.push(
      note('path.delay', `${count(slow, 'hop')} took more than five minutes.`, { evidence: delays(slow) }),
    );
  }
  const skewed = hops.filter((hop) => hop.delaySeconds !== null && hop.delaySeconds < 0);
  if (skewed.length > 0) {
    const message = 'Clocks disagree: a hop is dated before the one that came before it.';
    checks.push(note('path.clock-skew', message, { evidence: delays(skewed) }));
  }
  const undated = hops.filter((hop) => hop.date === null);
  if (undated.length > 0) {
    const evidence = list(undated.map(describeHop));
    checks.push(note('path.date', `${count(undated, 'hop')} without a readable date.`, { evidence }));
  }
}

function delays(hops: readonly Hop[]): string {
  return list(hops.map((hop) => `${describeHop(hop)}: ${hop.delaySeconds} s`));
}

/** Each sign in words. */
const SIGNS: ReadonlyMap<Flag, string> = new Map<Flag, string>([
  ['impossible-tls', 'its cipher suite does not exist in its TLS version'],
  ['id-format', 'its id is not one that this software makes'],
  ['date-backwards', 'it is dated hours before the hop before it'],
  ['replayed', 'it came more than a day after the hop before it'],
  ['below-http', 'it stands before a submission over the web'],
  ['helo-own-name', 'the client gave the name of your own server'],
  ['private-ip', 'a private address under a public name'],
  ['future-date', 'it is dated in the future'],
  ['before-date-header', 'it is dated more than an hour before the Date field'],
]);

function checkForgery(hops: readonly Hop[], checks: Check[]): void {
  const signs: string[] = [];
  for (const hop of hops) {
    for (const flag of hop.flags) {
      const sign = SIGNS.get(flag);
      if (sign !== undefined) signs.push(`${describeHop(hop)}: ${sign}`);
    }
  }
  if (signs.length === 0) return;
  const message = 'There are signs of a forged or replayed field; none of them is proof.';
  checks.push(note('path.forgery', message, { evidence: list(signs) }));
}

function checkContent(content: ContentProtection): Check | null {
  const id = 'path.content';
  switch (content) {
    case 'pgp-mime':
    case 'pgp-inline':
      return note(id, 'The content itself is encrypted with OpenPGP, whatever the hops did.', {
        ref: 'RFC 3156',
      });
    case 'smime-encrypted':
      return note(id, 'The content itself is encrypted with S/MIME, whatever the hops did.', {
        ref: 'RFC 8551',
      });
    case 'unknown':
      return note(
        id,
        'TLS protects a message on each hop only; whether its content is encrypted was not seen.',
      );
    default:
      return note(
        id,
        'Transport only: TLS protects a message on each hop, every server on the way could read it.',
      );
  }
}

function count(hops: readonly Hop[], noun: string): string {
  return hops.length === 1 ? `One ${noun}` : `${hops.length} ${noun}s`;
}

const LISTED = 10;

/** A list that a message with a thousand hops cannot blow up. */
function list(items: readonly string[]): string {
  const rest = items.length - LISTED;
  return rest > 0 ? `${items.slice(0, LISTED).join('; ')}; and ${rest} more` : items.join('; ');
}

/** `hop 2 (mx1.example.org)`; hops are numbered from 1 for people. */
function describeHop(hop: Hop): string {
  return hop.by === null ? `hop ${hop.index + 1}` : `hop ${hop.index + 1} (${hop.by})`;
}
