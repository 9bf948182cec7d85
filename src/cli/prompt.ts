import { AppError, ExitCode } from '../errors.ts';
import { clean } from './clean.ts';

/** A question to a person, and the flag that answers it without one. */
export type Question = {
  readonly message: string;
  readonly flag: string;
  readonly validate?: (answer: string) => true | string;
  /** What is typed is not shown. */
  readonly secret?: true;
};

/** One of several, in the order in which they are offered. */
export type Choice = {
  readonly message: string;
  readonly choices: readonly { readonly value: string; readonly name: string }[];
  readonly chosen?: string;
};

/** Whether there is somebody to ask: a terminal on both ends of the conversation, and nobody said not to. */
export function canAsk(allowed: boolean): boolean {
  return allowed && process.stdin.isTTY === true && process.stderr.isTTY === true && !process.env['CI'];
}

/**
 * Ask one question on standard error. Without a terminal nothing is asked: inquirer would wait for ever.
 *
 * @throws AppError E_NO_INPUT (exit 64) without a terminal, naming the flag; E_INTERRUPTED (exit 130) on Ctrl-C
 */
export async function ask(question: Question, allowed: boolean): Promise<string> {
  if (!canAsk(allowed)) {
    const what = question.message.replace(/[:\s]+$/, '');
    throw new AppError(`--${question.flag} is missing.`, {
      code: 'E_NO_INPUT',
      exit: ExitCode.usage,
      hint: `It answers "${what}", and there is no terminal to ask that on.`,
    });
  }
  return prompted({
    type: question.secret ? ('password' as const) : ('input' as const),
    name: 'answer',
    message: question.message,
    ...(question.validate && { validate: question.validate }),
  });
}

/** Let a person choose, where {@link canAsk} says that there is one. @throws AppError E_INTERRUPTED (exit 130) on Ctrl-C */
export function choose({ message, choices, chosen }: Choice): Promise<string> {
  return prompted({
    type: 'select' as const,
    name: 'answer',
    message,
    choices: choices.map(({ value, name }) => ({ value, name: clean(name), short: clean(name) })),
    pageSize: 12,
    ...(chosen !== undefined && { default: chosen }),
  });
}

/** What inquirer takes for one question whose answer is a text. */
type Asked = {
  readonly type: 'input' | 'password' | 'select';
  readonly name: 'answer';
  readonly message: string;
} & Readonly<Record<string, unknown>>;

async function prompted(question: Asked): Promise<string> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ output: process.stderr });
  try {
    const { answer } = await prompt<{ answer: string }>([question as never]);
    return answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') throw interrupted();
    throw error;
  }
}

/** What Ctrl-C ends with. */
export function interrupted(): AppError {
  return new AppError('Interrupted.', { code: 'E_INTERRUPTED', exit: ExitCode.interrupted });
}
