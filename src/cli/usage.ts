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

/** `LOG is missing: access log, …`, in place of a sentence in which name and description run into one another. */
function missingArgument(error: Error): string | undefined {
  const { args } = error as { args?: unknown };
  if (!/^Missing \d+ required arg/.test(error.message) || !Array.isArray(args)) return undefined;
  const missing = args as readonly { readonly name: string; readonly description?: string }[];
  return missing
    .map(({ name, description }) => {
      const what = description?.replace(/\.$/, '');
      return `${name.toUpperCase()} is missing${what ? ` (${what})` : ''}.`;
    })
    .join(' ');
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
 * @returns the same error where there is nothing to suggest
 */
export function withSuggestion(thrown: unknown, flags: readonly string[]): unknown {
  if (!(thrown instanceof Error) || thrown instanceof AppError) return thrown;
  const missing = missingArgument(thrown);
  if (missing !== undefined) {
    thrown.message = missing;
    return thrown;
  }
  const wrong = noNumber(thrown);
  if (wrong !== undefined) return wrong;
  const hint = didYouMean([...meantFlags(thrown, flags), ...meantChoices(thrown)]);
  if (hint === undefined) return thrown;
  return new AppError(thrown.message, { code: 'E_USAGE', exit: ExitCode.usage, hint, cause: thrown });
}
