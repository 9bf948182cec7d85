import type { Status } from '../../report.ts';
import { clean } from '../clean.ts';
import { type About, type Located, problems, type Row, type Writer } from './types.ts';

/** What could not be told deserves a look, but is no failure. */
const COMMANDS: Readonly<Record<Exclude<Status, 'ok'>, string>> = {
  crit: 'error',
  warn: 'warning',
  unknown: 'warning',
};

/** Text in a line of a job's log. The older form of commands, `##[`, is obeyed in the middle of a line, too. */
function logText(text: string): string {
  return clean(text).replaceAll('##[', '## [');
}

function data(text: string): string {
  return logText(text).replaceAll('%', '%25');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

function annotation(
  about: About,
  target: string,
  status: keyof typeof COMMANDS,
  title: string,
  text: string,
) {
  const file = about.targets === 'file' && target !== '-' ? `file=${property(target)},` : '';
  return `::${COMMANDS[status]} ${file}title=${property(title)}::${data(text)}\n`;
}

function ofFinding(about: About, { target }: Row, { where, check }: Located): string {
  const { id, status, message, evidence, fix } = check;
  const place = [target, where].filter(Boolean).join(' ');
  const text = [place && `${place}:`, message, evidence && `Saw: ${evidence}.`, fix]
    .filter(Boolean)
    .join(' ');
  return status === 'ok' ? '' : annotation(about, target, status, `${id} (${status})`, text);
}

/** Annotations of a GitHub Actions job, and a line a target for its log. */
export function githubWriter(about: About): Writer {
  return {
    row: (row) => {
      const { status, target, summary, failure } = row;
      const verdict = `${status}  ${target === '' ? '' : `${logText(target)}: `}${logText(summary)}\n`;
      const failed = failure
        ? annotation(about, target, 'unknown', failure.code, `${target}: ${failure.message}`)
        : '';
      return (
        verdict +
        failed +
        problems(row)
          .map((each) => ofFinding(about, row, each))
          .join('')
      );
    },
  };
}
