import type { Interfaces } from '@oclif/core';
import { AppError, ExitCode } from '../errors.ts';
import { BY_HAND, type Setting } from './settings.ts';

/** The names by which flags can be given. */
export function namesOf(flags: Interfaces.FlagInput): string[] {
  return Object.entries(flags).flatMap(([name, flag]) =>
    flag.type === 'boolean' && flag.allowNo ? [name, `no-${name}`] : [name],
  );
}

/** Flags whose defaults come from the configuration files, parsed as if they had been typed. */
export function withSettings(
  flags: Interfaces.FlagInput,
  settings: ReadonlyMap<string, Setting>,
): Interfaces.FlagInput {
  const entries = Object.entries(flags).map(([name, flag]) => {
    const setting = settings.get(name);
    if (!setting || BY_HAND.has(name)) return [name, flag] as const;
    return [name, { ...flag, default: settingParser(name, flag, setting) }] as const;
  });
  return Object.fromEntries(entries) as Interfaces.FlagInput;
}

export type AnyFlag = Interfaces.FlagInput[string];

/** What a configuration file says, as the flag takes it; or what the flag would take instead. */
export type Taken =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly expected: string };

async function takeOne(name: string, flag: AnyFlag, one: unknown): Promise<Taken> {
  if (typeof one !== 'string' && typeof one !== 'number')
    return { ok: false, expected: 'a string or a number' };
  if (flag.type !== 'option') return { ok: false, expected: 'true or false' };
  if (flag.options && !flag.options.includes(String(one)))
    return { ok: false, expected: `one of ${flag.options.join(', ')}` };
  try {
    return { ok: true, value: await flag.parse(String(one), {} as never, flag as never) };
  } catch (error) {
    return { ok: false, expected: expectation(name, error as Error) };
  }
}

/** What a flag would take, by what it said of a value that it did not. */
function expectation(name: string, { message, ...error }: Error & { hint?: string }): string {
  const bound = /^Expected an integer(?<bound>.*?) but received/.exec(message)?.groups?.['bound'];
  if (bound !== undefined) return `a whole number${bound}`;
  const advice = error.hint?.replace(/\.$/, '');
  return `what --${name} takes${advice ? ` (${advice.charAt(0).toLowerCase()}${advice.slice(1)})` : ''}`;
}

/** Parse a value of a configuration file as if it had been typed behind its flag. */
export async function takeSetting(name: string, flag: AnyFlag, value: unknown): Promise<Taken> {
  if (flag.type === 'boolean')
    return typeof value === 'boolean' ? { ok: true, value } : { ok: false, expected: 'true or false' };
  if (!flag.multiple) return takeOne(name, flag, value);
  const each = Array.isArray(value) ? value : [value];
  const taken = await Promise.all(each.map((one: unknown) => takeOne(name, flag, one)));
  return (
    taken.find(({ ok }) => !ok) ?? { ok: true, value: taken.map((one) => (one.ok ? one.value : undefined)) }
  );
}

function settingParser(
  name: string,
  flag: AnyFlag,
  { value, origin, line }: Setting,
): () => Promise<unknown> {
  return async () => {
    const taken = await takeSetting(name, flag, value);
    if (taken.ok) return taken.value;
    const is = `"${name}" is ${JSON.stringify(value)}, expected ${taken.expected}`;
    throw new AppError(`Configuration ${origin}, line ${line}: ${is}.`, {
      code: 'E_CONFIG',
      exit: ExitCode.config,
      hint: '"postern config check" tells all that is wrong in it.',
    });
  };
}

/** Whether a message quotes a value. */
function names(message: string, value: unknown): boolean {
  return typeof value === 'string' && [`'${value}'`, `"${value}"`].some((quoted) => message.includes(quoted));
}

/**
 * What a command said of a flag, when the flag was set by a configuration file: then it is the file that is wrong.
 *
 * @param given  the arguments: what stands there was not taken from a file
 * @returns the same where no setting is to blame
 */
export function blamedOnSettings(
  thrown: unknown,
  settings: ReadonlyMap<string, Setting>,
  given: readonly string[],
): unknown {
  if (!(thrown instanceof AppError) || thrown.exit !== ExitCode.usage) return thrown;
  const { message, hint, code } = thrown;
  const [, blamed] =
    [...settings].find(
      ([name, { value }]) =>
        !given.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`)) &&
        (message.startsWith(`--${name}`) || names(message, value)),
    ) ?? [];
  if (blamed === undefined) return thrown;
  return new AppError(`Configuration ${blamed.origin}, line ${blamed.line}: ${message}`, {
    code,
    exit: ExitCode.config,
    ...(hint !== undefined && { hint }),
    cause: thrown,
  });
}
