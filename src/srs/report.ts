import type { Check } from '../report.ts';
import type { SrsForwardResult } from '../schema/srs-forward.ts';
import type { SrsReverseResult } from '../schema/srs-reverse.ts';
import type { Forwarded } from './forward.ts';
import type { Reversed, SrsReading } from './reverse.ts';

/** A rewritten sender as the result of a command. */
export function forwardReport(target: string, forwarded: Forwarded): SrsForwardResult {
  const { kind, address } = forwarded;
  const checks: Check[] = [];
  if (kind !== 'unchanged' && forwarded.tooLong)
    checks.push({
      id: 'srs.length',
      status: 'warn',
      message: 'The local part is longer than 64 octets: not every server takes that.',
      evidence: address,
      fix: 'Shorten the hash with --hash-length 4; nothing else of it is yours.',
      ref: 'RFC 5321 §4.5.3.1.1',
    });
  const reason = kind === 'unchanged' ? forwarded.reason : null;
  return {
    target,
    status: checks.length === 0 ? 'ok' : 'warn',
    summary: reason ?? `The sender becomes ${address}.`,
    checks,
    kind,
    address,
    reason,
  };
}

/** The way back for a bounce as the result of a command; without it where it was refused. */
export function reverseReport(target: string, reversed: Reversed): SrsReverseResult {
  const { kind, next, original, ageDays } = reversed;
  if (!reversed.verified) {
    const { reason, refusal } = reversed;
    const check: Check = {
      id: `srs.${refusal}`,
      status: 'crit',
      message: reason,
      fix: 'Refuse the bounce. If the address is your own work, is a former secret missing in the file?',
    };
    const nothing = { address: null, original: null };
    return {
      target,
      status: 'crit',
      summary: reason,
      checks: [check],
      kind,
      ...nothing,
      verified: false,
      ageDays,
    };
  }
  const checks: Check[] = reversed.caseChanged ? [caseCheck()] : [];
  const status = reversed.caseChanged ? 'warn' : 'ok';
  const summary = `The bounce goes to ${next}.`;
  return { target, status, summary, checks, kind, address: next, original, verified: true, ageDays };
}

function caseCheck(): Check {
  return {
    id: 'srs.case',
    status: 'warn',
    message:
      'The hash fits only when upper and lower case are taken as one: a mail system on the way changed it.',
    fix: 'Nothing, unless it happens often: the hash then guards less than it could.',
  };
}

/** What an address says when nobody has checked it. */
export function readingReport(
  target: string,
  { kind, next, original, ageDays }: SrsReading,
): SrsReverseResult {
  return {
    target,
    status: 'ok',
    summary: `The address says that the sender was ${original ?? next}; nothing of it is verified.`,
    checks: [],
    kind,
    address: next,
    original,
    verified: null,
    ageDays,
  };
}
