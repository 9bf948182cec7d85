import type { Status } from '../../report.ts';
import { clean } from '../clean.ts';
import { problems, type Row, type Writer } from './types.ts';

const MARKS: Readonly<Record<Status, string>> = {
  ok: '✔ ok',
  warn: '! warning',
  crit: '✖ critical',
  unknown: '? unknown',
};

/**
 * Text in Markdown, also in the cell of a table: nothing in it ends the cell, becomes a tag, a link or a mention. An
 * at sign stands in code: links and mentions are looked for in what an entity has become, and not in code.
 */
export function escapeMarkdown(text: string): string {
  return clean(text)
    .replace(/[\\`*_{}[\]<>|#~!&]/g, '\\$&')
    .replace(/@+/g, '`$&`')
    .replaceAll('://', ':&#47;/')
    .replace(/www\./gi, (word) => `${word.slice(0, 3)}&#46;`);
}

function document(row: Row): string {
  const { target, status, summary, findings, failure } = row;
  const place = target === '' ? '' : `${escapeMarkdown(target)}: `;
  const rows = problems(row).map(({ where, check }) => {
    const cells = [where, check.message, check.evidence ?? '', check.fix ?? '', check.ref ?? ''];
    return `| ${[MARKS[check.status], check.id, ...cells].map(escapeMarkdown).join(' | ')} |`;
  });
  const notes = findings
    .filter(({ check }) => check.info)
    .map(
      ({ where, check }) =>
        `- ${escapeMarkdown(where === '' ? check.message : `${where}: ${check.message}`)}`,
    );
  const table = ['| status | check | where | finding | seen | what to do | see |', `|${' --- |'.repeat(7)}`];
  return [
    `**${escapeMarkdown(MARKS[status])}** ${place}${escapeMarkdown(summary)}`,
    ...(failure?.hint ? ['', escapeMarkdown(failure.hint)] : []),
    ...(rows.length > 0 ? ['', ...table, ...rows] : []),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
  ].join('\n');
}

/** Markdown for a ticket, of a command that has none of its own. */
export function markdownWriter(): Writer {
  let first = true;
  return {
    row: (row) => {
      const text = `${first ? '' : '\n'}${document(row)}`;
      first = false;
      return text;
    },
  };
}
