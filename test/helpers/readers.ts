import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import published from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' };
import { Ajv } from 'ajv';
import { parse as parseCsv } from 'csv-parse/sync';
import { Parser } from 'htmlparser2';
import { expect, type TestContext } from 'vitest';
import type { Format } from '../../src/cli/flags.ts';
import { needs, output } from './debian.ts';

/** One output of a command: who wrote it, and what. */
export type Written = { readonly by: string; readonly text: string };

/** What a terminal obeys, or hides; line ends are the formats' own. */
export const OBEYED =
  /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/u;

/** What a spreadsheet computes. */
export const FORMULA = /^\s*[=+\-@＝＋－＠\t\r]/;

/** Draft 4 in all that it uses: only the name of that draft would keep this validator from it. */
const { $schema: _, id: __, ...sarifSchema } = published;
export const validateSarif = new Ajv({
  strict: false,
  validateFormats: false,
  unicodeRegExp: false,
}).compile(sarifSchema);

/** Performance data as Monitoring::Plugin reads it: label, value and unit of each figure. */
export function readPerfdata(context: TestContext, figures: string): string[][] {
  needs(context, 'perl', 'libmonitoring-plugin-perl', ['-MMonitoring::Plugin::Performance', '-e', '1']);
  const script =
    'binmode STDIN; local $/; my @p = Monitoring::Plugin::Performance->parse_perfstring(<STDIN>);' +
    ' print join("\\n", map { $_->label . "\\t" . $_->value . "\\t" . ($_->uom // "") } @p), "\\n"';
  return output('perl', ['-MMonitoring::Plugin::Performance', '-e', script], figures)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** What promtool has to say about a file for the textfile collector: nothing, if it is right. */
export function promtoolComplaints(context: TestContext, text: string): string {
  needs(context, 'promtool', 'prometheus');
  const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  return status === 0 ? stdout + stderr : `${stdout}${stderr} exit ${status}`;
}

const READ_JUNIT = `
import json, sys
from junitparser import JUnitXml
for file in sys.argv[1:]:
    suites = []
    for suite in JUnitXml.fromfile(file):
        said = [suite.tests, suite.failures, suite.errors]
        suite.update_statistics()
        suites.append({"said": said, "counted": [suite.tests, suite.failures, suite.errors]})
    print(json.dumps(suites))
`;

function readCsv(_: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) {
    const [head = [], ...records] = parseCsv(text, { record_delimiter: '\r\n' }) as string[][];
    expect(head, by).toContain('status');
    expect(records.length, by).toBeGreaterThan(0);
    for (const cell of records.flat()) expect(cell, by).not.toMatch(FORMULA);
  }
}

/** Debian's interpreter, whatever stands first in the path: its packages are installed for that one. */
const PYTHON = '/usr/bin/python3';

function readJunit(context: TestContext, written: readonly Written[]): void {
  needs(context, PYTHON, 'python3-junitparser', ['-c', 'import junitparser']);
  const folder = mkdtempSync(join(tmpdir(), 'postern-junit-'));
  const files = written.map(({ text }, index) => {
    const file = join(folder, `${index}.xml`);
    writeFileSync(file, text);
    return file;
  });
  const read = output(PYTHON, ['-c', READ_JUNIT, ...files])
    .trim()
    .split('\n');
  for (const [index, { by }] of written.entries()) {
    const suites = JSON.parse(read[index] ?? '') as { said: number[]; counted: number[] }[];
    expect(suites.length, by).toBeGreaterThan(0);
    for (const { said, counted } of suites) expect(said, by).toEqual(counted);
  }
}

function readSarif(_: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) {
    validateSarif(JSON.parse(text));
    expect(validateSarif.errors, by).toBeNull();
  }
}

function readPrometheus(context: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) expect(promtoolComplaints(context, text), by).toBe('');
}

function readNagios(context: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) {
    const [first = ''] = text.split('\n');
    const [status, figures = '', ...more] = first.split('|');
    expect(status, by).toMatch(/^POSTERN [A-Z ]+ (OK|WARNING|CRITICAL|UNKNOWN) - ./);
    expect(more, by).toEqual([]);
    const told = figures.match(/(?<=^| )'[^']*'=/g)?.length ?? 0;
    if (told > 0) expect(readPerfdata(context, figures), by).toHaveLength(told);
  }
}

/** There is no reader of these to be had: what the runner obeys is a line that begins so, and `##[` in any line. */
function readGithub(_: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) {
    expect(text, by).not.toContain('##[');
    for (const line of text
      .trimEnd()
      .split('\n')
      .filter((each) => each.trimStart().startsWith('::')))
      expect(line, by).toMatch(/^::(error|warning) (file=[^,:]*,)?title=[^,:]*::./);
  }
}

/** As GitHub's own parser has it. */
function readMarkdown(context: TestContext, written: readonly Written[]): void {
  needs(context, 'cmark-gfm', 'cmark-gfm');
  for (const { by, text } of written) {
    const xml = output('cmark-gfm', ['-e', 'table', '-e', 'autolink', '--to', 'xml'], text);
    expect(xml, by).not.toMatch(/<(html_block|html_inline|link|image)\b/);
    for (const table of xml.split('<table>').slice(1)) {
      const cells = table.split(/<table_(?:header|row)/).slice(1);
      const counts = cells.map((row) => row.match(/<table_cell/g)?.length);
      expect(new Set(counts).size, by).toBe(1);
    }
  }
}

/** Elements are closed, and whatever could run or fetch is none that outside text brought. */
function readHtml(_: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) {
    const open: string[] = [];
    const parser = new Parser({
      onopentag: (name, attributes) => {
        open.push(name);
        for (const [attribute, value] of Object.entries(attributes)) {
          expect(attribute, by).not.toMatch(/^on/);
          expect(value, by).not.toMatch(/^\s*javascript:/i);
        }
      },
      onclosetag: (name) => expect(open.pop(), by).toBe(name),
    });
    parser.end(text);
    expect(open, by).toEqual([]);
    expect(text, by).toMatch(/^<!doctype html>/i);
  }
}

/** A policy map, as Postfix reads it. */
function readPostfix(context: TestContext, written: readonly Written[]): void {
  needs(context, '/usr/sbin/postmap', 'postfix');
  const folder = mkdtempSync(join(tmpdir(), 'postern-map-'));
  writeFileSync(join(folder, 'main.cf'), '');
  for (const { by, text } of written) {
    const file = join(folder, 'map');
    writeFileSync(file, text);
    const ran = spawnSync('/usr/sbin/postmap', ['-c', folder, '-s', `texthash:${file}`], {
      encoding: 'utf8',
    });
    expect(`${ran.stderr}${ran.status}`, by).toBe('0');
  }
}

function readJson(_: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written) expect(JSON.parse(text), by).toHaveProperty('schema');
}

function readJsonLines(_: TestContext, written: readonly Written[]): void {
  for (const { by, text } of written)
    for (const line of text.trimEnd().split('\n')) expect(JSON.parse(line), by).toHaveProperty('schema');
}

/** Of each format a reader that is not ours, where there is one: it fails the test when it does not take it all. */
export const READERS: Readonly<Record<Format, (context: TestContext, written: readonly Written[]) => void>> =
  {
    text: () => undefined,
    json: readJson,
    jsonl: readJsonLines,
    csv: readCsv,
    nagios: readNagios,
    prometheus: readPrometheus,
    junit: readJunit,
    sarif: readSarif,
    github: readGithub,
    markdown: readMarkdown,
    html: readHtml,
    postfix: readPostfix,
  };
