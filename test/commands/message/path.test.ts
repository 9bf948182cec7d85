import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, failedRow } from '../../../src/schema/documents.ts';
import { root, run } from '../../helpers/run.ts';

const EXAMPLE = `${root}examples/forwarded.eml`;
const folder = mkdtempSync(join(tmpdir(), 'postern-path-'));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A message that entered from outside, with what the case is about on its border line. */
function message(border: string, more = ''): string {
  return `Received: from out.example.com (out.example.com [203.0.113.25])\r\n\t${border}; Tue, 24 Nov 2026 09:15:06 +0000\r\n${more}Subject: x\r\n\r\nbody\r\n`;
}
const PLAIN = message('by mx.example.org (Postfix) with ESMTP id 4RkPlain');
const TLS12 = message(
  '(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)) by mx.example.org (Postfix) with ESMTPS id 4RkOld',
);

describe('the exit code follows the hop where the message entered', () => {
  test.for([
    ['encrypted', TLS12, 0],
    ['plaintext', PLAIN, 1],
    [
      'not told',
      message('by mx.example.org with SMTP (Barracuda Spam Firewall)').replace(
        'with SMTP (Barracuda',
        '(Spam Firewall) with ESMTP (Barracuda',
      ),
      3,
    ],
    ['no Received line at all', 'Subject: x\r\n\r\nbody', 3],
  ] as const)('%s', async ([, text, exit]) => {
    expect((await run('message path', [file('one.eml', text)])).exit).toBe(exit);
  });
});

describe('--fail-if', () => {
  test.for([
    ['plaintext', EXAMPLE, 2],
    ['plaintext', file('tls.eml', TLS12), 0],
    ['tls-below=1.3', file('tls.eml', TLS12), 2],
    ['tls-below=1.2', file('tls.eml', TLS12), 0],
    ['delay-over=5s', EXAMPLE, 2],
    ['delay-over=1m', EXAMPLE, 0],
    ['tls-below=1.2,delay-over=1h', EXAMPLE, 0],
  ] as const)('%s of %s exits with %i', async ([list, path, exit]) => {
    expect((await run('message path', [path, '--fail-if', list])).exit).toBe(exit);
  });

  test.for(['', 'tls', 'tls-below', 'tls-below=2.0', 'delay-over=soon', 'plaintext=1'])(
    '%j is refused with 64',
    async (list) => {
      expect((await run('message path', [EXAMPLE, `--fail-if=${list}`])).exit).toBe(64);
    },
  );
});

describe('--expect', () => {
  test('finds the hop of the queue id, and says how it came', async () => {
    const { stdout, exit } = await run('message path', [EXAMPLE, '--expect', '4rk2zw6mttz7fj']);
    expect(exit).toBe(0);
    expect(stdout).toContain('Hop 3 has the id 4rk2zw6mttz7fj: it was taken by mx1.example.org, encrypted.');
  });

  test('is not met by another message', async () => {
    expect((await run('message path', [EXAMPLE, '--expect', '4RkOther'])).exit).toBe(2);
  });
});

test('an mbox gives a row for each of its messages, however long its lines are', async () => {
  const body = `${readFileSync(EXAMPLE, 'utf8')}\n>From here on quoted\n${'x'.repeat(200_000)}\nFrom the middle of a paragraph\n`;
  const path = file(
    'many.mbox',
    `From a@b Tue Nov 24 09:00:00 2026\n${body}\nFrom c@d Tue Nov 24 10:00:00 2026\n${PLAIN}\n`,
  );
  const { stdout } = await run('message path', [path, '--json']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ target, hops }) => [target, hops.length])).toEqual([
    [`${path}#1`, 4],
    [`${path}#2`, 1],
  ]);
});

test('a message saved with its "From " line is one message', async () => {
  const { stdout } = await run('message path', [
    file('one.mbox', `From a@b Tue Nov 24 09:00:00 2026\n${PLAIN}`),
    '--json',
  ]);
  expect(JSON.parse(stdout).hops).toHaveLength(1);
});

describe('--batch', () => {
  test('prints a row a case with its id, failed ones too, paths relative to the batch', async () => {
    file(
      'line.txt',
      'from a.example (a.example [203.0.113.1]) by b.example with ESMTPS id x; Tue, 24 Nov 2026 09:00:00 +0000\n',
    );
    const batch = file(
      'cases.jsonl',
      '{"id": "one", "file": "line.txt"}\n\n{"id": 2, "file": "gone.txt"}\n{"id": "3"}\n',
    );
    const { stdout, exit } = await run('message path', ['--batch', batch, '--received', '--json']);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ id }) => id)).toEqual(['one', '2', '3']);
    documents['postern/message-path/1'].parse(rows[0]);
    expect(rows[0].hops[0]).toMatchObject({ encrypted: 'yes', from: { ip: '203.0.113.1' } });
    failedRow.parse(rows[1]);
    failedRow.parse(rows[2]);
    expect(exit).toBe(3);
  });

  test.for([
    'here.txt',
    './here.txt',
    '../batches/here.txt',
    'sub//../here.txt',
    join(folder, 'batches/here.txt'),
  ])('finds %s beside the batch', async (name) => {
    mkdirSync(join(folder, 'batches/sub'), { recursive: true });
    file('batches/here.txt', PLAIN);
    const batch = file('batches/one.jsonl', JSON.stringify({ id: 'x', file: name }));
    const { stdout } = await run('message path', ['--batch', batch, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ target: name, hops: [{ id: '4RkPlain' }] });
  });

  test.for(['not json', '[]', '{"file": "x"}'])('the line %s is refused with its number', async (line) => {
    const { stderr, exit } = await run('message path', ['--batch', file('bad.jsonl', `\n${line}\n`)]);
    expect(exit).toBe(65);
    expect(stderr).toContain('line 2');
  });
});

