import type { Interfaces } from '@oclif/core';
import type { Command } from '@oclif/core/command';
import { globalFlags } from './flags.ts';
import { ENVIRONMENT_VARIABLES, EXIT_MEANINGS } from './help-topics.ts';
import { type Entry, macro, prose, tagged, words } from './mdoc.ts';
import { answeredQuestions } from './overview.ts';
import { formatDuration } from './units.ts';

type Flag = Command.Flag.Cached;
type Arg = Command.Arg.Cached;

/** Headings of the groups of flags, in the order in which they stand. */
const GROUPS: readonly (readonly [group: string | undefined, heading: string])[] = [
  [undefined, 'Flags'],
  ['DNS', 'Asking the DNS'],
  ['LABORATORY', 'Laboratories'],
  ['TIME-OUT', 'Time-outs'],
];

/** Name of the page of a command: `mx:probe` is `postern-mx-probe`. */
export function pageName(id: string): string {
  return `postern-${id.replaceAll(':', '-')}`;
}

function visible(config: Interfaces.Config): Command.Loadable[] {
  return config.commands.filter(({ hidden }) => !hidden).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function argWords({ name, required, multiple }: Arg): string {
  const word = `Ar ${words(name)}${multiple ? ' ...' : ''}`;
  return required ? word : `Op ${word}`;
}

function flagHead({ name, type, allowNo, ...rest }: Flag & { allowNo?: boolean }): string {
  if (type === 'boolean') return allowNo ? `Fl -${name} , -no-${name}` : `Fl -${name}`;
  const { options, helpValue } = rest as { options?: readonly string[]; helpValue?: string };
  if (options) return `Fl -${name} Ns = Ns Cm ${options.map(words).join(' | ')}`;
  return `Fl -${name} Ns = Ns Ar ${words(helpValue ?? 'VALUE')}`;
}

/** A default as it would be typed; there is none for what is a function of the machine. */
function defaultOf(flag: Flag): string {
  const { default: value, helpValue } = flag as { default?: unknown; helpValue?: string };
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) return '';
  const text = helpValue === 'DURATION' && typeof value === 'number' ? formatDuration(value) : String(value);
  return flag.type === 'boolean' ? ' This is the default.' : ` The default is ${text.replaceAll(',', ', ')}.`;
}

function flagEntry(flag: Flag): Entry {
  return [flagHead(flag), prose(`${flag.summary ?? flag.description ?? ''}${defaultOf(flag)}`)];
}

