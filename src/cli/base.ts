import type { Interfaces } from '@oclif/core';
import { Command } from '@oclif/core/command';
import { AppError, ExitCode } from '../errors.ts';
import { type Report, type Status, worst } from '../report.ts';
import { safeJson } from './clean.ts';
import {
  type ColourChoice,
  overlaysOf,
  type Painter,
  painter,
  terminalColumns,
  wantsAscii,
  wantsColour,
} from './colour.ts';
import { envelope, errorDocument, type Head, rfc3339, schemaId, type Tool } from './envelope.ts';
import { describeFailure, type Failure } from './failure.ts';
import { type Format, globalFlags } from './flags.ts';
import { type Document, openDocument } from './formats/open.ts';
import { failedRow, type Parts, type Row, rowOf } from './formats/types.ts';
import { collecting, fileOutput, type Sink, standardOutput } from './output.ts';
import { mapParallel } from './parallel.ts';
import { interrupted } from './prompt.ts';
import type { EarlierRow } from './rows.ts';
import { blamedOnSettings, namesOf, withSettings } from './setting-flags.ts';
import { readSettings, type Setting } from './settings.ts';
import { dim, type Line, line, mark, strong } from './text.ts';
import { parseTime } from './units.ts';
import { withSuggestion } from './usage.ts';

type GlobalFlags = Omit<Interfaces.InferredFlags<typeof globalFlags>, 'format'> & {
  format?: Format | undefined;
};

/** A result for people, in a width. */
type Render<T> = (result: T, columns: number) => readonly Line[];

/**
 * The ways in which a command shows a result. JSON needs none, and the other formats are written from its findings
 * and figures, where it has no way of its own.
 */
export type Views<T extends Report> =
  | Render<T>
  | (Parts<T> & {
      readonly text: Render<T>;
      readonly markdown?: (result: T) => string;
      readonly html?: (result: T) => string;
      readonly postfix?: (result: T) => string;
    });

/** How several targets are worked on. */
export type Several = {
  readonly parallel: number;
  /** Rows in the order of the targets instead of as they come. */
  readonly ordered: boolean;
  /** Rows even if there is only one target left. */
  readonly many?: boolean;
};

/** The format that was asked for, from the bare arguments: known also when they cannot be parsed. */
function formatWanted(argv: readonly string[], env: NodeJS.ProcessEnv): string {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const inline = own.find((arg) => arg.startsWith('--format='))?.slice('--format='.length);
  const at = own.indexOf('--format');
  if (own.includes('--json')) return 'json';
  if (inline !== undefined || at >= 0) return inline ?? own[at + 1] ?? '';
  return /^(1|true|yes|on)$/i.test(env['POSTERN_JSON'] ?? '') ? 'json' : (env['POSTERN_FORMAT'] ?? '');
}

/** Whether JSON was asked for, from the bare arguments. */
export function jsonWanted(argv: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return /^jsonl?$/.test(formatWanted(argv, env));
}

/** Say why nothing came of it: one line on standard error, or a JSON document on standard output. */
export function tellFailure(
  failure: Failure,
  thrown: unknown,
  json: boolean,
  tool: Tool,
  choice: ColourChoice = 'auto',
): void {
  if (json) {
    process.stdout.write(`${safeJson(errorDocument(failure, tool, Date.now()), 2)}\n`);
  } else {
    const colour = wantsColour(choice, process.env, process.stderr.isTTY === true);
    const paint = painter(colour, wantsAscii(process.env));
    const hint = failure.hint ? ` ${failure.hint}` : '';
    process.stderr.write(`${paint(line`${strong('postern:')} ${failure.message}${hint}`)}\n`);
  }
  if (process.env['POSTERN_DEBUG'] && thrown instanceof Error) {
    process.stderr.write(`${thrown.stack}\n`);
    for (let cause = thrown.cause; cause instanceof Error; cause = cause.cause) {
      process.stderr.write(`caused by: ${cause.stack}\n`);
    }
  }
}

/** Milliseconds since the epoch from `--as-of` or another flag that takes a time; now when it is not given. */
export function judgeTime(asOf: string | undefined, flag = 'as-of'): number {
  return asOf === undefined ? Date.now() : parseTime(asOf, flag);
}

