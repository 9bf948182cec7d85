import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { type JsonLines, locateJson, pathKey } from './json-lines.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A value that a configuration file gives a flag. */
export type Setting = {
  readonly value: unknown;
  /** The file. */
  readonly origin: string;
  /** Line in it, from 1. */
  readonly line: number;
};

/** A configuration file that was read. */
export type ConfigFile = {
  readonly file: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly lines: JsonLines;
};

/** Flags that only a person at the keyboard may give: neither environment nor configuration sets them. */
export const BY_HAND: ReadonlySet<string> = new Set([
  'yes',
  'serial',
  'force',
  'i-own-this',
  'show-secret',
  'secret',
  'allow-private',
  'config',
]);

/** Largest configuration file that is read, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** A configuration file that is not what it should be. */
export class ConfigError extends AppError {
  readonly file: string;
  /** Line in the file, from 1, where one is to blame. */
  readonly line: number | undefined;
  /** What is wrong, without the file. */
  readonly what: string;

  constructor(file: string, what: string, { line, cause }: { line?: number; cause?: unknown } = {}) {
    super(`Configuration ${line === undefined ? file : `${file}, line ${line}`}: ${what}.`, {
      code: 'E_CONFIG',
      exit: ExitCode.config,
      hint: 'It is a JSON object from flag names to values, with "commands" for single commands.',
      cause,
    });
    this.file = file;
    this.line = line;
    this.what = what;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readText(file: string, required: boolean): string | undefined {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MAX_BYTES) throw new ConfigError(file, 'it is larger than 1 MiB');
    return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw new ConfigError(file, `cannot be read (${code ?? String(error)})`, { cause: error });
  }
}

/**
 * Read a configuration file.
 *
 * @param required  whether it must be there
 * @returns undefined when it is not there and need not be
 * @throws AppError E_CONFIG (exit 78), with the line, for a file that is no JSON object
 */
export function readConfigFile(file: string, required: boolean): ConfigFile | undefined {
  const text = readText(file, required);
  if (text === undefined) return undefined;
  const lines = locateJson(text);
  if (lines.fault) {
    const { line, column, reason } = lines.fault;
    throw new ConfigError(file, `not valid JSON: ${reason} at column ${column}`, { line });
  }
  const content: unknown = JSON.parse(text);
  if (!isObject(content)) throw new ConfigError(file, 'the top level is not an object', { line: 1 });
  return { file, content, lines };
}

/** Line of a member. */
export function lineOf({ lines }: ConfigFile, ...path: readonly string[]): number {
  return lines.lines.get(pathKey(path)) ?? 1;
}

/** Files in the order in which they are asked; nothing is read from the current folder. */
export function configFiles(
  env: Environment,
  given: string | undefined,
): { file: string; required: boolean }[] {
  if (given)
    return [
      { file: given, required: true },
      { file: '/etc/postern/config.json', required: false },
    ];
  const home = env['XDG_CONFIG_HOME'] || (env['HOME'] ? join(env['HOME'], '.config') : undefined);
  return [
    ...(home ? [{ file: join(home, 'postern', 'config.json'), required: false }] : []),
    { file: '/etc/postern/config.json', required: false },
  ];
}

/**
 * The settings for one command: `{ "resolver": "127.0.0.1", "commands": { "mx probe": { "port": 2525 } } }`.
 * The first file that names a flag wins; within a file the command's own part does.
 *
 * @throws AppError E_CONFIG (exit 78) for a file that is named and missing, or is not what it should be
 */
export function readSettings(
  env: Environment,
  given: string | undefined,
  command: string,
): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const { file, required } of configFiles(env, given)) {
    const read = readConfigFile(file, required);
    if (!read) continue;
    for (const { name, value, line } of membersFor(read, command)) {
      if (BY_HAND.has(name)) throw new ConfigError(file, `"${name}" can only be given as a flag`, { line });
      if (!settings.has(name)) settings.set(name, { value, origin: file, line });
    }
  }
  return settings;
}

type Member = { readonly name: string; readonly value: unknown; readonly line: number };

/** What a file says for one command: its own part first, then what holds for all. */
function membersFor(read: ConfigFile, command: string): Member[] {
  const { commands = {}, ...common } = read.content;
  if (!isObject(commands))
    throw new ConfigError(read.file, '"commands" is not an object', { line: lineOf(read, 'commands') });
  const own = Object.hasOwn(commands, command) ? commands[command] : {};
  if (!isObject(own)) {
    const line = lineOf(read, 'commands', command);
    throw new ConfigError(read.file, `"commands" → "${command}" is not an object`, { line });
  }
  return [
    ...Object.entries(own).map(([name, value]) => ({
      name,
      value,
      line: lineOf(read, 'commands', command, name),
    })),
    ...Object.entries(common).map(([name, value]) => ({ name, value, line: lineOf(read, name) })),
  ];
}
