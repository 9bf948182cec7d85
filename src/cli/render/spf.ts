import type { SpfCheckResult, SpfSurveyedRecord } from '../../schema/spf-check.ts';
import type { SpfTerm, SpfTree } from '../../spf/types.ts';
import {
  crit,
  dim,
  type Inline,
  type Line,
  line,
  mark,
  ok,
  strong,
  type Tree,
  tree,
  unknown,
  warn,
  wrap,
} from '../text.ts';
import { renderFindings } from './findings.ts';

const MATCH: Readonly<Record<string, (text: string) => Inline>> = { '-': crit, '~': warn, '?': warn };

function outcomeOf({ term, outcome }: SpfTerm): Inline {
  switch (outcome) {
    case 'match':
      return (MATCH[term[0] ?? ''] ?? ok)('match');
    case 'no-match':
      return 'no match';
    case 'not-reached':
      return dim('not reached');
    case 'temperror':
      return unknown('temperror');
    case 'permerror':
      return crit('permerror');
  }
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** What is worth knowing beside the outcome. */
function details({ term, target, found, note, lookups, below }: SpfTerm, domain: string): Inline {
  const told = target === null || target === domain || below !== null || term.endsWith(target);
  const parts = [
    lookups === 0 ? '' : plural(lookups, 'lookup'),
    told ? '' : `asked ${target}`,
    found.join(' '),
    note ?? '',
  ].filter(Boolean);
  return parts.length === 0 ? '' : dim(`  ${parts.join('; ')}`);
}

/** A record and its terms, for a tree. */
export function spfNode({ domain, result, terms, reason, omitted }: SpfTree): Tree {
  const why = terms.length === 0 && reason !== null ? dim(`  ${reason}`) : '';
  return {
    label: line`${strong(domain)}  ${result}${why}`,
    children: [
      ...terms.map((term) => ({
        label: line`${term.term}  ${outcomeOf(term)}${details(term, domain)}`,
        children: term.below === null ? [] : [spfNode(term.below)],
      })),
      ...(omitted === 0 ? [] : [{ label: dim(`and ${omitted} more`) }]),
    ],
  };
}

/** The records of a domain below each other, each with what it costs. */
export function spfRecordTree(records: readonly SpfSurveyedRecord[], columns: number): Line[] {
  const nodes = records.map(({ domain, lookups, record, problem }) => ({
    label: line`${strong(domain)}  ${problem === null ? plural(lookups, 'lookup') : crit(problem)}${record === null ? '' : dim(`  ${record}`)}`,
    children: [] as Tree[],
  }));
  // Records come in the order of a walk, so the one above is the last before it that is one step shorter.
  for (const [index, { path }] of records.entries()) {
    const above = records.findLastIndex((each, at) => at < index && each.path.length === path.length - 1);
    const node = nodes[index];
    if (node !== undefined) nodes[above]?.children.push(node);
  }
  return tree(nodes.slice(0, 1), columns);
}

/** Whether a client may send, how that came about, and what the records leave to be desired. */
export function renderSpfCheck(result: SpfCheckResult, columns: number): Line[] {
  const located = result.checks
    .filter(({ id }) => id !== 'spf.result')
    .map((check) => ({ where: '', check }));
  const helo = result.checks.find(({ id }) => id === 'spf.helo');
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...(result.tree === null
      ? spfRecordTree(result.records, columns)
      : tree([spfNode(result.tree)], columns)),
    line`  ${dim(`${result.lookups} of 10 lookups, ${result.voidLookups} of 2 that may find nothing`)}`,
    ...(result.explanation === null
      ? []
      : wrap(line`  the domain says (its own words): ${result.explanation}`, columns, 4)),
    ...(helo === undefined ? [] : wrap(line`  ${helo.message}`, columns, 4)),
    ...renderFindings(located, columns),
  ];
}
