import type { Explanation } from './types.ts';

export const configExplanations: readonly Explanation[] = [
  {
    id: 'config.file',
    what: 'Whether a configuration file can be read.',
    why: 'One that --config names must be there. One in your home or in /etc need not, but if it is there and cannot be read, every command stops with 78 instead of running without it.',
    fix: 'Look at the path and at the permissions of file and folders.',
  },
  {
    id: 'config.syntax',
    what: 'Whether a configuration file is a JSON object.',
    why: 'Every command stops with 78 otherwise.',
    fix: 'Mend the line that is named: names and texts in double quotes, no comma after the last member, no comments.',
    ref: 'RFC 8259 §4',
  },
  {
    id: 'config.name',
    what: 'A name that is that of no flag.',
    why: 'It has no effect: a mistyped name looks set and is not.',
    fix: 'Use the name of the flag without its dashes, such as "timeout-dns".',
  },
  {
    id: 'config.command',
    what: 'A part for a command that does not exist.',
    why: 'What stands under it has no effect.',
    fix: 'Use the command as it is typed, such as "mx probe".',
  },
  {
    id: 'config.value',
    what: 'A value that the flag does not take.',
    why: 'Commands that have the flag stop with 78. A value may be right for some commands and wrong for others, such as a format.',
    fix: 'Write what would be typed behind the flag; true or false for one that takes no value. What is for single commands belongs under "commands".',
  },
  {
    id: 'config.by-hand',
    what: 'A flag that only a person may give, such as allow-private or yes.',
    why: 'It waives a protection; set once and forgotten it would do so for ever.',
    fix: 'Give it on the command line when it is needed.',
  },
  {
    id: 'config.twice',
    what: 'A name that stands in one object more than once.',
    why: 'Only the last counts, whatever the first says.',
    fix: 'Remove all but one.',
    ref: 'RFC 8259 §4',
  },
  {
    id: 'config.writable',
    what: 'A configuration file that others than its owner may write.',
    why: 'Whoever can write it decides which resolver is believed and which authorities are trusted.',
    fix: 'Take the permission away: chmod go-w.',
  },
];
