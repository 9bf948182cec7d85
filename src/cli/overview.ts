import type { Interfaces } from '@oclif/core';
import { dim, fittedTable, type Line, line, strong } from './text.ts';

/** The questions a mail operator is asked, and the command that answers each. */
const QUESTIONS = [
  { question: 'Was it encrypted, will it be?', command: 'mx probe', example: 'mx probe example.org' },
  { question: '', command: 'message path', example: 'message path mail.eml' },
  { question: 'Do we trust who sent it?', command: 'message check', example: 'message check mail.eml' },
  { question: 'Who is logging in?', command: 'login list', example: 'login list' },
  {
    question: 'Who is hammering this site?',
    command: 'throttle simulate',
    example: 'throttle simulate access.log',
  },
  { question: 'Why is the webmail slow?', command: 'browser diagnose', example: 'browser diagnose' },
] as const;

/** The questions that the commands of this version answer, each with how to ask it. */
export function answeredQuestions(
  config: Interfaces.Config,
): { readonly question: string; readonly examples: readonly string[] }[] {
  const known = new Set(config.commands.map(({ id }) => id.replaceAll(':', ' ')));
  const answered: { question: string; examples: string[] }[] = [];
  let asked = '';
  for (const { question, command, example } of QUESTIONS) {
    asked = question || asked;
    if (!known.has(command)) continue;
    const last = answered.at(-1);
    if (last?.question === asked) last.examples.push(example);
    else answered.push({ question: asked, examples: [example] });
  }
  return answered;
}

/** Spoken order of the topics and commands of the first level. */
function topLevel(config: Interfaces.Config): { name: string; summary: string }[] {
  const entries = new Map<string, string>();
  for (const { id, summary, hidden } of config.commands) {
    const [first = id] = id.split(':');
    if (hidden || entries.has(first)) continue;
    const topic = config.topics.find(({ name }) => name === first);
    entries.set(first, id === first ? (summary ?? '') : (topic?.description ?? ''));
  }
  return [...entries]
    .map(([name, summary]) => ({ name, summary }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where to read on, by what somebody is after. */
const MORE = [
  ['postern COMMAND --help', 'what a command takes, with examples'],
  ['postern help exit-codes', 'for cron jobs, monitoring and CI: what a script may rely on'],
  ['postern help output', 'formats: JSON, CSV, JUnit, SARIF, Nagios, Prometheus, Markdown, HTML'],
  ['postern help environment', 'settings such as colour: variables and the configuration file'],
  ['postern explain ID', 'what a finding means, why it matters, how to fix it'],
  ['postern demo', 'see it at work, without a network'],
] as const;

/** What bare `postern` says: the five questions with one command each, the topics, and where to read on. */
export function renderOverview(config: Interfaces.Config, columns: number): Line[] {
  const known = new Set(config.commands.map(({ id }) => id.replaceAll(':', ' ')));
  const rows = QUESTIONS.map(({ question, command, example }) => [
    strong(question),
    known.has(command) ? `postern ${example}` : dim('not in this version yet'),
  ]);
  const topics = topLevel(config).map(({ name, summary }) => [name, summary]);
  return [
    line`postern ${config.version}: for the people who run mail.`,
    [],
    ...fittedTable(rows, columns, 2),
    [],
    line`${strong('Commands')}`,
    ...fittedTable(topics, columns, 2),
    [],
    line`${strong('More')}`,
    ...fittedTable(
      MORE.map(([how, what]) => [how, dim(what)]),
      columns,
      2,
    ),
  ];
}
