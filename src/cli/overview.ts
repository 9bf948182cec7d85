import type { Interfaces } from '@oclif/core';
import { dim, type Line, line, strong, table } from './text.ts';

/** The questions a mail operator is asked, and the command that answers each. */
const QUESTIONS = [
  { question: 'Was it encrypted, will it be?', command: 'mx probe', example: 'mx probe example.org' },
  { question: '', command: 'message path', example: 'message path mail.eml' },
  { question: 'Do we trust who sent it?', command: 'message check', example: 'message check mail.eml' },
  { question: 'Who is logging in?', command: 'yubikey list', example: 'yubikey list' },
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

/** What bare `postern` says: the five questions with one command each, then the topics. */
export function renderOverview(config: Interfaces.Config): Line[] {
  const known = new Set(config.commands.map(({ id }) => id.replaceAll(':', ' ')));
  const rows = QUESTIONS.map(({ question, command, example }) => [
    strong(question),
    known.has(command) ? `postern ${example}` : dim('not in this version yet'),
  ]);
  const topics = topLevel(config).map(({ name, summary }) => [name, summary]);
  return [
    line`postern ${config.version}: for the people who run mail.`,
    [],
    ...table(rows, 2),
    [],
    line`Try it without a network: ${strong('postern demo')}`,
    [],
    line`${strong('Commands')}`,
    ...table(topics, 2),
    [],
    line`"postern COMMAND --help" tells more; "postern help exit-codes" lists what a script may rely on.`,
  ];
}
