import { statSync } from 'node:fs';
import type { Check, Status } from '../report.ts';
import type { Located } from './formats/types.ts';
import { didYouMean, suggestions } from './nearest.ts';
import { type AnyFlag, takeSetting } from './setting-flags.ts';
import { BY_HAND, ConfigError, type ConfigFile, lineOf, readConfigFile } from './settings.ts';

/** The flags of each command, by its name as it is typed. */
export type KnownFlags = ReadonlyMap<string, Readonly<Record<string, AnyFlag>>>;

function finding(id: string, status: Status, message: string, fix?: string): Check {
  return { id, status, message, ...(fix !== undefined && { fix }) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Commands that have a flag, with it. */
function havers(known: KnownFlags, name: string): [command: string, flag: AnyFlag][] {
  return [...known].flatMap(([command, flags]) => {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    return flag ? [[command, flag] as [string, AnyFlag]] : [];
  });
}

function unknownName(name: string, known: KnownFlags): Check {
  const names = [...new Set([...known.values()].flatMap((flags) => Object.keys(flags)))];
  const message = `"${name}" is the name of no flag here: it has no effect.`;
  return finding('config.name', 'warn', message, didYouMean(suggestions(name, names)));
}

/** What is wrong with one member; several commands may take its value differently. */
async function checkMember(name: string, value: unknown, known: KnownFlags): Promise<Check | undefined> {
  if (BY_HAND.has(name)) {
    const fix = `Give --${name} on the command line.`;
    return finding('config.by-hand', 'crit', `"${name}" can only be given as a flag.`, fix);
  }
  const flags = havers(known, name);
  if (flags.length === 0) return unknownName(name, known);
  const taken = await Promise.all(
    flags.map(async ([command, flag]) => ({ command, taken: await takeSetting(name, flag, value) })),
  );
  const refused = taken.flatMap(({ command, taken: each }) => (each.ok ? [] : [{ command, ...each }]));
  const [first] = refused;
  if (!first) return undefined;
  const is = `"${name}" is ${JSON.stringify(value)}, expected ${first.expected}`;
  if (refused.length === flags.length) return finding('config.value', 'crit', `${is}.`);
  const where = refused.map(({ command }) => command).join(', ');
  const fix = 'Put it under "commands" for those that take it.';
  return finding('config.value', 'crit', `${is}, by some commands: ${where}.`, fix);
}

type Place = (...path: readonly string[]) => string;

async function checkMembers(
  members: Readonly<Record<string, unknown>>,
  known: KnownFlags,
  place: Place,
): Promise<Located[]> {
  const checked = await Promise.all(
    Object.entries(members).map(async ([name, value]) => ({
      where: place(name),
      check: await checkMember(name, value, known),
    })),
  );
  return checked.flatMap(({ where, check }) => (check ? [{ where, check }] : []));
}

async function checkCommands(commands: unknown, known: KnownFlags, place: Place): Promise<Located[]> {
  if (!isObject(commands)) {
    return [{ where: place(), check: finding('config.value', 'crit', '"commands" is not an object.') }];
  }
  const parts = Object.entries(commands).map(async ([command, members]): Promise<Located[]> => {
    const flags = known.get(command);
    if (!flags) {
      const fix = didYouMean(suggestions(command, [...known.keys()]));
      const message = `"${command}" is the name of no command: what is under it has no effect.`;
      return [{ where: place(command), check: finding('config.command', 'warn', message, fix) }];
    }
    if (!isObject(members)) {
      const check = finding('config.value', 'crit', `"${command}" is not an object.`);
      return [{ where: place(command), check }];
    }
    return checkMembers(members, new Map([[command, flags]]), (...path) => place(command, ...path));
  });
  return (await Promise.all(parts)).flat();
}

/** Whoever may write the file decides what the commands of others do. */
function checkMode({ file }: ConfigFile): Located[] {
  const { mode = 0, uid = 0, gid = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
  // A group with the number of its user is that user alone, as most distributions set it up.
  const unsafe = uid === gid ? 0o002 : 0o022;
  if ((mode & unsafe) === 0) return [];
  const message = 'Others may write this file, and so decide what is asked and believed.';
  return [{ where: file, check: finding('config.writable', 'warn', message, `chmod go-w '${file}'`) }];
}

/** What is wrong in a file that could be read. */
async function checkContent(read: ConfigFile, known: KnownFlags): Promise<Located[]> {
  const { commands = {}, ...common } = read.content;
  const place: Place = (...path) => `${read.file}:${lineOf(read, ...path)}`;
  const twice = read.lines.twice.map(({ path, line }) => {
    const message = `"${path.at(-1)}" is given more than once: only the last counts.`;
    return { where: `${read.file}:${line}`, check: finding('config.twice', 'warn', message) };
  });
  return [
    ...checkMode(read),
    ...twice,
    ...(await checkMembers(common, known, place)),
    ...(await checkCommands(commands, known, (...path) => place('commands', ...path))),
  ];
}

export type CheckedFile = {
  readonly file: string;
  readonly found: boolean;
  readonly findings: readonly Located[];
};

/** Check one configuration file: its form, names, values. Never throws for what is in it. */
export async function checkConfigFile(
  file: string,
  required: boolean,
  known: KnownFlags,
): Promise<CheckedFile> {
  try {
    const read = readConfigFile(file, required);
    if (!read) return { file, found: false, findings: [] };
    return { file, found: true, findings: await checkContent(read, known) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { line, what } = error;
    const said = `${what.charAt(0).toUpperCase()}${what.slice(1)}.`;
    const readable = line !== undefined;
    const where = readable ? `${file}:${line}` : file;
    const check = finding(readable ? 'config.syntax' : 'config.file', 'crit', said);
    return { file, found: readable, findings: [{ where, check }] };
  }
}