function flagsIn({ flags }: Command.Loadable, group: string | undefined): Flag[] {
  return Object.values(flags)
    .filter(({ hidden, helpGroup }) => !hidden && helpGroup === group)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function flagSections(command: Command.Loadable): string[] {
  return GROUPS.flatMap(([group, heading]) => {
    const entries = flagsIn(command, group).map(flagEntry);
    return entries.length === 0 ? [] : [macro('Ss', heading), ...tagged(entries)];
  });
}

/** An example as it is typed. */
function example(text: string | { command: string }, id: string): string {
  const line = typeof text === 'string' ? text : text.command;
  return line
    .replaceAll('<%= config.bin %>', 'postern')
    .replaceAll('<%= command.id %>', id.replaceAll(':', ' '));
}

function examples({ examples: given = [], id }: Command.Loadable): string[] {
  return given.map((each) => macro('Dl', words(example(each, id))));
}

function seeAlso(names: readonly string[]): string[] {
  return names.map((name, index) => macro('Xr', name, '1', index < names.length - 1 ? ',' : ''));
}

function head(name: string): string[] {
  return [macro('Dt', name.toUpperCase(), '1'), macro('Os'), macro('Sh', 'NAME'), macro('Nm', name)];
}

/** A summary as it stands in NAME: no dot at its end. */
function brief(text: string | undefined): string {
  return words((text ?? '').replace(/\.$/, ''));
}

/**
 * The page of a command in mdoc(7), without the line of its date.
 *
 * @param config  for the pages that are named as related: those of its topic
 */
export function commandPage(command: Command.Loadable, config: Interfaces.Config): string {
  const name = pageName(command.id);
  const [topic = ''] = command.id.split(':');
  const related = visible(config).filter(({ id }) => id !== command.id && id.split(':')[0] === topic);
  const args = Object.values(command.args).filter(({ hidden }) => !hidden);
  const argEntries = args.map(
    ({ name: arg, description = '' }): Entry => [`Ar ${words(arg)}`, prose(description)],
  );
  const format = command.flags['format'];
  return [
    ...head(name),
    macro('Nd', brief(command.summary)),
    macro('Sh', 'SYNOPSIS'),
    macro('Nm', 'postern'),
    macro('Cm', words(command.id.replaceAll(':', ' '))),
    ...args.map((arg) =>
      macro(argWords(arg).split(' ')[0] ?? '', argWords(arg).split(' ').slice(1).join(' ')),
    ),
    macro('Op', 'Ar', 'flags'),
    macro('Sh', 'DESCRIPTION'),
    ...prose(command.description ?? command.summary ?? ''),
    ...(argEntries.length > 0 ? [macro('Ss', 'Arguments'), ...tagged(argEntries)] : []),
    ...flagSections(command),
    macro('Ss', 'Flags of every command'),
    ...(format ? tagged([flagEntry(format)]) : []),
    ...(format ? [macro('Pp')] : []),
    'The others, such as',
    macro('Fl', '-json'),
    'and',
    macro('Fl', '-output', ','),
    'are described in',
    macro('Xr', 'postern', '1', '.'),
    macro('Sh', 'EXIT STATUS'),
    '0 ok, 1 warning, 2 critical, 3 could not be told; all others are listed in',
    macro('Xr', 'postern', '1', '.'),
    macro('Sh', 'EXAMPLES'),
    ...examples(command),
    macro('Sh', 'SEE ALSO'),
    ...seeAlso(['postern', ...related.map(({ id }) => pageName(id))]),
    '',
  ].join('\n');
}

function commandEntry({ id, args, summary = '' }: Command.Loadable): Entry {
  const shown = Object.values(args).map(argWords).join(' ');
  return [`Cm ${words(id.replaceAll(':', ' '))}${shown === '' ? '' : ` ${shown}`}`, prose(summary)];
}

/** The flags that all commands have. */
function globalEntries(): Entry[] {
  return Object.entries(globalFlags)
    .map(([name, flag]) => flagEntry({ ...flag, name } as unknown as Flag))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The page about all of it, without the line of its date. */
export function overviewPage(config: Interfaces.Config): string {
  const commands = visible(config);
  return [
    ...head('postern'),
    macro('Nd', 'administration toolkit for the people who run mail'),
    macro('Sh', 'SYNOPSIS'),
    macro('Nm'),
    macro('Ar', 'command'),
    macro('Op', 'Ar', 'flags'),
    macro('Nm'),
    macro('Cm', 'help'),
    macro('Op', 'Ar command | Cm exit-codes | Cm environment | Cm output'),
    macro('Sh', 'DESCRIPTION'),
    macro('Nm'),
    'answers, with evidence, the questions a mail operator gets asked.',
    'This version answers:',
    ...tagged(
      answeredQuestions(config).map(
        ({ question, examples: typed }): Entry => [
          words(question),
          typed.map((each) => macro('Dl', words(`postern ${each}`))),
        ],
      ),
    ),
    macro('Pp'),
    'Each command has',
    macro('Fl', '-help'),
    'and a page of its own.',
    ...prose('Results go to standard output, everything else to standard error.'),
    macro('Ss', 'Commands'),
    ...tagged(commands.map(commandEntry)),
    macro('Ss', 'Flags of every command'),
    ...tagged(globalEntries()),
    macro('Sh', 'ENVIRONMENT'),
    'Every flag can be set as',
    macro('Ev', 'POSTERN_FLAG', ','),
    'in upper case and with',
    macro('Sq', '_'),
    'for',
    macro('Sq', '-', '.'),
    ...tagged(ENVIRONMENT_VARIABLES.map(([name, text]): Entry => [`Ev ${words(name)}`, prose(`${text}.`)])),
    macro('Sh', 'FILES'),
    ...tagged([
      ['Pa $XDG_CONFIG_HOME/postern/config.json', ['Defaults for flags.']],
      ['Pa /etc/postern/config.json', ['The same, for all users.']],
      ['Pa /usr/share/doc/postern/docs', ['Runbooks, a question each (Debian package).']],
      ['Pa /usr/lib/postern/examples', ['Messages, logs and reports to practise with.']],
      ['Pa /usr/lib/postern/schemas', ['JSON Schemas of all documents.']],
    ]),
    macro('Sh', 'EXIT STATUS'),
    ...tagged(EXIT_MEANINGS.map(([code, meaning]): Entry => [String(code), prose(meaning)])),
    macro('Sh', 'EXAMPLES'),
    'A check for cron, which is silent while all is well:',
    macro(
      'Dl',
      words('postern mx probe example.org --require starttls,expiry=21d > /dev/null || mail-the-admin'),
    ),
    macro('Pp'),
    'Explain one email:',
    macro('Dl', words('postern message path message.eml')),
    macro('Sh', 'SEE ALSO'),
    ...seeAlso(commands.map(({ id }) => pageName(id))).slice(0, -1),
    macro('Xr', pageName(commands.at(-1)?.id ?? ''), '1', ','),
    macro('Xr', 'postern-checkpassword', '8'),
    '',
  ].join('\n');
}

/** Every page by the name of its file. */
export function manPages(config: Interfaces.Config): Map<string, string> {
  return new Map([
    ['postern.1', overviewPage(config)],
    ...visible(config).map((command) => [`${pageName(command.id)}.1`, commandPage(command, config)] as const),
  ]);
}
