import { type Check, type Status, worst } from '../report.ts';
import type { DnsblCheckResult } from '../schema/dnsbl-check.ts';
import type { DnsblAnswer } from './check.ts';
import type { ListResult } from './types.ts';

const OWN_RESOLVER =
  'Ask a resolver of your own that does not forward (--resolver 127.0.0.1 with unbound or knot), or for Spamhaus use a key (--dqs-key-file).';

/** What lists say of one subject as the result of a command. */
export function dnsblReport(target: string, { subject, resolver, lists }: DnsblAnswer): DnsblCheckResult {
  const checks = [...resolverChecks(resolver), ...lists.flatMap((list) => listChecks(list, subject.text))];
  const status = worst(checks.map((check) => check.status));
  const { server, publicOperator, rewrites } = resolver;
  return {
    target,
    status,
    summary: summaryOf(subject.text, lists),
    checks,
    subject: subject.text,
    kind: subject.kind,
    resolver: { server, publicOperator, rewrites },
    lists: lists.map((list) => ({ ...list, codes: [...list.codes] })),
  };
}

function summaryOf(subject: string, lists: readonly ListResult[]): string {
  if (lists.length === 0) return `None of the lists takes ${subject}.`;
  const block = lists.filter(({ purpose }) => purpose === 'block');
  const on = block.filter(({ outcome }) => outcome === 'listed').map(({ title }) => title);
  const open = block.filter(({ outcome }) => outcome !== 'listed' && outcome !== 'not-listed').length;
  const rest = open === 0 ? '' : `; ${open} of ${block.length} could not be told`;
  if (on.length > 0) return `${subject} is on ${on.join(', ')}${rest}.`;
  if (open === block.length) return `It could not be told whether ${subject} is on any list.`;
  const asked = block.length - open;
  return asked === 1
    ? `${subject} is not on the list that was asked${rest}.`
    : `${subject} is on none of ${asked} lists${rest}.`;
}

function resolverChecks({ server, publicOperator, rewrites }: DnsblAnswer['resolver']): Check[] {
  const checks: Check[] = [];
  if (publicOperator !== null)
    checks.push({
      id: 'dnsbl.resolver.public',
      status: 'warn',
      message: `The resolver ${server} is a public one (${publicOperator}): many lists refuse it, or say "not listed" to everything.`,
      fix: OWN_RESOLVER,
    });
  if (rewrites === true)
    checks.push({
      id: 'dnsbl.resolver.rewrites',
      status: 'unknown',
      message: `The resolver ${server} answers for names that do not exist: nothing that it says about lists can be used.`,
      fix: OWN_RESOLVER,
    });
  return checks;
}

const STATES: Readonly<Record<ListResult['outcome'], Status>> = {
  listed: 'crit',
  'not-listed': 'ok',
  error: 'unknown',
  timeout: 'unknown',
  broken: 'unknown',
};

function listChecks(list: ListResult, subject: string): Check[] {
  const { outcome, title, zone, purpose, codes, text, reason, removal } = list;
  const meanings = codes.map(({ address, meaning }) => `${meaning} (${address})`).join(', ');
  if (purpose === 'allow') return outcome === 'listed' ? [allowed(title, subject, meanings)] : [];
  if (outcome === 'not-listed') return [];
  const base = { id: `dnsbl.${outcome}`, status: STATES[outcome] };
  if (outcome === 'listed')
    return [
      {
        ...base,
        message: `${subject} is on ${title}: ${meanings}.`,
        ...(text !== null && { evidence: text }),
        fix: `Find out what was sent and stop it, then ask for removal${removal === null ? ` at the operator of ${zone}` : `: ${removal}`}.`,
        ref: 'RFC 5782',
      },
    ];
  return [
    {
      ...base,
      message: `${title} cannot be used now: ${reason ?? 'no answer.'}`,
      ...(text !== null && { evidence: text }),
      fix: outcome === 'timeout' ? 'Try again later.' : OWN_RESOLVER,
      ref: 'RFC 5782 §5',
    },
  ];
}

/** A good word is information: it lets mail through elsewhere, and says nothing about what is sent. */
function allowed(title: string, subject: string, meanings: string): Check {
  return {
    id: 'dnsbl.allowed',
    status: 'ok',
    info: true,
    message: `${subject} is on ${title}: ${meanings}.`,
  };
}
