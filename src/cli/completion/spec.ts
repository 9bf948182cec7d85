import type { Interfaces } from '@oclif/core';
import type { Command } from '@oclif/core/command';
import { HELP_TOPICS } from '../help-topics.ts';

/** What may stand in a place: nothing that could be offered, files, hosts, or one of some words. */
export type Values =
  | { readonly kind: 'none' }
  | { readonly kind: 'file' }
  | { readonly kind: 'host' }
  | { readonly kind: 'words'; readonly words: readonly string[] };

export type FlagSpec = {
  /** Without dashes. */
  readonly name: string;
  readonly summary: string;
  /** What its value may be; null when it takes none. */
  readonly values: Values | null;
};

/** A word that leads to a command or is one, with what is said about it. */
export type Word = { readonly word: string; readonly summary: string };

export type CommandSpec = {
  /** As it is typed: `mx probe`. */
  readonly name: string;
  readonly flags: readonly FlagSpec[];
  readonly args: Values;
};

/** All that a shell needs to know. */
export type CompletionSpec = {
  readonly commands: readonly CommandSpec[];
  /** The words that may follow some others: `` → mx, message …; `mx` → probe, diff. */
  readonly next: ReadonlyMap<string, readonly Word[]>;
};

/** What an argument or the value of a flag is, by what the help calls it. */
const KINDS: Readonly<Record<string, 'file' | 'host'>> = {
  file: 'file',
  folder: 'file',
  dir: 'file',
  path: 'file',
  log: 'file',
  mbox: 'file',
  old: 'file',
  new: 'file',
  target: 'host',
  domain: 'host',
  host: 'host',
};

/** Words that no shell takes for anything else; others are not offered. */
const PLAIN = /^[\w.:+-]+$/;

/** Words without order among them, each once. */
function wordsOf(words: readonly string[]): Values {
  const plain = [...new Set(words)].filter((word) => PLAIN.test(word));
  return plain.length === 0 ? { kind: 'none' } : { kind: 'words', words: plain };
}

function byName(name: string): Values {
  return { kind: KINDS[name.toLowerCase()] ?? 'none' };
}

function brief(text: string | undefined): string {
  return (text ?? '').replace(/\.$/, '').replace(/[^\x20-\x7e]/g, (char) => (char === '’' ? "'" : ' '));
}

function flagSpecs(flag: Command.Flag.Cached): FlagSpec[] {
  const { name, hidden, type } = flag;
  const summary = brief(flag.summary ?? flag.description);
  if (hidden) return [];
  if (type === 'boolean') {
    const own = { name, summary, values: null };
    return flag.allowNo ? [own, { name: `no-${name}`, summary: `Not: ${summary}`, values: null }] : [own];
  }
  const { options, helpValue = '' } = flag as { options?: readonly string[]; helpValue?: string };
  return [{ name, summary, values: options ? wordsOf(options) : byName(helpValue) }];
}

/** Arguments are not told apart by their place: what any of them may be is offered. */
function argValues({ args, id }: Command.Loadable, values: Dynamic): Values {
  const known = values[id];
  if (known) return wordsOf(known);
  const all = Object.values(args);
  const options = all.flatMap((arg) => arg.options ?? []);
  if (options.length > 0) return wordsOf(options);
  return all.map(({ name }) => byName(name)).find(({ kind }) => kind !== 'none') ?? { kind: 'none' };
}

/** Words for the arguments of single commands, by id. */
export type Dynamic = Readonly<Record<string, readonly string[]>>;

/** The words after each beginning of a command, with the summary of the command or topic they make. */
function nextWords(config: Interfaces.Config, commands: readonly Command.Loadable[]): Map<string, Word[]> {
  const next = new Map<string, Word[]>();
  for (const { id, summary } of commands) {
    const parts = id.split(':');
    for (const [index, word] of parts.entries()) {
      const before = parts.slice(0, index).join(' ');
      const topic = config.topics.find(({ name }) => name === parts.slice(0, index + 1).join(':'));
      const known = next.get(before) ?? [];
      next.set(before, known);
      if (known.every((each) => each.word !== word))
        known.push({ word, summary: brief(index === parts.length - 1 ? summary : topic?.description) });
    }
  }
  return next;
}

/**
 * What can be completed, from the metadata of the commands.
 *
 * @param dynamic  words for arguments that the metadata does not know
 */
export function completionSpec(config: Interfaces.Config, dynamic: Dynamic = {}): CompletionSpec {
  const commands = config.commands.filter(({ hidden }) => !hidden).sort((a, b) => (a.id < b.id ? -1 : 1));
  const next = nextWords(config, commands);
  const first = (next.get('') ?? []).map(({ word }) => word);
  const values = { help: [...first, ...HELP_TOPICS.keys()], ...dynamic };
  return {
    next,
    commands: commands.map((command) => ({
      name: command.id.replaceAll(':', ' '),
      flags: [
        ...Object.values(command.flags).flatMap(flagSpecs),
        { name: 'help', summary: 'Tell how it is called', values: null },
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
      args: argValues(command, values),
    })),
  };
}
