import type { ConfigSetting } from '../schema/config.ts';
import type { KnownFlags } from './config-check.ts';
import type { AnyFlag } from './setting-flags.ts';
import { BY_HAND, type ConfigFile, lineOf, readSettings, type Setting } from './settings.ts';
import { formatDuration } from './units.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A value as it would be typed. */
function typed(value: unknown): string | string[] {
  if (Array.isArray(value)) return value.map((one) => String(typed(one)));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A built-in value as it would be typed; null where there is none. */
function builtIn({ default: value, ...flag }: AnyFlag): ConfigSetting['value'] {
  if (value === undefined || typeof value === 'function') return flag.type === 'boolean' ? 'false' : null;
  const isDuration = (flag as { helpValue?: string }).helpValue === 'DURATION';
  return isDuration && typeof value === 'number' ? formatDuration(value) : typed(value);
}

function fromSetting(command: string | null, flag: string, { value, origin, line }: Setting): ConfigSetting {
  return { command, flag, value: typed(value), origin: 'file', where: `${origin}:${line}` };
}

/** Where a flag gets its value when it is not typed: the environment, then the files, then what is built in. */
function effective(
  name: string,
  flag: AnyFlag,
  env: Environment,
  settings: ReadonlyMap<string, Setting>,
): ConfigSetting {
  const said = flag.env === undefined ? undefined : env[flag.env];
  if (said) return { command: null, flag: name, value: said, origin: 'environment', where: flag.env ?? null };
  const setting = settings.get(name);
  if (setting && !BY_HAND.has(name)) return fromSetting(null, name, setting);
  return { command: null, flag: name, value: builtIn(flag), origin: 'built-in', where: null };
}

function byName(a: ConfigSetting, b: ConfigSetting): number {
  return a.flag < b.flag ? -1 : 1;
}

/** Every flag of one command with its value. */
export function settingsOf(
  command: string,
  flags: Readonly<Record<string, AnyFlag>>,
  env: Environment,
  given: string | undefined,
): ConfigSetting[] {
  const settings = readSettings(env, given, command);
  return Object.entries(flags)
    .map(([name, flag]) => effective(name, flag, env, settings))
    .sort(byName);
}

/** What single commands are given by a file, in its order. */
function forSingle(read: ConfigFile): ConfigSetting[] {
  const { commands } = read.content;
  const parts = Object.entries(
    (commands ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  );
  return parts.flatMap(([command, members]) =>
    Object.entries(members).map(([flag, value]) => {
      const line = lineOf(read, 'commands', command, flag);
      return fromSetting(command, flag, { value, origin: read.file, line });
    }),
  );
}

/** What is set at all: for every command that has the flag, then for single ones. */
export function settingsSet(
  known: KnownFlags,
  files: readonly ConfigFile[],
  env: Environment,
  given: string | undefined,
): ConfigSetting[] {
  const all = Object.assign({}, ...known.values()) as Readonly<Record<string, AnyFlag>>;
  const common = settingsOf('', all, env, given).filter(({ origin }) => origin !== 'built-in');
  return [...common, ...files.flatMap(forSingle)];
}
