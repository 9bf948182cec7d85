import { txtLine } from '../dns/zone-text.ts';
import type { Check } from '../report.ts';
import { MAX_LOOKUPS, MAX_VOID_LOOKUPS } from './questions.ts';
import type { Mechanism, SpfRecord } from './record.ts';
import type { SpfSurvey, SurveyedRecord } from './survey.ts';

/** Networks wider than this let in more hosts than anybody can vouch for. */
const WIDEST = { 4: 16, 6: 32 } as const;

type Read = SurveyedRecord & { readonly state: { readonly kind: 'read' } };

/** What is to be said about the SPF records of a domain, each with the record to publish where that can be told. */
export function lintSpf(survey: SpfSurvey): Check[] {
  const [top] = survey.records;
  if (top === undefined) return [];
  const read = survey.records.filter((each): each is Read => each.state.kind === 'read');
  return [
    ...survey.records.flatMap((each) => stateChecks(each, each === top)),
    ...read.flatMap((each) => [
      ...allChecks(each),
      ...rangeChecks(each),
      ...ptrChecks(each),
      ...idleChecks(each),
    ]),
    ...limitChecks(survey),
  ];
}

const REF = 'RFC 7208';

/** How a record is called. */
function named({ domain }: SurveyedRecord, isTop: boolean): string {
  return isTop ? domain : `${domain}, which the record leads to,`;
}

function stateChecks(each: SurveyedRecord, isTop: boolean): Check[] {
  const { domain, state, path } = each;
  const who = named(each, isTop);
  switch (state.kind) {
    case 'read':
      if (!isTop) return [];
      return [
        { id: 'spf.record', status: 'ok', message: `${domain} has an SPF record.`, evidence: state.text },
      ];
    case 'none':
      return [isTop ? missing(domain) : broken(who, 'has no SPF record', domain)];
    case 'several':
      return [
        {
          id: 'spf.record.several',
          status: 'crit',
          message: `${who} has ${state.count} SPF records: every check ends in permerror.`,
          fix: `Merge them into one TXT record that begins with "v=spf1", and delete the others.`,
          ref: `${REF} §4.5`,
        },
      ];
    case 'wrong':
      return [
        {
          id: 'spf.syntax',
          status: 'crit',
          message: `The SPF record of ${who} has an error: every check ends in permerror.`,
          evidence: `${state.reason} ${state.text}`,
          fix: 'Correct the term; nothing of the record counts until then.',
          ref: `${REF} §4.6`,
        },
      ];
    case 'unknown':
      return [
        {
          id: 'spf.record',
          status: 'unknown',
          message: `The SPF record of ${who} could not be looked up.`,
          evidence: state.reason,
          fix: 'Try again; if it stays so, look at the name servers of that domain.',
        },
      ];
    case 'loop':
      return [
        {
          id: 'spf.loop',
          status: 'crit',
          message: `The records go in a circle: ${[...path, domain].join(' → ')}.`,
          fix: 'Remove the include or redirect that leads back.',
          ref: `${REF} §4.6.4`,
        },
      ];
  }
}

function missing(domain: string): Check {
  return {
    id: 'spf.record',
    status: 'warn',
    message: `${domain} has no SPF record: nobody can tell which servers may send in its name.`,
    fix: `If it sends mail, with its other senders before "-all": ${txtLine(domain, 'v=spf1 mx -all')} If it sends none: ${txtLine(domain, 'v=spf1 -all')}`,
    ref: `${REF} §3`,
  };
}

function broken(who: string, what: string, domain: string): Check {
  return {
    id: 'spf.include.broken',
    status: 'crit',
    message: `${who} ${what}: a check that comes there ends in permerror.`,
    fix: `Remove the include or redirect that names ${domain}, or correct its name.`,
    ref: `${REF} §5.2`,
  };
}

/** The record with its last word changed. */
function ending(text: string, all: string): string {
  return text.replace(/(?<= )[+\-~?]?all(?= |$)/i, all);
}

function allChecks({ domain, included, state: { record, text } }: Read): Check[] {
  const all = record.mechanisms.find(({ kind }) => kind === 'all');
  if (all?.qualifier === '+')
    return [
      {
        id: 'spf.all.pass',
        status: 'crit',
        message: `${domain} lets the whole Internet send in its name ("${all.text}").`,
        evidence: text,
        fix: `Once all senders are in it: ${txtLine(domain, ending(text, '-all'))}`,
        ref: `${REF} §5.1`,
      },
    ];
  if (included || (all === undefined && record.redirect !== null)) return [];
  if (all?.qualifier === '-' || all?.qualifier === '~') return [];
  const better = all === undefined ? `${text.trimEnd()} -all` : ending(text, '-all');
  return [
    {
      id: 'spf.all.neutral',
      status: 'warn',
      message:
        all === undefined
          ? `The record of ${domain} has no "all": it says nothing about servers that are not in it.`
          : `The record of ${domain} ends in "?all": it says nothing about servers that are not in it.`,
      evidence: text,
      fix: `Publish this, or "~all" in it while you are not sure of all senders: ${txtLine(domain, better)}`,
      ref: `${REF} §5.1`,
    },
  ];
}

