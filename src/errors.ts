/**
 * Exit codes of every command. 0 to 3 are those of a monitoring plug-in (Nagios, Icinga); the rest are
 * sysexits(3) where one fits, 127 and 130 those of a shell. `help exit-codes` and README list them.
 */
export const ExitCode = {
  ok: 0,
  warn: 1,
  crit: 2,
  unknown: 3,
  usage: 64,
  input: 65,
  unavailable: 69,
  software: 70,
  cannotWrite: 73,
  noPermission: 77,
  config: 78,
  unknownCommand: 127,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** How an {@link AppError} presents itself to people and to scripts. */
export type AppErrorOptions = {
  /** Stable identifier, `E_` and upper case; a contract with scripts. */
  readonly code: string;
  /** What the process exits with. */
  readonly exit: ExitCode;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  /** What lay underneath; shown only when debugging. */
  readonly cause?: unknown;
};

/**
 * Something stopped us from asking the question at all. What a remote does wrong is a result, never an
 * `AppError`; anything else that is thrown is a bug of ours (exit 70).
 */
export class AppError extends Error {
  readonly code: string;
  readonly exit: ExitCode;
  readonly hint: string | undefined;

  constructor(message: string, { code, exit, hint, cause }: AppErrorOptions) {
    super(message, { cause });
    this.name = 'AppError';
    this.code = code;
    this.exit = exit;
    this.hint = hint;
  }
}
