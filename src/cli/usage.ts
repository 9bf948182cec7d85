import { AppError, ExitCode } from '../errors.ts';
import { didYouMean, suggestions } from './nearest.ts';

/** What oclif's parser says of a value that is none of the choices of a flag or an argument. */
const NO_CHOICE = /^Expected (?:(?<flag>--[\w-]+)=)?(?<value>.*) to be one of: (?<choices>.*)$/m;

function meantFlags(error: Error, flags: readonly string[]): readonly string[] {
  const { flags: unknown } = error as { flags?: unknown };
  if (!Array.isArray(unknown)) return [];
  return unknown
    .filter((name): name is string => typeof name === 'string' && name.startsWith('--'))
    .flatMap((name) => suggestions(name.slice(2).replace(/=.*$/s, ''), flags))
    .map((name) => `--${name}`);
}

function meantChoices({ message }: Error): readonly string[] {
  const groups = NO_CHOICE.exec(message)?.groups;
  if (!groups) return [];
  const { flag, value = '', choices = '' } = groups;
  return suggestions(value, choices.split(', ')).map((choice) => (flag ? `${flag} ${choice}` : choice));
}

type Arg = { readonly name: string; readonly description?: string; readonly required?: boolean };

/** `LOG is missing (Access log, …)`, and what stands where, in place of a sentence in which all that runs together. */
function missingArgument(error: Error, called: string): AppError | undefined {
  const { args: missing, parse } = error as {
    args?: readonly Arg[];
    parse?: { input?: { args?: Readonly<Record<string, Arg>> } };
  };
  if (!/^Missing \d+ required arg/.test(error.message) || !Array.isArray(missing)) return undefined;
  const sentences = (missing as readonly Arg[]).map(({ name, description }) => {
    const what = description?.replace(/\.$/, '');
    return `${name.toUpperCase()} is missing${what ? ` (${what})` : ''}.`;
  });
  const order = Object.entries(parse?.input?.args ?? {}).map(([name, { required }]) =>
    required ? name.toUpperCase() : `[${name.toUpperCase()}]`,
  );
  return new AppError(sentences.join(' '), {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: `It is called as "${[called, ...order].join(' ')}"; "${called} --help" tells more.`,
    cause: error,
  });
}

/** A number as an argument: of a flag the parser makes a usage error, of an argument it does not. */
function noNumber({ message }: Error): AppError | undefined {
  const groups = /^Expected an integer(?<bound>.*?) but received: (?<value>.*)$/s.exec(message)?.groups;
  if (!groups) return undefined;
  const { bound = '', value = '' } = groups;
  return new AppError(`'${value}' is no whole number${bound}.`, { code: 'E_USAGE', exit: ExitCode.usage });
}

/**
 * A usage error with what may have been meant by a mistyped flag or choice. It is told, never done: a guess must not
 * change what a script does.
 *
 * @param thrown  what oclif's parser threw
 * @param flags   names of the flags there are, without dashes
 * @param called  how the command is called
 * @returns the same error where there is nothing to suggest
 */
export function withSuggestion(thrown: unknown, flags: readonly string[], called: string): unknown {
  if (!(thrown instanceof Error) || thrown instanceof AppError) return thrown;
  const known = missingArgument(thrown, called) ?? noNumber(thrown);
  if (known !== undefined) return known;
  const hint = didYouMean([...meantFlags(thrown, flags), ...meantChoices(thrown)]);
  if (hint === undefined) return thrown;
  return new AppError(thrown.message, { code: 'E_USAGE', exit: ExitCode.usage, hint, cause: thrown });
}
