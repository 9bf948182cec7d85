import { EXPLANATIONS } from '../../explain/index.ts';
import type { Check, Status } from '../../report.ts';
import { clean, escapeJson } from '../clean.ts';
import { type About, type Located, problems, type Row, type Writer } from './types.ts';
import { pathUri } from './uri.ts';

type Problem = Exclude<Status, 'ok'>;

/**
 * SARIF 2.1.0 §3.27.9: `open` is for a tool that lacks what it would need to decide, and whatever is no `fail`
 * has the level `none` (§3.27.10).
 */
const GRADES: Readonly<Record<Problem, { kind: string; level: string }>> = {
  crit: { kind: 'fail', level: 'error' },
  warn: { kind: 'fail', level: 'warning' },
  unknown: { kind: 'open', level: 'none' },
};

/** What a reader of the result is told about its rule, the same for all its results. */
function ruleOf({ id, message, fix, ref }: Check) {
  const known = EXPLANATIONS.get(id);
  const help = [known?.fix ?? fix, known?.ref ?? ref].filter((text) => text !== undefined).join(' ');
  return {
    id,
    shortDescription: { text: clean(known?.what ?? id) },
    ...(known && { fullDescription: { text: clean(known.why) } }),
    help: { text: clean(help === '' ? message : help) },
  };
}

function locationOf({ targets }: About, target: string, where: string) {
  const name = clean(where || target || 'this machine');
  const full = [target, where].filter(Boolean).map(clean).join(' ') || name;
  const isFile = targets === 'file' && target !== '' && target !== '-';
  return {
    ...(isFile && {
      physicalLocation: { artifactLocation: { uri: pathUri(target) }, region: { startLine: 1 } },
    }),
    logicalLocations: [{ name, fullyQualifiedName: full, kind: 'resource' }],
  };
}

/** SARIF 2.1.0, one run. Results are written as they come; the rules they refer to stand after them. */
export function sarifWriter(about: About): Writer {
  const rules = new Map<string, { index: number; rule: ReturnType<typeof ruleOf> }>();
  const failures: unknown[] = [];
  let first = true;

  const indexOf = (check: Check): number => {
    const known = rules.get(check.id) ?? { index: rules.size, rule: ruleOf(check) };
    rules.set(check.id, known);
    return known.index;
  };
  const resultOf = (target: string, { where, check }: Located) => ({
    ruleId: check.id,
    ruleIndex: indexOf(check),
    ...GRADES[check.status as Problem],
    message: { text: clean([check.message, check.evidence].filter(Boolean).join(' Saw: ')) },
    locations: [locationOf(about, target, where)],
    partialFingerprints: { 'postern/v1': clean([check.id, target, where].join(' ')) },
  });
  const noteFailure = ({ target, failure }: Row) => {
    if (!failure) return;
    failures.push({
      descriptor: { id: failure.code },
      level: 'error',
      message: { text: clean(`${target}: ${failure.message}`) },
      locations: [locationOf(about, target, '')],
    });
  };

  return {
    begin: () =>
      '{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"results":[',
    row: (row) => {
      noteFailure(row);
      const texts = problems(row).map((each) => escapeJson(JSON.stringify(resultOf(row.target, each))));
      if (texts.length === 0) return '';
      const text = `${first ? '' : ','}\n${texts.join(',\n')}`;
      first = false;
      return text;
    },
    end: () => {
      const rest = {
        tool: {
          driver: { ...about.tool, rules: [...rules.values()].map(({ rule }) => rule) },
        },
        invocations: [{ executionSuccessful: failures.length === 0, toolExecutionNotifications: failures }],
        columnKind: 'utf16CodeUnits',
      };
      return `\n],${escapeJson(JSON.stringify(rest)).slice(1)}]}\n`;
    },
  };
}