const HOSTILE = message(
  'by mx.example.org (Postfix) with ESMTPS id <script>alert(1)</script>|x',
  'Received: from "\x1b]8;;http://evil.test\x07<img src=x onerror=alert(1)>"@evil.test (evil [203.0.113.66])\r\n\tby [a](javascript:alert) (x | y)\r\n\twith SMTP; Tue, 24 Nov 2026 09:00:00 +0000\r\n',
);

describe('a document for a ticket', () => {
  test('is a Markdown table that hostile headers cannot break', async () => {
    const { stdout } = await run('message path', [file('hostile.eml', HOSTILE), '--format', 'markdown']);
    const rows = stdout.split('\n').filter((line) => line.startsWith('|'));
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(8);
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]|(?<!\\)<|(?<!\\)\]\(/);
  });

  test('is one HTML page without scripts, links or anything to load', async () => {
    const { stdout } = await run('message path', [file('hostile.eml', HOSTILE), '--format', 'html']);
    expect(stdout).toMatch(/^<!doctype html>/);
    expect(stdout).toContain("default-src 'none'");
    expect(stdout).not.toMatch(/<(script|img|a|link|iframe|object)\b|javascript:(?!alert\))|\son\w+="/i);
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    expect(stdout).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  test('is one page: several messages are refused', async () => {
    expect((await run('message path', [EXAMPLE, EXAMPLE, '--format', 'html'])).exit).toBe(64);
  });

  test.for(['text', 'markdown', 'html', 'json'])(
    '--redact leaves no mailbox, id or inside address in %s',
    async (format) => {
      const secret = message(
        'by mx.example.org (Postfix) with ESMTPS id 4RkSecretId for <jane.doe@example.org>',
        'Received: from laptop ([10.1.2.3]) (Authenticated sender: jane) by out.example.com (Postfix) with ESMTPSA id 4RkOtherId; Tue, 24 Nov 2026 09:15:00 +0000\r\n',
      );
      const { stdout } = await run('message path', [
        file('secret.eml', secret),
        '--redact',
        '--format',
        format,
      ]);
      expect(stdout).not.toMatch(/jane|4RkSecretId|4RkOtherId|10\.1\.2\.3/);
      expect(stdout).toContain('203.0.113.25');
    },
  );
});

test('--redact replaces what the sender’s own computer calls itself, wherever it stands', async () => {
  const { stdout } = await run('message path', [EXAMPLE, '--redact', '--json']);
  expect(stdout).not.toContain('annas-laptop');
  expect(JSON.parse(stdout).hops[0]).toMatchObject({
    from: { helo: 'device1' },
    raw: expect.stringContaining('helo=device1'),
  });
});

describe('several messages', () => {
  test('each stand under their names in the text, those of a batch too', async () => {
    const one = file('first.eml', PLAIN);
    const two = file('second.eml', TLS12);
    const named = (text: string) => text.split('\n').filter((each) => each === one || each === two);
    expect(named((await run('message path', [one, two])).stdout)).toEqual([one, two]);
    const batch = file(
      'two.jsonl',
      [one, two].map((path) => JSON.stringify({ id: path, file: path })).join('\n'),
    );
    expect(named((await run('message path', ['--batch', batch])).stdout)).toEqual([one, two]);
    expect(named((await run('message path', [one])).stdout)).toEqual([]);
  });

  test('each have a heading in Markdown', async () => {
    const files = [file('first.eml', PLAIN), file('second_.eml', TLS12)];
    const { stdout } = await run('message path', [...files, '--format', 'markdown']);
    expect(stdout.match(/^### .*$/gm)).toEqual([
      expect.stringMatching(/first\.eml$/),
      expect.stringMatching(/second\\_\.eml$/),
    ]);
  });
});

test('--mx trusts the exchangers of one’s own domain', async () => {
  const chain = [
    'Received: from mx.example.org (mx.example.org [198.51.100.7])\r\n\tby inbox.example.net (Postfix) with ESMTPS id 1; Tue, 24 Nov 2026 09:15:08 +0000\r\n',
    PLAIN,
  ].join('');
  const cache = file(
    'dns.json',
    JSON.stringify({ 'example.org': { MX: [{ priority: 10, exchange: 'mx.example.org' }] } }),
  );
  const border = async (...flags: string[]) => {
    const { stdout } = await run('message path', [file('chain.eml', chain), '--json', ...flags]);
    return JSON.parse(stdout).border;
  };
  expect(await border()).toBe(1);
  expect(await border('--mx', 'example.org', '--offline', '--dns-cache', cache)).toBe(0);
});
