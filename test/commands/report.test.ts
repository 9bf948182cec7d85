import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ReportDmarcResult, ReportTlsResult } from '../../src/schema/reports.ts';
import { dmarcXml, type RecordParts, record, tlsJson } from '../helpers/reports.ts';
import { run } from '../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-reports-'));
let made = 0;

function fileOf(content: string | Uint8Array, extension = 'xml'): string {
  made += 1;
  const name = join(folder, `${made}.${extension}`);
  writeFileSync(name, content);
  return name;
}

async function dmarc(...files: string[]) {
  const ran = await run('report dmarc', files);
  return { ...ran, result: ran.result as ReportDmarcResult };
}

async function tls(...files: string[]) {
  const ran = await run('report tls', files);
  return { ...ran, result: ran.result as ReportTlsResult };
}

/** A zip archive made by Python, whose library is not ours. */
function zipOf(entries: Readonly<Record<string, string>>): string {
  made += 1;
  const name = join(folder, `${made}.zip`);
  const script =
    'import json,sys,zipfile\nwith zipfile.ZipFile(sys.argv[1],"w",zipfile.ZIP_DEFLATED) as z:\n for n,t in json.load(sys.stdin).items(): z.writestr(n,t)';
  execFileSync('python3', ['-c', script, name], { input: JSON.stringify(entries) });
  return name;
}

function mailOf(attachment: Uint8Array, name: string): string {
  const body = Buffer.from(attachment).toString('base64').replaceAll(/.{76}/g, '$&\r\n');
  return [
    'From: noreply@receiver.example',
    'To: dmarc@example.org',
    'Subject: Report domain: example.org',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'A report.',
    '--b',
    `Content-Type: application/gzip; name="${name}"`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${name}"`,
    '',
    body,
    '--b--',
    '',
  ].join('\r\n');
}

describe('however a report comes, it is read', () => {
  const xml = dmarcXml();
  const ways: readonly (readonly [string, () => string])[] = [
    ['as it is', () => fileOf(xml)],
    ['with a byte order mark', () => fileOf(`\uFEFF${xml}`)],
    [
      'with a namespace',
      () => fileOf(xml.replace('<feedback>', '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">')),
    ],
    ['in gzip', () => fileOf(gzipSync(xml), 'xml.gz')],
    ['in zip', () => zipOf({ 'receiver!example.org!1!2.xml': xml })],
    ['attached to a mail', () => fileOf(mailOf(gzipSync(xml), 'r.xml.gz'), 'eml')],
  ];
  test.each(ways)('%s', async (_, make) => {
    const { result, exit } = await dmarc(make());
    expect(result).toMatchObject({ reports: 1, status: 'ok', reporters: ['Receiver Inc.'] });
    expect(result.sources).toMatchObject([{ ip: '192.0.2.1', messages: 10, failing: 0, kind: 'passes' }]);
    expect(exit).toBe(0);
  });

  test('and counts once, however often it is there', async () => {
    const { result } = await dmarc(fileOf(xml), fileOf(gzipSync(xml)), zipOf({ 'a.xml': xml, 'b.xml': xml }));
    expect(result).toMatchObject({ reports: 1, repeated: 3 });
    expect(result.sources[0]?.messages).toBe(10);
  });
});

