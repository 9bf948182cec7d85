import type { Resolver } from '../dns/types.ts';
import { openDnsbl } from '../dnsbl/check.ts';
import { parseSubject } from '../dnsbl/subject.ts';
import type { DnsList, ListResult, Subject } from '../dnsbl/types.ts';
import type { Reason } from '../trust/facts.ts';
import type { Authentication } from './authenticate.ts';
import type { Envelope } from './envelope.ts';
import type { DnsblSection } from './types.ts';

/** Which lists are asked. */
export type DnsblWish = {
  readonly lists: readonly DnsList[];
  /** A name that does not exist, made up for this run. */
  readonly madeUp: string;
};

/** Signing domains that are asked about. */
const MAX_DOMAINS = 5;

/**
 * Ask block lists about the client at the border, the author's domain and the domains that signed. Ten seconds a
 * subject, all at once; what a list says is a warning and never decides.
 */
export async function askDnsbl(
  envelope: Envelope,
  author: string | null,
  { signatures }: Authentication,
  { lists, madeUp }: DnsblWish,
  dns: Resolver,
): Promise<DnsblSection[]> {
  const ask = openDnsbl({ dns, madeUp, lists });
  const signed = signatures.flatMap(({ domain, result }) =>
    domain !== null && result === 'pass' ? [domain] : [],
  );
  const texts = new Set([envelope.ip.value, author, ...signed].filter((text) => text !== null));
  const subjects = [...texts].slice(0, MAX_DOMAINS + 2).flatMap(subjectOf);
  const answers = await Promise.all(subjects.map(ask));
  return answers.flatMap(({ subject, lists: results }) => results.map((each) => section(subject, each)));
}

/** Private addresses and odd names are on no list. */
function subjectOf(text: string): Subject[] {
  try {
    return [parseSubject(text)];
  } catch {
    return [];
  }
}

function section(
  subject: Subject,
  { zone, purpose, outcome, codes, text, reason }: ListResult,
): DnsblSection {
  const meaning = codes.map((code) => code.meaning).join(' ');
  return { list: zone, target: subject.text, purpose, status: outcome, meaning: meaning || reason, text };
}

/** Listings as remarks. */
export function dnsblRemarks(sections: readonly DnsblSection[]): Reason[] {
  return sections
    .filter(({ status, purpose }) => status === 'listed' && purpose === 'block')
    .map(({ list, target, meaning }) => ({
      code: `dnsbl.listed:${list}`,
      severity: 'warn',
      text: `${target} is on the list ${list}${meaning === null || meaning === 'listed' ? '.' : `: ${meaning}`}`,
      evidence: { dns: list },
    }));
}
