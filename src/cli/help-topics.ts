import { ExitCode } from '../errors.ts';
import { type Line, line, strong, table } from './text.ts';

/** What each exit code means, in the words of every place that lists them. */
export const EXIT_MEANINGS: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [ExitCode.ok, 'ok'],
  [ExitCode.warn, 'a finding at warning level'],
  [ExitCode.crit, 'a critical finding, or something demanded with --require or --fail-… was not met'],
  [ExitCode.unknown, 'it could not be told: DNS or network failure, time-out, rate limit'],
  [ExitCode.usage, 'wrong usage: a flag or an argument'],
  [ExitCode.input, 'the input is not what it should be: not a message, not readable'],
  [ExitCode.unavailable, 'a service, a device or the right Node.js is not available'],
  [ExitCode.software, 'a bug in postern'],
  [ExitCode.cannotWrite, 'the output cannot be written'],
  [ExitCode.noPermission, 'not permitted'],
  [ExitCode.config, 'the configuration is wrong'],
  [ExitCode.unknownCommand, 'no such command'],
  [ExitCode.interrupted, 'interrupted'],
];

const exitCodes: Line[] = [
  line`The first four are those of a monitoring plug-in (Nagios, Icinga), so a command is a check as it is.`,
  [],
  ...table(
    EXIT_MEANINGS.map(([code, meaning]) => [strong(String(code)), meaning]),
    2,
  ),
  [],
  line`--fail-on warn makes a warning exit with 2, --fail-on never makes findings exit with 0.`,
  line`--unknown ok|warn|crit exits as if what could not be told were that.`,
  line`Both change the exit code only, never the status that is printed. Codes are never added up;`,
  line`of several targets the worst decides: critical over unknown over warning over ok.`,
];

/** Variables beside those of the flags, and what each does. */
export const ENVIRONMENT_VARIABLES: readonly (readonly [name: string, text: string])[] = [
  ['POSTERN_CONFIG', 'configuration file to read instead of the one in your home'],
  ['POSTERN_DEBUG', 'with any value, failures show where they come from'],
  ['NO_COLOR', 'with any value, no colour (no-color.org)'],
  ['FORCE_COLOR, CLICOLOR_FORCE', 'colour even without a terminal; 0 means no'],
  ['CLICOLOR=0, TERM=dumb', 'no colour'],
  ['LC_ALL, LC_CTYPE, LANG', 'a locale without UTF-8 gets plain ASCII signs'],
  ['CI', 'no questions are asked'],
  ['XDG_CONFIG_HOME, XDG_CACHE_HOME', 'where the configuration and the cache lie'],
];

const environment: Line[] = [
  line`Every flag can be set as ${strong('POSTERN_<FLAG>')}: upper case, "-" as "_", for all commands that have it.`,
  line`Not so --allow-private and others that only a person may give.`,
  [],
  line`What counts: the flag, then the environment, then ${strong('--config FILE')} or the config.json in`,
  line`$XDG_CONFIG_HOME/postern, then /etc/postern/config.json, then what is built in.`,
  [],
  ...table(
    ENVIRONMENT_VARIABLES.map(([name, text]) => [strong(name), text]),
    2,
  ),
];

const output: Line[] = [
  line`Standard output holds the result and nothing else; hints, questions and errors go to standard error.`,
  [],
  ...table(
    [
      ['--format text', 'for people; no colour and no wrapping without a terminal'],
      ['--json', 'one JSON document; with several targets one line each, as jsonl'],
      ['--format jsonl', 'one line a target, as soon as it is known (--ordered keeps the order)'],
      [
        '--format csv',
        'the verdict of each target, then a record a check; "\'" stands before what would be a formula',
      ],
      [
        '--format nagios',
        'a monitoring plug-in: status line, performance data, details; every failure exits with 3',
      ],
      ['--format prometheus', 'for the textfile collector; with --output FILE.prom'],
      ['--format junit', 'a suite a target, a case a check; critical fails, unknown is an error'],
      ['--format sarif', 'SARIF 2.1.0: what is not ok; what could not be told has the kind "open"'],
      ['--format github', 'annotations of a GitHub Actions job'],
      ['--format markdown, html', 'for a ticket'],
      ['--output FILE', 'into a file, which appears whole or not at all'],
    ].map(([flag = '', text = '']) => [strong(flag), text]),
    2,
  ),
  [],
  line`"COMMAND --help" lists those that a command can write. Control characters are shown as escapes in all of them.`,
  [],
  line`Each document has schema, tool, time (UTC), target, status (ok, warn, crit, unknown), a summary of`,
  line`one sentence and checks: {id, status, message, evidence?, fix?, ref?}. Check ids and fields stay;`,
  line`fields may be added. The JSON Schemas are in schemas/. A failure is {schema: "postern/error/1", error}.`,
];

/** Pages of `postern help TOPIC` that belong to no command. */
export const HELP_TOPICS: ReadonlyMap<string, { readonly summary: string; readonly lines: readonly Line[] }> =
  new Map([
    ['exit-codes', { summary: 'what a script may rely on', lines: exitCodes }],
    ['environment', { summary: 'variables and configuration files', lines: environment }],
    ['output', { summary: 'formats and the JSON envelope', lines: output }],
  ]);
