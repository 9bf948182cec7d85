import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A value that a configuration file may give a flag. */
export type Setting = { readonly value: unknown; readonly origin: string };

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

function invalid(file: string, what: string, cause?: unknown): AppError {
  return new AppError(`Configuration ${file}: ${what}.`, {
    code: 'E_CONFIG',
    exit: ExitCode.config,
    hint: 'It is a JSON object from flag names to values, with "commands" for single commands.',
    cause,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readText(file: string, required: boolean): string | undefined {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MAX_BYTES) throw invalid(file, 'it is larger than 1 MiB');
    return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw invalid(file, `cannot be read (${code ?? String(error)})`, error);
  }
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = (error as Error).message.replace(/^JSON\.parse: |, "?.*"? is not valid JSON$/g, '');
    throw invalid(file, `not valid JSON: ${detail}`, error);
  }
  if (!isObject(value)) throw invalid(file, 'the top level is not an object');
  return value;
}

/** Files in the order in which they are asked; nothing is read from the current folder. */
function configFiles(env: Environment, given: string | undefined): { file: string; required: boolean }[] {
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
    const text = readText(file, required);
    if (text === undefined) continue;
    const { commands = {}, ...common } = parseObject(file, text);
    if (!isObject(commands)) throw invalid(file, '"commands" is not an object');
    const own = Object.hasOwn(commands, command) ? commands[command] : {};
    if (!isObject(own)) throw invalid(file, `"commands" → "${command}" is not an object`);
    for (const [name, value] of [...Object.entries(own), ...Object.entries(common)]) {
      if (BY_HAND.has(name)) throw invalid(file, `"${name}" can only be given as a flag`);
      if (!settings.has(name)) settings.set(name, { value, origin: file });
    }
  }
  return settings;
}
