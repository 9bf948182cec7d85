import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExitCode } from '../../src/errors.ts';
import { type Lab, startLab } from '../helpers/lab.ts';
import { root, run, runBuilt } from '../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-formats-'));
const CACHE = ['--offline', '--dns-cache', `${root}test/fixtures/dns/null-mx.json`];
const DIFF = [`${root}test/fixtures/mx/before.json`, `${root}test/fixtures/mx/after.json`];

describe('probing a laboratory', () => {
  let lab: Lab;
  let world: readonly string[];
  const probe = (format: string, ...more: readonly string[]) =>
    run('mx probe', ['good.test', 'bare.test', '--ordered', ...world, '--format', format, ...more]);
  beforeAll(async () => {
    lab = await startLab(41, {
      'good.test': { habit: 'good' },
      'bare.test': { habit: 'none' },
      'slow.test': { habit: 'hang-banner' },
    });
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, lab.caPem);
    world = ['--resolver', lab.resolver, '--port', String(lab.port), '--allow-private', '--ca', ca];
  });
  afterAll(() => lab.close());

  test('findings at an address are told with host and address', async () => {
    const { stdout, exit } = await probe('csv');
    expect(exit).toBe(ExitCode.crit);
    expect(stdout).toMatch(
      /\r\n[^,]+,,bare\.test,crit,"mx\.bare\.test \[127\.1\.41\.2\]",smtp\.starttls\.offered,,/,
    );
  });

  test('days until the certificate expires and the time it took are figures', async () => {
    const { stdout } = await probe('nagios');
    expect(stdout).toMatch(/^POSTERN MX PROBE CRITICAL - 2 targets: 1 critical, 1 ok \| /);
    expect(stdout).toMatch(/'good\.test mx\.good\.test \[127\.1\.41\.1\] certificate_expiry_days'=\d+ /);
    expect(stdout).toMatch(/elapsed'=\d+(\.\d+)?s/);
    const prometheus = await probe('prometheus');
    expect(prometheus.stdout).toMatch(
      /^postern_mx_probe_certificate_expiry_seconds\{target="good\.test",where="[^"]+"\} \d+$/m,
    );
    expect(prometheus.stdout).toMatch(/^postern_mx_probe_encrypted\{target="bare\.test",where="[^"]+"\} 0$/m);
  });

  test('--output appears whole, by a rename, with the end of the document', async () => {
    expect((await probe('prometheus', '--output', join(folder, 'missing', 'x'))).exit).toBe(
      ExitCode.cannotWrite,
    );
    expect((await probe('junit', '--output', join(folder, 'junit.xml'))).stdout).toBe('');
    expect(readFileSync(join(folder, 'junit.xml'), 'utf8')).toMatch(/^<\?xml .*<\/testsuites>\n$/s);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('Ctrl-C ends the document: what was finished is there, whole', async () => {
    const argv = ['mx', 'probe', 'good.test', 'slow.test', '--format', 'junit', ...world];
    const child = spawn(process.execPath, [`${root}bin/run.js`, ...argv]);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (chunk.includes('</testsuite>')) child.kill('SIGINT');
    });
    const [exit] = await once(child, 'close');
    expect(exit).toBe(ExitCode.interrupted);
    expect(stdout.match(/<testsuite name="[^"]*"/g)).toEqual(['<testsuite name="good.test"']);
    expect(() => new SaxesParser().write(stdout).close()).not.toThrow();
  });

  test('rows of an earlier run keep their findings', async () => {
    const rows = join(folder, 'rows.jsonl');
    await probe('jsonl', '--output', rows);
    const resumed = await probe('sarif', '--resume', rows);
    const [{ results }] = JSON.parse(resumed.stdout).runs;
    expect(results.map(({ ruleId }: { ruleId: string }) => ruleId)).toEqual(['smtp.starttls.offered']);
    expect(resumed.exit).toBe(ExitCode.crit);
  });
});

test.for([
  [
    'mx probe',
    ['null.example', ...CACHE],
    0,
    ['csv', 'nagios', 'prometheus', 'junit', 'sarif', 'github', 'markdown'],
  ],
  ['mx diff', DIFF, 2, ['csv', 'nagios', 'junit', 'sarif', 'github', 'markdown']],
  [
    'message path',
    [`${root}examples/forwarded.eml`],
    0,
    ['csv', 'nagios', 'junit', 'sarif', 'github', 'markdown', 'html'],
  ],
  ['doctor', CACHE, 2, ['csv', 'nagios', 'prometheus', 'junit', 'github', 'markdown']],
  [
    'send',
    ['--from', 'a@example.com', '--to', 'b@null.example', ...CACHE],
    2,
    ['csv', 'nagios', 'prometheus', 'junit', 'github', 'markdown'],
  ],
] as const)(
  '%s writes each of its formats with the exit code of its verdict',
  async ([id, argv, exit, formats]) => {
    for (const format of formats) {
      const ran = await run(id, [...argv, '--format', format]);
      expect(ran, format).toMatchObject({ exit, stderr: '' });
      expect(ran.stdout, format).not.toBe('');
    }
  },
);

describe('a monitoring plug-in', () => {
  test.for([
    ['no target', [], 'There is no target.'],
    ['a flag that is none', ['x.test', '--frobnicate'], 'Nonexistent flag: --frobnicate.'],
    ['a target that is none', ['not a domain'], "'not a domain' has spaces."],
    ['a missing configuration', ['x.test', '--config', '/nonexistent'], 'Configuration /nonexistent'],
  ] as const)('says UNKNOWN on standard output and exits with 3 for %s', async ([, argv, text]) => {
    const ran = await run('mx probe', [...argv, '--format', 'nagios']);
    expect(ran.exit).toBe(ExitCode.unknown);
    expect(ran.stdout).toMatch(/^POSTERN MX PROBE UNKNOWN - .*\n$/);
    expect(ran.stdout).toContain(text);
    expect((await run('mx probe', argv)).exit).toBeGreaterThanOrEqual(ExitCode.usage);
  });

  test('is one by its environment, too', async () => {
    const ran = await runBuilt(['mx', 'probe'], { env: { POSTERN_FORMAT: 'nagios' } });
    expect(ran).toMatchObject({ exit: 3, stdout: expect.stringMatching(/^POSTERN MX PROBE UNKNOWN - /) });
  });
});

test('a format that a command does not write is refused with those that it does', async () => {
  const ran = await run('mx diff', [...DIFF, '--format', 'prometheus']);
  expect(ran.exit).toBe(ExitCode.usage);
  expect(ran.stderr).toContain('csv');
});

test('JSON holds every character as an escape that a terminal would obey', async () => {
  const file = join(folder, 'hostile.eml');
  const subject =
    'Received: from \u009b31mx\u202e.example by mx.example.org with ESMTP id \u{e0041}1; Tue, 24 Nov 2026 09:15:06 +0000';
  writeFileSync(file, `${subject}\r\nSubject: x\r\n\r\nbody\r\n`);
  for (const format of ['json', 'jsonl']) {
    const { stdout } = await run('message path', [file, '--format', format]);
    expect(stdout).not.toMatch(/[\u0080-\u009f\u202e\u{e0041}]/u);
    expect(JSON.stringify(JSON.parse(stdout))).toMatch(/\u202e|x1b|u009b|\u009b/);
  }
});

test('a message that cannot be read is a case of its own among others', async () => {
  const { stdout, exit } = await run('message path', [
    `${root}examples/forwarded.eml`,
    '/nonexistent',
    '--format',
    'junit',
  ]);
  expect(exit).toBe(ExitCode.unknown);
  expect(stdout).toContain('<testsuite name="/nonexistent" tests="1" failures="0" errors="1"');
});