/** Families and lengths that a mechanism lets in. */
function widths(mechanism: Mechanism): readonly (readonly [family: 4 | 6, bits: number])[] {
  switch (mechanism.kind) {
    case 'ip4':
      return [[4, mechanism.bits]];
    case 'ip6':
      return [[6, mechanism.bits]];
    case 'a':
    case 'mx':
      return [
        [4, mechanism.bits4],
        [6, mechanism.bits6],
      ];
    default:
      return [];
  }
}

function rangeChecks({ domain, state: { record } }: Read): Check[] {
  return record.mechanisms
    .filter(({ qualifier }) => qualifier === '+')
    .flatMap((mechanism) => widths(mechanism).map(([family, bits]) => ({ mechanism, family, bits })))
    .filter(({ family, bits }) => bits < WIDEST[family])
    .map(({ mechanism, family, bits }) => ({
      id: 'spf.range.wide',
      status: bits === 0 ? 'crit' : 'warn',
      message:
        bits === 0
          ? `"${mechanism.text}" in the record of ${domain} lets in every IPv${family} address.`
          : `"${mechanism.text}" in the record of ${domain} lets in a /${bits}: wider than /${WIDEST[family]}.`,
      fix: 'Name the networks that really send.',
      ref: `${REF} §5.6`,
    }));
}

function ptrChecks({ domain, state: { record } }: Read): Check[] {
  const ptr = record.mechanisms.find(({ kind }) => kind === 'ptr');
  if (ptr === undefined) return [];
  return [
    {
      id: 'spf.ptr',
      status: 'warn',
      message: `"${ptr.text}" in the record of ${domain} is slow and unreliable; it should not be used.`,
      fix: 'Name the servers with ip4, ip6, a or mx instead.',
      ref: `${REF} §5.5`,
    },
  ];
}

/** Terms without effect. */
function idleChecks({ domain, state: { record } }: Read): Check[] {
  const last = record.mechanisms.findIndex(({ kind }) => kind === 'all');
  if (last === -1) return [];
  const idle = [...record.mechanisms.slice(last + 1), ...redirects(record)].map(({ text }) => `"${text}"`);
  if (idle.length === 0) return [];
  return [
    {
      id: 'spf.idle',
      status: 'warn',
      message: `In the record of ${domain} nothing behind "all" is ever reached: ${idle.join(', ')}.`,
      fix: 'Move the terms before "all", or remove them.',
      ref: `${REF} §5.1`,
    },
  ];
}

function redirects({ redirect }: SpfRecord): readonly { readonly text: string }[] {
  return redirect === null ? [] : [redirect];
}

function limitChecks({ domain, lookups, voids, crowded, cut, records }: SpfSurvey): Check[] {
  if (records[0]?.state.kind !== 'read') return [];
  const over = lookups > MAX_LOOKUPS;
  return [
    {
      id: 'spf.lookups',
      status: over ? 'crit' : cut ? 'unknown' : 'ok',
      message: over
        ? `The record of ${domain} needs ${lookups} DNS lookups where ${MAX_LOOKUPS} are allowed: mail from senders late in it ends in permerror.`
        : `The record of ${domain} needs ${lookups} of ${MAX_LOOKUPS} DNS lookups${cut ? ', as far as could be seen' : ''}.`,
      ...(over && {
        fix: 'Remove senders that are no longer used, or replace an include by its ip4 and ip6 terms.',
      }),
      ref: `${REF} §4.6.4`,
    },
    ...(voids.length > 0 ? [voidCheck(voids)] : []),
    ...crowded.map(
      ({ target, term }): Check => ({
        id: 'spf.mx.many',
        status: 'crit',
        message: `"${term}": ${target} has more than 10 exchangers, which is an error.`,
        fix: 'Name the servers with ip4 and ip6.',
        ref: `${REF} §4.6.4`,
      }),
    ),
  ];
}

function voidCheck(voids: SpfSurvey['voids']): Check {
  const over = voids.length > MAX_VOID_LOOKUPS;
  return {
    id: 'spf.void-lookups',
    status: over ? 'crit' : 'warn',
    message: over
      ? `${voids.length} terms name something that does not exist, where ${MAX_VOID_LOOKUPS} are allowed: checks end in permerror.`
      : `${voids.length === 1 ? 'A term names' : `${voids.length} terms name`} something that does not exist.`,
    evidence: voids.map(({ domain, term }) => `"${term}" of ${domain}`).join(', '),
    fix: 'Remove these terms, or publish the names.',
    ref: `${REF} §4.6.4`,
  };
}