describe('what an address is, by what its messages look like', () => {
  const failing = { dkim: 'fail', spf: 'fail' };
  const cases: readonly (readonly [string, RecordParts, string])[] = [
    ['both pass', {}, 'passes'],
    ['SPF alone passes', { dkim: 'fail', dkimResults: [] }, 'passes'],
    ['DKIM alone passes', { spf: 'fail', spfResults: [['list.example', 'pass']] }, 'forwarded'],
    [
      'the own signature fails',
      { ...failing, dkimResults: [['example.org', 's1', 'fail']], spfResults: [['example.org', 'softfail']] },
      'broken',
    ],
    [
      'it is authenticated as somebody else',
      { ...failing, dkimResults: [['esp.example', 'k', 'pass']], spfResults: [['esp.example', 'pass']] },
      'misaligned',
    ],
    [
      'nobody stands for it',
      { ...failing, dkimResults: [], spfResults: [['example.org', 'fail']] },
      'unauthenticated',
    ],
    [
      'a mailing list that the receiver knows',
      { ...failing, reason: 'mailing_list', dkimResults: [['example.org', 's1', 'fail']], spfResults: [] },
      'forwarded',
    ],
  ];
  test.each(cases)('%s', async (_, parts, kind) => {
    const { result } = await dmarc(fileOf(dmarcXml({ records: [record(parts)] })));
    expect(result.sources.map((source) => source.kind)).toEqual([kind]);
  });

  test('messages of one address are summed over reports and receivers', async () => {
    const lost = record({
      ...failing,
      count: 7,
      disposition: 'reject',
      dkimResults: [['example.org', 's1', 'fail']],
      spfResults: [],
    });
    const { result, exit, stdout } = await dmarc(
      fileOf(dmarcXml({ id: 'a', policy: 'none' })),
      fileOf(
        dmarcXml({
          id: 'b',
          policy: 'reject',
          reporter: 'Other',
          begin: 1_793_577_600,
          records: [lost, record({})],
        }),
      ),
    );
    expect(result.sources).toMatchObject([
      { ip: '192.0.2.1', messages: 27, failing: 7, rejected: 7, kind: 'broken' },
    ]);
    expect(result.domains).toEqual([{ domain: 'example.org', policy: 'reject', messages: 27, failing: 7 }]);
    expect(result).toMatchObject({ begin: '2026-11-01T00:00:00Z', end: '2026-11-03T00:00:00Z' });
    expect(exit).toBe(2);
    expect(stdout).toContain('7 of 27 messages fail DMARC');
    expect(stdout).toContain('DKIM example.org (s1): fail');
  });

  test('strangers are a warning as long as the policy lets them, and information once it does not', async () => {
    const stranger = record({ ...failing, ip: '203.0.113.9', dkimResults: [], spfResults: [] });
    const lax = await dmarc(fileOf(dmarcXml({ records: [stranger] })));
    const strict = await dmarc(fileOf(dmarcXml({ policy: 'reject', records: [stranger] })));
    expect([lax.result.status, strict.result.status]).toEqual(['warn', 'ok']);
  });
});

describe('what failed where, of TLS reports', () => {
  const expired = {
    'result-type': 'certificate-expired',
    'sending-mta-ip': '198.51.100.1',
    'receiving-mx-hostname': 'mx.example.org',
    'receiving-ip': '192.0.2.25',
    'failed-session-count': 10,
  };

  test('is critical where the mail was not delivered, else a warning', async () => {
    const enforced = await tls(fileOf(tlsJson({ failures: [expired] }), 'json'));
    const testing = await tls(fileOf(tlsJson({ mode: 'testing', failures: [expired] }), 'json'));
    const dane = await tls(fileOf(tlsJson({ kind: 'tlsa', mode: 'none', failures: [expired] }), 'json'));
    expect([enforced.exit, testing.result.status, dane.exit]).toEqual([2, 'warn', 2]);
    expect(enforced.result.summary).toBe('example.org, 1 report: 10 of 100 sessions failed.');
    expect(enforced.stdout).toContain(
      'certificate-expired: 10 sessions of Sender Inc. failed at mx.example.org',
    );
    expect(enforced.stdout).toContain('Renew the certificate');
  });

  test('is summed over reports', async () => {
    const { result } = await tls(
      fileOf(gzipSync(tlsJson({ id: 'a', failures: [expired] })), 'json.gz'),
      fileOf(tlsJson({ id: 'b', failures: [expired, { ...expired, 'result-type': 'made-up' }] }), 'json'),
    );
    expect(result.failures.map(({ result: type, sessions, reasons }) => [type, sessions, reasons])).toEqual([
      ['certificate-expired', 20, []],
      ['validation-failure', 10, ['made-up']],
    ]);
  });

  test('is told as unexplained where only the number is there', async () => {
    const { result } = await tls(fileOf(tlsJson({ failing: 3 }), 'json'));
    expect(result.checks.map(({ id }) => id)).toContain('report.tls.unexplained');
  });

  test('all is well', async () => {
    const { result, exit } = await tls(fileOf(tlsJson(), 'json'));
    expect([result.status, exit]).toEqual(['ok', 0]);
  });
});

