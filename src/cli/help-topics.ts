import { ExitCode } from '../errors.ts';
import { fittedTable, type Line, line, strong, wrap } from './text.ts';

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

/** Paragraphs and tables in a width. */
type Page = (columns: number) => readonly Line[];

function entries(rows: readonly (readonly [name: string, text: string])[], columns: number): Line[] {
  return fittedTable(
    rows.map(([name, text]) => [strong(name), text]),
    columns,
    2,
  );
}

const exitCodes: Page = (columns) => {
  const say = (text: Line) => wrap(text, columns);
  return [
    ...say(
      line`The first four are those of a monitoring plug-in (Nagios, Icinga), so a command is a check as it is.`,
    ),
    [],
    ...entries(
      EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
      columns,
    ),
    [],
    ...say(
      line`${strong('--fail-on warn')} makes a warning exit with 2, ${strong('--fail-on never')} makes findings exit with 0. ${strong('--unknown ok|warn|crit')} exits as if what could not be told were that. Both change the exit code only, never the status that is printed. Codes are never added up; of several targets the worst decides: critical over unknown over warning over ok.`,
    ),
    [],
    line`In cron, with mail only when something is wrong:`,
    line`  out=$(postern mx probe example.org --require starttls,cert) || echo "$out"`,
    line`The same, and no mail when the DNS or the network was away for a moment:`,
    line`  out=$(postern mx probe example.org --retries 3 --unknown ok) || echo "$out"`,
    line`A CI job that fails when a demand is not met, with a report:`,
    line`  postern mx probe example.org --require starttls --format junit --output mx.xml`,
  ];
};

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

const environment: Page = (columns) => [
  ...wrap(
    line`Every flag can be set as ${strong('POSTERN_<FLAG>')}: upper case, "-" as "_", for all commands that have it. Not so --allow-private and others that only a person may give.`,
    columns,
  ),
  [],
  ...wrap(
    line`What counts: the flag, then the environment, then ${strong('--config FILE')} or the config.json in $XDG_CONFIG_HOME/postern (as a rule ~/.config/postern), then /etc/postern/config.json, then what is built in. In the file stand the flags without their dashes, for single commands under "commands":`,
    columns,
  ),
  [],
  line`  { "color": "never", "resolver": "127.0.0.1",`,
  line`    "commands": { "mx probe": { "timeout-connect": "5s" } } }`,
  [],
  ...wrap(
    line`${strong('postern config show --origin')} tells what is set where, ${strong('postern config check')} what is wrong in it.`,
    columns,
  ),
  [],
  ...entries(ENVIRONMENT_VARIABLES, columns),
];

const FORMATS = [
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
  ['--format postfix', 'a policy map (mx policy)'],
  ['--output FILE', 'into a file, which appears whole or not at all'],
] as const;

const output: Page = (columns) => [
  ...wrap(
    line`Standard output holds the result and nothing else; hints, questions and errors go to standard error.`,
    columns,
  ),
  [],
  ...entries(FORMATS, columns),
  [],
  ...wrap(
    line`"COMMAND --help" lists those that a command can write. Control characters are shown as escapes in all of them.`,
    columns,
  ),
  [],
  ...wrap(
    line`Each document has schema, tool, time (UTC), target, status (ok, warn, crit, unknown), a summary of one sentence and checks: {id, status, message, evidence?, fix?, ref?}. Check ids and fields stay; fields may be added. The JSON Schemas are in the folder "schemas" beside the program, messages and logs to practise with in "examples" (Debian: /usr/lib/postern). A failure is {schema: "postern/error/1", error}.`,
    columns,
  ),
];

/** Pages of `postern help TOPIC` that belong to no command. */
export const HELP_TOPICS: ReadonlyMap<string, { readonly summary: string; readonly page: Page }> = new Map([
  ['exit-codes', { summary: 'what a script may rely on', page: exitCodes }],
  ['environment', { summary: 'variables and configuration files', page: environment }],
  ['output', { summary: 'formats and the JSON envelope', page: output }],
]);

/** What else people look for, and the page where it is told. */
const LOOKED_FOR: Readonly<Record<string, readonly string[]>> = {
  'exit-codes': [
    'ci',
    'codes',
    'cron',
    'exit',
    'exitcodes',
    'exits',
    'icinga',
    'monitoring',
    'nagios',
    'return',
    'status',
  ],
  environment: [
    'color',
    'colors',
    'colour',
    'colours',
    'config',
    'configuration',
    'env',
    'settings',
    'variables',
  ],
  output: ['csv', 'format', 'formats', 'github', 'html', 'json', 'junit', 'markdown', 'prometheus', 'sarif'],
};

/** The page of `postern help` that tells what somebody asks about in another word. */
export function pageAbout(word: string): string | undefined {
  return Object.keys(LOOKED_FOR).find((page) => LOOKED_FOR[page]?.includes(word.toLowerCase()));
}
