import { existsSync } from 'node:fs';
import type { Config } from '@oclif/core/config';
import { AppError, ExitCode } from '../errors.ts';
import { didYouMean, nearest } from './nearest.ts';

/** What the first words of the arguments name. */
export type Called =
  | { readonly kind: 'command'; readonly id: string; readonly argv: readonly string[] }
  | { readonly kind: 'topic' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown'; readonly error: AppError };

function spaced(id: string): string {
  return id.replaceAll(':', ' ');
}

function sorted(words: readonly string[]): string {
  return words.toSorted((a, b) => (a < b ? -1 : 1)).join(' ');
}

/**
 * What may have been meant: a name that is spelt nearly so (`mx prove`), the same words the other way round
 * (`probe mx`), or the commands that end in the word (`probe`).
 *
 * @param words  up to the first that is unknown
 * @param rest   the one that follows, if it is no flag
 */
function meant(config: Config, words: readonly string[], rest: readonly string[]): readonly string[] {
  const known = config.commandIDs.map(spaced);
  const longer = [...words, ...rest];
  const topics = config.topics.map(({ name }) => spaced(name));
  const cut = words.join(' ');
  const near = nearest(longer.join(' '), [...known, ...topics]) ?? nearest(cut, [...known, ...topics]);
  if (near !== undefined) return [near];
  const turned = known.filter((name) => name.includes(' ') && sorted(name.split(' ')) === sorted(longer));
  if (turned.length > 0) return turned;
  return known.filter((name) => name.endsWith(` ${words.at(-1)}`)).slice(0, 3);
}

/** Commands directly below a topic, and topics. */
function below(config: Config, topic: string): readonly string[] {
  const start = `${topic} `;
  const names = config.commandIDs.map(spaced).filter((name) => name.startsWith(start));
  return [...new Set(names.map((name) => name.slice(start.length).split(' ')[0] ?? ''))].sort();
}

/** Whether a word may be an address of the network or a file rather than a command. */
const LIKE_A_TARGET = /[./@]/;

/** What may be done with something that was given without a command. */
function targetHint(target: string): string {
  return existsSync(target)
    ? `To explain a message: "postern message check ${target}".`
    : `To look at a domain: "postern mx probe ${target}" or "postern domain check ${target}".`;
}

function hintFor(config: Config, words: readonly string[], rest: readonly string[]): string {
  const meantNames = didYouMean(meant(config, words, rest).map((name) => `"postern ${name}"`));
  if (meantNames !== undefined) return meantNames;
  const topic = words.slice(0, -1).join(' ');
  if (topic !== '') return `Below "postern ${topic}" there are: ${below(config, topic).join(', ')}.`;
  const [word = ''] = words;
  if (word === 'version') return 'Did you mean "postern --version"?';
  return LIKE_A_TARGET.test(word) ? targetHint(word) : '"postern" alone lists the commands.';
}

function noSuchCommand(config: Config, words: readonly string[], rest: readonly string[]): AppError {
  return new AppError(`There is no command '${words.join(' ')}'.`, {
    code: 'E_UNKNOWN_COMMAND',
    exit: ExitCode.unknownCommand,
    hint: hintFor(config, words, rest),
  });
}

/** Find what is called: the longest run of words that names a command; `mx prob` is unknown like `frobnicate`. */
export function findCalled(config: Config, argv: readonly string[]): Called {
  const words: string[] = [];
  for (const arg of argv) {
    if (arg.startsWith('-')) break;
    words.push(arg);
    const id = words.join(':');
    if (config.findCommand(id)) return { kind: 'command', id, argv: argv.slice(words.length) };
    if (!config.findTopic(id)) {
      const rest = argv.slice(words.length, words.length + 1).filter((word) => !word.startsWith('-'));
      return { kind: 'unknown', error: noSuchCommand(config, words, rest) };
    }
  }
  return { kind: words.length === 0 ? 'nothing' : 'topic' };
}

/**
 * Flags in front of a command. They are refused: taken for flags of the help that is shown without a command, they would
 * make a script that does nothing end well.
 *
 * @returns undefined where no command follows
 */
export function flagsFirst(config: Config, argv: readonly string[]): AppError | undefined {
  const at = argv.findIndex(
    (arg, index) => !arg.startsWith('-') && findCalled(config, argv.slice(index)).kind === 'command',
  );
  if (at < 1) return undefined;
  const turned = [...argv.slice(at), ...argv.slice(0, at)].join(' ');
  return new AppError(`${argv[0]} stands before the command.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: `Flags follow it: "postern ${turned}".`,
  });
}
