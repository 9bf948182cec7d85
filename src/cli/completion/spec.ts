import type { Interfaces } from '@oclif/core';
import type { Command } from '@oclif/core/command';
import { HELP_TOPICS } from '../help-topics.ts';

/** Names that only this machine knows: the script asks for them, each time one is typed. */
export const STORED = [
  'account',
  'change',
  'client',
  'decision',
  'entry',
  'key',
  'login',
  'profile',
  'session',
  'site',
] as const;
export type Stored = (typeof STORED)[number];

/** Where words come from that are not in the script. */
export type Source = 'file' | 'host' | Stored;

/** What may stand in a place: one of some words, or what a source has; nothing that could be offered without either. */
export type Values = { readonly words: readonly string[]; readonly from: readonly Source[] };

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

/** Flags whose value is the name of something on this machine. */
const STORED_FLAGS: Readonly<Record<string, Stored>> = {
  account: 'account',
  profile: 'profile',
  site: 'site',
};

/** The same of arguments, by command. */
const STORED_ARGS: Readonly<Record<string, Stored>> = {
  'browser diagnose': 'profile',
  'browser disable': 'profile',
  'browser undo': 'change',
  'login add': 'account',
  'login list': 'account',
  'login passwd': 'login',
  'login remove': 'login',
  'login session end': 'session',
  'login session list': 'account',
  'login session new': 'account',
  'login verify': 'account',
  'mediator approve': 'entry',
  'mediator logo': 'entry',
  'mediator renew': 'entry',
  'mediator revoke': 'entry',
  'mediator suspend': 'entry',
  'mediator vet': 'entry',
  'throttle policy set': 'site',
  'throttle site edit': 'site',
  'throttle site remove': 'site',
  'throttle site show': 'site',
  'throttle top': 'site',
  'trust override': 'decision',
  'trust show': 'decision',
  'validation client disable': 'client',
  'validation client enable': 'client',
  'validation client rotate': 'client',
  'validation key disable': 'key',
  'validation key enable': 'key',
};

/** Words that no shell takes for anything else; others are not offered. */
const PLAIN = /^[\w.:+/-]+$/;

/** Words without order among them, each once. */
function plainWords(words: readonly string[]): readonly string[] {
  return [...new Set(words)].filter((word) => PLAIN.test(word));
}

function byName(name: string): readonly Source[] {
  const kind = KINDS[name.toLowerCase()];
  return kind === undefined ? [] : [kind];
}

/** What the value of a flag may be. */
function flagValues(name: string, options: readonly string[], helpValue: string): Values {
  const stored = STORED_FLAGS[name];
  return { words: plainWords(options), from: stored ? [stored] : byName(helpValue) };
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
  return [{ name, summary, values: flagValues(name, options ?? [], helpValue) }];
}

/** Arguments are not told apart by their place: what any of them may be is offered. */
function argValues({ args, id }: Command.Loadable, known: Dynamic): Values {
  const all = Object.values(args);
  const stored = STORED_ARGS[id.replaceAll(':', ' ')];
  return {
    words: plainWords([...(known[id] ?? []), ...all.flatMap((arg) => arg.options ?? [])]),
    from: [...new Set([...(stored ? [stored] : []), ...all.flatMap(({ name }) => byName(name))])],
  };
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
