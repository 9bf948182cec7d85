import { createHash } from 'node:crypto';
import { AppError, ExitCode } from '../errors.ts';

/** A failure as people and scripts are told about it. */
export type Failure = {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exit: ExitCode;
};

/** Errors of oclif's parser and of its error() carry their exit code. */
function oclifExit(error: Error): number | undefined {
  const { oclif } = error as { oclif?: { exit?: number | false } };
  return typeof oclif?.exit === 'number' ? oclif.exit : undefined;
}

/** oclif's messages are paragraphs with advice at the end; ours are one line. */
function oneLine(message: string): string {
  return message
    .replace(/\nSee more help with --help$/s, '')
    .replace(/^Parsing (--\S+) \n\t/, '$1: ')
    .replace(/^The following errors? occurred:\n\s*/, '')
    .replace(/(Missing required flag) (?=\w)/g, '$1 --')
    .trim()
    .replace(/:?\s*\n\s*/g, ': ')
    .replace(/ {2,}/g, ' ')
    .replace(/[^.?!]$/, '$&.');
}

/**
 * The same bug gives the same id on every machine: the name, and where in our files it was thrown, without
 * the message, which may hold somebody's data.
 */
function reportId(error: Error): string {
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((frame) => /^\s+at /.test(frame))
    .slice(0, 3)
    .map((frame) => frame.replace(/\(?(?:file:\/\/)?\/\S*\/(?=[^/]+$)/, ''));
  return createHash('sha256')
    .update([error.name, ...frames].join('\n'))
    .digest('hex')
    .slice(0, 8);
}

/**
 * What to say about anything thrown: an `AppError` speaks for itself, oclif's parser errors become usage
 * errors (exit 64), everything else is a bug of ours (exit 70) with a report id.
 *
 * @param command how the command is called, for the hint
 */
export function describeFailure(thrown: unknown, command: string): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error instanceof AppError) {
    const { code, hint, exit } = error;
    return { code, message: oneLine(error.message), ...(hint !== undefined && { hint }), exit };
  }
  if (oclifExit(error) !== undefined) {
    return {
      code: 'E_USAGE',
      message: oneLine(error.message),
      hint: `"${command} --help" shows how it is called.`,
      exit: ExitCode.usage,
    };
  }
  return {
    code: 'E_BUG',
    message: `This is a bug in postern (report ${reportId(error)}).`,
    hint: 'Run it again with POSTERN_DEBUG=1 to see where, and report that.',
    exit: ExitCode.software,
  };
}