/**
 * What all commands share: global flags with environment and configuration, the JSON envelope, exit codes,
 * errors, colour, output to a file, interruption. A command parses, asks the domain once, and emits.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  /** Whether a run may give several results, so that `--format jsonl` makes sense. */
  static several = false;

  /** What the targets are: only files can be named as the place of a finding. */
  static targets: 'name' | 'file' = 'name';

  /** How long a run that was interrupted may take to stop by itself, in milliseconds. */
  static graceMs = 1500;

  /** Whether the configuration files give defaults; a command about them must run when they are wrong. */
  static configured = true;

  private sink: Sink = standardOutput;
  private status: Status = 'ok';
  private forcedExit: ExitCode | undefined;
  private options: GlobalFlags | undefined;
  private rows = 0;
  private many = false;
  private ownTool: Tool | undefined;
  private ownSchema: string | undefined;
  private paint: Painter = painter(false, false);
  private document: Document | undefined;
  private settings: ReadonlyMap<string, Setting> = new Map();
  private readonly stop = new AbortController();

  /** Aborted by Ctrl-C and SIGTERM. */
  protected get signal(): AbortSignal {
    return this.stop.signal;
  }

  /** Whether questions may be asked as far as flags say. */
  protected get mayAsk(): boolean {
    return this.options?.input ?? true;
  }

  /** Whether the result is for people. */
  protected get isText(): boolean {
    return this.format === 'text';
  }

  private get isJson(): boolean {
    return this.format === 'json' || this.format === 'jsonl';
  }

  /** Columns to fit the text in; without a terminal nothing is wrapped. */
  protected get columns(): number {
    return this.options?.output === undefined ? terminalColumns() : Number.POSITIVE_INFINITY;
  }

  private get colour(): ColourChoice {
    const { argv } = this;
    const never = argv.includes('--color=never') || argv[argv.indexOf('--color') + 1] === 'never';
    return this.options?.color ?? (never && argv.some((arg) => arg.startsWith('--color')) ? 'never' : 'auto');
  }

  private get tool(): Tool {
    this.ownTool ??= { name: 'postern', version: this.config.version };
    return this.ownTool;
  }

  /** Of the command's result. */
  private get schema(): string {
    this.ownSchema ??= schemaId(this.id ?? '');
    return this.ownSchema;
  }

  /** Say that the result is not the command's usual one, but `postern/NAME/1`. */
  protected resultIs(name: string): void {
    this.ownSchema = schemaId(name);
  }

  /** How the result is written. */
  protected get format(): Format {
    const { json, format } = this.options ?? {};
    const chosen = json && format !== 'jsonl' ? 'json' : (format ?? 'text');
    return chosen === 'json' && this.many ? 'jsonl' : chosen;
  }

  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options?: Interfaces.Input<F, B, A>, argv = this.argv): Promise<Interfaces.ParserOutput<F, B, A>> {
    const { configured } = this.ctor as typeof BaseCommand;
    const settings = configured
      ? readSettings(process.env, this.configFile(argv), this.words)
      : new Map<string, Setting>();
    this.settings = settings;
    const own = options ?? (this.ctor as unknown as Interfaces.Input<F, B, A>);
    const flags = withSettings((own.flags ?? {}) as Interfaces.FlagInput, settings);
    const baseFlags = withSettings((own.baseFlags ?? {}) as Interfaces.FlagInput, settings);
    const parsed = await super
      .parse<F, B, A>({ ...own, flags, baseFlags } as Interfaces.Input<F, B, A>, argv)
      .catch((error: unknown) => {
        throw withSuggestion(error, namesOf({ ...baseFlags, ...flags }), this.called);
      });
    this.begin(parsed.flags as unknown as GlobalFlags);
    this.document = await openDocument(this.format, {
      command: this.words,
      tool: this.tool,
      targets: (this.ctor as typeof BaseCommand).targets,
      counts: (status) => countsAs(status, this.counting),
    });
    return parsed;
  }

  /** `--config` as given, before the flags are parsed: it decides their defaults. */
  private configFile(argv: readonly string[]): string | undefined {
    const inline = argv.find((arg) => arg.startsWith('--config='));
    const at = argv.indexOf('--config');
    return (
      inline?.slice('--config='.length) ??
      (at >= 0 ? argv[at + 1] : undefined) ??
      process.env['POSTERN_CONFIG']
    );
  }

  private begin(options: GlobalFlags): void {
    if (options.format === 'jsonl' && !(this.ctor as typeof BaseCommand).several) {
      throw new AppError('--format jsonl: this command gives one result.', {
        code: 'E_FORMAT',
        exit: ExitCode.usage,
        hint: 'Use --format json.',
      });
    }
    this.options = options;
    if (options.output !== undefined) this.sink = fileOutput(options.output);
    const toTerminal = options.output === undefined && process.stdout.isTTY === true;
    const colour = wantsColour(options.color, process.env, toTerminal);
    this.paint = painter(colour, wantsAscii(process.env));
  }

  /** Print lines of the result; with JSON there is no text. */
  protected print(lines: readonly Line[]): void {
    if (this.isText)
      this.sink.write(lines.map((each) => `${this.paint(each)}\n${overlaysOf(each)}`).join(''));
  }

  /** A line for the person, beside the result: standard error, only where the result is text. */
  protected note(text: Line): void {
    if (this.isText) this.caution(text);
  }

  /** A line for whoever looks after the run: standard error, whatever the result is written as. */
  protected caution(text: Line): void {
    const colour = wantsColour(this.colour, process.env, process.stderr.isTTY === true);
    process.stderr.write(`${painter(colour, wantsAscii(process.env))(text)}\n`);
  }

  /** Name the command that usually follows, to a person at a terminal. */
  protected next(command: string): void {
    if (process.stdout.isTTY === true && process.stderr.isTTY === true) this.note(line`next: ${command}`);
  }

  /** Take a state into the exit code: the worst one counts. */
  protected conclude(status: Status): void {
    this.status = worst([this.status, status]);
  }

  /** Exit with 2 because of a demand of the caller, whatever the findings are. */
  protected demandNotMet(): void {
    this.forcedExit = ExitCode.crit;
  }

  /** Write one result: its lines, its JSON document, or its part of another. */
  protected emit<T extends Report>(result: T, views: Views<T>, id?: string): T {
    this.conclude(result.status);
    const { text, markdown, html, postfix, ...parts } = typeof views === 'function' ? { text: views } : views;
    const documents: Partial<Record<Format, (result: T) => string>> = {
      ...(markdown && { markdown }),
      ...(html && { html }),
      ...(postfix && { postfix }),
    };
    const own = documents[this.format];
    if (own) this.sink.write(`${this.rows > 0 ? '\n' : ''}${own(result)}`);
    else if (this.document) this.writeRow(rowOf(result, parts, Date.now(), id));
    else if (this.isText) {
      if (this.rows > 0) this.print([[]]);
      this.print(text(result, this.columns));
    } else {
      this.writeJson(envelope(result, this.schema, this.tool, Date.now(), id));
    }
    this.rows += 1;
    return result;
  }

  /** For threads that make the lines of `jsonl` themselves; null where the result is something else. */
  protected get lineHead(): Head | null {
    return this.format === 'jsonl' ? { schema: this.schema, tool: this.tool } : null;
  }

  /** Write a result of which a thread has made a line of `jsonl`. */
  protected emitLine(line: Uint8Array, status: Status): void {
    this.conclude(status);
    this.sink.write(line);
    this.rows += 1;
  }

  /** Write the row of a target that could not be asked; the run goes on. */
  protected emitFailure(target: string, thrown: unknown, id?: string): void {
    const failure = describeFailure(thrown, this.called);
    this.conclude('unknown');
    if (failure.exit === ExitCode.software) this.forcedExit = ExitCode.software;
    if (this.document) this.writeRow(failedRow(target, failure, Date.now(), id));
    else if (!this.isJson) {
      tellFailure(
        { ...failure, message: `${target}: ${failure.message}` },
        thrown,
        false,
        this.tool,
        this.colour,
      );
    } else {
      const { exit: _, ...error } = failure;
      const row = {
        schema: this.schema,
        ...(id !== undefined && { id }),
        tool: this.tool,
        time: rfc3339(Date.now()),
      };
      this.writeJson({ ...row, target, status: 'unknown', error });
    }
    this.rows += 1;
  }

  /** From here on there are rows, whatever their number; fast ones are collected before they are written. */
  protected beginRows({ fast = false } = {}): void {
    this.many = true;
    if (fast) this.sink = collecting(this.sink);
  }

  /**
   * Write the row of an earlier run again.
   *
   * @param whole  the result, where the row has been found to hold one; its findings are written, too
   */
  protected emitRow<T extends Report>(row: EarlierRow, whole?: T, parts: Parts<T> = {}): void {
    this.beginRows();
    this.conclude(row.status);
    const { target, status, summary } = row;
    if (this.document) {
      const bare = { target, status, summary, checks: [] };
      this.writeRow(whole ? rowOf(whole, parts, row.timeMs) : rowOf(bare, {}, row.timeMs));
    } else if (!this.isJson)
      this.print([line`${mark(row.status)}  ${row.target}: ${row.summary} ${dim('(earlier run)')}`]);
    else this.writeJson(row.document);
    this.rows += 1;
  }

  private writeJson(value: unknown): void {
    this.sink.write(`${safeJson(value, this.format === 'jsonl' ? 0 : 2)}\n`);
  }

  private writeRow(row: Row): void {
    const text = this.document?.row(row) ?? '';
    if (text !== '') this.sink.write(text);
  }

  /** Write what a document still lacks, and make the file that was asked for. */
  private finish(): void {
    const rest = this.document?.end() ?? '';
    if (rest !== '') this.sink.write(rest);
    this.sink.finish();
  }

  /**
   * Ask about each target and emit what comes. One target fails the command when it fails; with several a
   * failure is a row and the others go on.
   */
  protected async each<T, R extends Report>(
    targets: readonly T[],
    { parallel, ordered, many = false }: Several,
    ask: (target: T) => Promise<R>,
    views: Views<R>,
    nameOf: (target: T) => string = String,
  ): Promise<readonly R[]> {
    const [only] = targets;
    if (!many && targets.length === 1 && only !== undefined) return [this.emit(await ask(only), views)];
    this.many = true;
    // Rows are written and forgotten: a list may be long.
    await mapParallel(targets, { parallel, ordered, signal: this.signal }, ask, (target, outcome) => {
      if ('error' in outcome) this.emitFailure(nameOf(target), outcome.error);
      else this.emit(outcome.value, views);
    });
    this.signal.throwIfAborted();
    return [];
  }

  /** Resolves when somebody ends a command that runs until then; that is no interruption but its end. */
  protected stopped(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    const alive = setInterval(() => undefined, 60_000);
    return new Promise((resolve) => {
      this.signal.addEventListener('abort', () => {
        clearInterval(alive);
        resolve();
      });
    });
  }

  /** The command as it is typed. */
  protected get words(): string {
    return this.id?.replaceAll(':', ' ') ?? '';
  }

  private get called(): string {
    return `postern ${this.words}`;
  }

  private get counting(): Counting {
    return { failOn: this.options?.['fail-on'] ?? 'crit', unknown: this.options?.unknown };
  }

  private exitCode(): ExitCode {
    return this.forcedExit ?? ExitCode[countsAs(this.status, this.counting)];
  }

  /** oclif's frame around a command, with our ending: results first, then the exit code, never an exit(). */
  protected override async _run<T>(): Promise<T> {
    const stop = () => this.stop.abort(interrupted());
    const signals = ['SIGINT', 'SIGTERM'] as const;
    for (const name of signals) process.once(name, stop);
    try {
      const result = (await this.untilStopped(this.run())) as T;
      this.finish();
      process.exitCode = this.exitCode();
      return result;
    } catch (error) {
      await this.end(error);
      return undefined as T;
    } finally {
      for (const name of signals) process.removeListener(name, stop);
    }
  }

  /** The run's result; after an interruption it gets a moment to end by itself. */
  private async untilStopped<T>(run: Promise<T>): Promise<T> {
    const late = new Promise<never>((_, reject) => {
      this.signal.addEventListener('abort', () => {
        const { graceMs } = this.ctor as typeof BaseCommand;
        setTimeout(() => reject(this.signal.reason), graceMs).unref();
      });
    });
    return Promise.race([run, late]);
  }

  private async end(thrown: unknown): Promise<void> {
    const cause = this.signal.aborted
      ? this.signal.reason
      : blamedOnSettings(thrown, this.settings, this.argv);
    const failure = describeFailure(cause, this.called);
    const format = this.options ? this.format : formatWanted(this.argv, process.env);
    try {
      // What was finished before Ctrl-C is kept.
      if (failure.exit === ExitCode.interrupted && this.rows > 0 && format !== 'nagios') this.finish();
      else this.sink.discard();
    } finally {
      process.exitCode = failure.exit;
      // A document behind rows would spoil them for --resume.
      const rowsOnly = this.many && (this.rows > 0 || failure.exit === ExitCode.interrupted);
      if (format === 'nagios') await this.endPlugin(failure);
      tellFailure(failure, thrown, /^jsonl?$/.test(format) && !rowsOnly, this.tool, this.colour);
    }
  }

  /** A monitoring daemon knows four exit codes and reads standard output only. */
  private async endPlugin(failure: Failure): Promise<void> {
    const { nagiosFailure } = await import('./formats/nagios.ts');
    process.stdout.write(nagiosFailure(this.words, failure));
    process.exitCode = ExitCode.unknown;
  }
}

type Counting = {
  readonly failOn: 'crit' | 'warn' | 'never';
  readonly unknown?: 'ok' | 'warn' | 'crit' | undefined;
};

/** What a state counts as under `--fail-on` and `--unknown`. */
export function countsAs(status: Status, { failOn, unknown }: Counting): Status {
  const state = status === 'unknown' ? (unknown ?? 'unknown') : status;
  if (state === 'ok' || state === 'unknown') return state;
  if (failOn === 'never') return 'ok';
  return failOn === 'warn' ? 'crit' : state;
}
