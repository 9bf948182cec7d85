import type { Check, Status } from '../../report.ts';
import type { About, Located, Row, Writer } from './types.ts';
import { type Xml, xml } from './xml.ts';

/** What is to know about a finding, a line each. */
function body({ message, evidence, fix, ref }: Check): Xml[] {
  const lines = [message, evidence && `saw ${evidence}`, fix && `fix ${fix}`, ref];
  return lines.filter((line) => line !== undefined && line !== '').map((line) => xml`${line as string}\n`);
}

/** A state that fails nothing is told all the same. */
const NAMES: Readonly<Record<Status, string>> = {
  ok: '',
  warn: 'warning: ',
  crit: 'critical: ',
  unknown: 'unknown: ',
};

function outcome(check: Check, counted: Status): Xml {
  switch (counted) {
    case 'crit':
      return xml`<failure type="${check.id}" message="${check.message}">${body(check)}</failure>`;
    case 'unknown':
      return xml`<error type="${check.id}" message="${check.message}">${body(check)}</error>`;
    case 'warn':
    case 'ok':
      return xml`<system-out>${NAMES[check.status]}${body(check)}</system-out>`;
  }
}

function testCase(className: string, { where, check }: Located, { counts }: About): Xml {
  const name = where === '' ? check.id : `${check.id} ${where}`;
  return xml`    <testcase classname="${className}" name="${name}">${outcome(check, counts(check.status))}</testcase>\n`;
}

function failedCase(className: string, { code, message, hint = '' }: NonNullable<Row['failure']>): Xml {
  return xml`    <testcase classname="${className}" name="asked"><error type="${code}" message="${message}">${hint}</error></testcase>\n`;
}

function suite(about: About, row: Row): string {
  const { command, counts } = about;
  const { id, target, timeMs, findings, failure, summary } = row;
  const name = [...new Set([id, target])].filter(Boolean).join(' ') || command;
  const count = (status: Check['status']) =>
    findings.filter(({ check }) => counts(check.status) === status).length;
  const cases = [
    ...findings.map((each) => testCase(`${command}: ${name}`, each, about)),
    ...(failure ? [failedCase(`${command}: ${name}`, failure)] : []),
  ];
  const errors = count('unknown') + (failure ? 1 : 0);
  const when = new Date(timeMs).toISOString().slice(0, 19);
  return xml`  <testsuite name="${name}" tests="${cases.length}" failures="${count('crit')}" errors="${errors}" skipped="0" timestamp="${when}">
${cases}    <system-out>${summary}</system-out>
  </testsuite>
`.xml;
}

/** JUnit's XML: a suite a target, a case a check; critical is a failure, unknown an error. */
export function junitWriter(about: About): Writer {
  return {
    begin: () =>
      xml`<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${`postern ${about.command}`}">\n`.xml,
    row: (row) => suite(about, row),
    end: () => '</testsuites>\n',
  };
}