describe('what is sent to harm is refused in one line', () => {
  const laughs = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><feedback>&b;</feedback>`;
  const bomb = () => gzipSync(Buffer.alloc(70_000_000, 0x20));
  const cases: readonly (readonly [string, string, () => string, string])[] = [
    ['entities', 'report dmarc', () => fileOf(laughs), 'declares a document type'],
    ['a gzip bomb', 'report dmarc', () => fileOf(bomb(), 'gz'), 'unpacks to more than 64 MB'],
    ['a bomb in a bomb', 'report dmarc', () => fileOf(gzipSync(bomb()), 'gz'), 'unpacks to more than 64 MB'],
    [
      'a zip bomb',
      'report tls',
      () => zipOf({ 'a.json': '{'.padEnd(70_000_000) }),
      'unpacks to more than 64 MB',
    ],
    [
      'a zip of too many',
      'report tls',
      () => zipOf(Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`${at}`, '{}']))),
      'more than 200 files',
    ],
    [
      'half a gzip',
      'report dmarc',
      () => fileOf(gzipSync(dmarcXml()).subarray(0, 60), 'gz'),
      'begins like a gzip file',
    ],
    ['half a zip', 'report dmarc', () => fileOf('PK\u0003\u0004 nothing', 'zip'), 'begins like a zip file'],
    ['deep nesting', 'report dmarc', () => fileOf(`<feedback>${'<a>'.repeat(100_000)}`), 'nested too deeply'],
    [
      'broken XML',
      'report dmarc',
      () => fileOf('<feedback><a></b></feedback>'),
      'not well-formed XML, in line 1',
    ],
    ['other XML', 'report dmarc', () => fileOf('<html/>'), 'no policy_published'],
    [
      'a count that is no number',
      'report dmarc',
      () => fileOf(dmarcXml().replace('<count>10', '<count>1e999')),
      'no count',
    ],
    ['no JSON', 'report tls', () => fileOf('{"a":', 'json'), 'not JSON'],
    [
      'other JSON',
      'report tls',
      () => fileOf('{"__proto__":{"policies":[]}}', 'json'),
      'no list of policies',
    ],
    [
      'a mail without a report',
      'report tls',
      () => fileOf('Subject: hello\r\n\r\nNothing.\r\n', 'eml'),
      'there is no report in it',
    ],
    ['no file at all', 'report tls', () => fileOf(''), 'there is no report in it'],
  ];
  test.each(cases)('%s', async (_, command, make, words) => {
    const { stderr, stdout, exit } = await run(command, [make()]);
    expect(exit).toBe(65);
    expect(stdout).toBe('');
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('    at ');
  });

  test('one bad file among several is told, and the others are summed', async () => {
    const { result, exit } = await dmarc(fileOf(dmarcXml()), fileOf(laughs));
    expect(result).toMatchObject({ status: 'unknown', reports: 1, failed: [{ file: expect.any(String) }] });
    expect(exit).toBe(3);
  });

  test('control characters of a report reach no terminal', async () => {
    const evil = dmarcXml({ reporter: 'a\u009b31m\u202Eb', records: [record({ ip: '192.0.2.1\u0085x' })] });
    const { stdout } = await dmarc(fileOf(evil));
    expect(stdout).not.toMatch(/[\u0080-\u009f\u202e]/);
  });
});
