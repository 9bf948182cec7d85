import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { documents, failedRow } from '../src/schema/documents.ts';
import { commandIds, root, runBuilt, shell } from './helpers/run.ts';
import { EMPTY_FOLDER, SAMPLES } from './helpers/samples.ts';

const MANY = `${root}examples/forwarded.eml ${root}examples/forwarded.eml`;

describe('the built program', () => {
  let sample: (id: string) => string;
  beforeAll(() => {
    sample = (id) => `$POSTERN ${id} ${(SAMPLES[id]?.[0] ?? []).join(' ')}`;
  });

  test.for(commandIds)('%s ends at once without a terminal and without input', async (id) => {
    const ran = await shell(`${sample(id)} </dev/null`);
    expect(ran.exit).toBe(SAMPLES[id]?.[1]);
  });

  test.for(commandIds)('%s survives a reader that leaves early', async (id) => {
    const ran = await shell(`(${sample(id)}; echo "exit $?" >&2) | head -1`);
    expect(ran.stderr).toMatch(/^exit [02]\n$/);
    expect(ran.stdout.split('\n')).toHaveLength(2);
  });

  test('prints more than 64 KiB into a pipe whole', async () => {
    const hops = Array.from(
      { length: 300 },
      (_, index) =>
        `Received: from h${index}.example ([192.0.2.1]) by h${index + 1}.example with ESMTPS id ${index};\r\n Tue, 24 Nov 2026 09:00:00 +0000\r\n`,
    ).join('');
    const ran = await runBuilt(['message', 'path', '-', '--json'], { input: `${hops}Subject: x\r\n\r\n` });
    expect(ran.stdout.length).toBeGreaterThan(200_000);
    expect(JSON.parse(ran.stdout).hops).toHaveLength(300);
  });

  test.for([
    ['an unknown command', ['frobnicate'], 127, /^postern: There is no command 'frobnicate'\./],
    [
      'an unknown command below a topic',
      ['mx', 'prob', 'x'],
      127,
      /'mx prob'\. Did you mean "postern mx probe"\?/,
    ],
    ['two words that are mistyped', ['mxx', 'prob', 'x'], 127, /'mxx'\. Did you mean "postern mx probe"\?/],
    ['a command the other way round', ['probe', 'mx'], 127, /Did you mean "postern mx probe"\?/],
    ['a verb alone', ['probe', 'x.test'], 127, /Did you mean "postern mx probe"\?/],
    [
      'a topic with a target',
      ['mx', 'x.test'],
      127,
      /Below "postern mx" there are: diff, policy, probe, tlsa, worker\./,
    ],
    ['a target alone', ['example.org'], 127, /"postern mx probe example\.org" or "postern domain check/],
    ['a file alone', [`${root}README.md`], 127, /To explain a message: "postern message check /],
    [
      'a flag before the command',
      ['--fail-on', 'warn', 'mx', 'probe', 'x.test'],
      64,
      /Flags follow it: "postern mx probe x\.test --fail-on warn"/,
    ],
    ['a wish for the version', ['version'], 127, /"postern --version"/],
    ['what help calls otherwise', ['help', 'colour'], 127, /"postern help environment" tells about it/],
    [
      'a message to be explained',
      ['explain', `${root}README.md`],
      64,
      /is explained by "postern message check/,
    ],
    ['a mistyped flag', ['mx', 'probe', 'x.test', '--jsno'], 64, /--jsno\. Did you mean --json\?/],
    [
      'the beginning of several flags',
      ['mx', 'probe', 'x.test', '--timeout'],
      64,
      /Did you mean --timeout-dns, --timeout-connect or --timeout-banner\?/,
    ],
    ['a flag like none', ['mx', 'probe', 'x.test', '--xyzzy'], 64, /--xyzzy\. "postern mx probe --help"/],
    ['a mistyped choice', ['mx', 'probe', 'x.test', '--fail-on=wran'], 64, /Did you mean --fail-on warn\?/],
    ['a mistyped story', ['demo', 'transprt'], 64, /Did you mean transport\?/],
    ['a missing target', ['mx', 'probe'], 64, /^postern: There is no target\./],
    ['a wrong value', ['mx', 'probe', 'x.test', '--port', 'many'], 64, /--port/],
    ['a serial number that is none', ['yubikey', 'lost', 'mine'], 64, /'mine' is no whole number\./],
    [
      'a number that is too small',
      ['validation', 'client', 'enable', '0'],
      64,
      /'0' is no whole number greater than or equal to 1\./,
    ],
    ['a wrong choice', ['mx', 'probe', 'x.test', '--color', 'blue'], 64, /auto, always, never/],
    ['a domain that is none', ['mx', 'probe', 'not a domain'], 64, /'not a domain' has spaces/],
    ['a wrong duration', ['mx', 'probe', 'x.test', '--timeout-dns', 'soon'], 64, /'soon' is not a duration/],
    ['a wrong resolver', ['mx', 'probe', 'x.test', '--resolver', 'http://x'], 64, /DNS server/],
    ['a missing configuration', ['mx', 'probe', 'x.test', '--config', '/nonexistent'], 78, /\/nonexistent/],
    ['an authority that is no file', ['mx', 'probe', 'x.test', '--ca', '/nonexistent'], 64, /--ca/],
    ['a wrong time', ['mx', 'probe', 'x.test', '--as-of', 'tomorrow'], 64, /--as-of/],
    ['a missing file', ['message', 'path', '/nonexistent'], 65, /'\/nonexistent': there is no such file/],
    ['a folder without a message', ['message', 'path', EMPTY_FOLDER], 65, /a folder without a message/],
    [
      'nothing on standard input',
      ['message', 'view'],
      65,
      /Standard input is empty\. .* by the name of a file or on/,
    ],
    ['an empty file', ['message', 'path', '/dev/null'], 65, /is empty/],
    ['a program in place of a message', ['message', 'path', process.execPath], 65, /is /],
    ['an output that cannot be written', ['help', '--output', '/nonexistent/x'], 73, /Cannot write/],
    ['questions without a terminal', ['send'], 64, /--from is missing\. It answers "Envelope sender"/],
    [
      'an argument that is missing beside another',
      ['mediator', 'add', 'bank.example'],
      64,
      /DOMAIN is missing .*"postern mediator add ENTRY DOMAIN"/,
    ],
    ['a wrong limit', ['throttle', 'policy', 'set', 'a.test', '20'], 64, /'20' is no limit/],
    ['a policy for no site', ['throttle', 'policy', 'set'], 64, /There is no site/],
    [
      'a service that is not there',
      ['throttle', 'blocks', '--service', 'unix:/nonexistent/x'],
      69,
      /no such socket/,
    ],
    [
      'a front with nothing behind it',
      ['throttle', 'serve', '--front', '127.0.0.1:0'],
      64,
      /nothing behind it/,
    ],
    ['an API over TCP without a token', ['throttle', 'serve', '--listen', '127.0.0.1:0'], 64, /need a token/],
    [
      'a file that is no message',
      ['send', '--from', 'a@x.test', '--to', 'b@x.test', '--file', '/dev/null'],
      65,
      /header/,
    ],
  ] as const)('%s is one clear line and its code', async ([, argv, exit, message]) => {
    const text = await runBuilt(argv);
    expect(text.exit).toBe(exit);
    expect(text.stderr).toMatch(message);
    expect(text.stderr.split('\n')).toHaveLength(2);
    expect(text.stdout).toBe('');
    const json = await runBuilt([...argv, '--json']);
    expect(json.exit).toBe(exit);
    documents['postern/error/1'].parse(JSON.parse(json.stdout));
  });

  test('a full disk is 73', async () => {
    expect((await shell('$POSTERN help exit-codes > /dev/full')).exit).toBe(73);
  });

  test('50 MB of one line are answered from the first megabyte', async () => {
    const ran = await shell("head -c 50000000 /dev/zero | tr '\\0' 'x' | $POSTERN message path -");
    expect(ran.exit).toBe(65);
    expect(ran.stderr).toMatch(/^postern: Standard input is no message/);
  });

  test('several targets are rows, the failed ones too, and the worst decides', async () => {
    const ran = await shell(`$POSTERN message path ${MANY} /nonexistent --json`);
    const rows = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'ok', 'unknown']);
    failedRow.parse(rows[2]);
    expect(ran.exit).toBe(3);
    expect((await shell(`$POSTERN message path ${MANY} /nonexistent --unknown ok`)).exit).toBe(0);
  });

  test('flags come from the environment and from the configuration, in this order', async () => {
    const probe = ['mx', 'probe', 'null.example', '--json'];
    const cache = `${root}test/fixtures/dns/null-mx.json`;
    const env = { POSTERN_OFFLINE: '1', POSTERN_DNS_CACHE: cache };
    expect((await runBuilt(probe, { env })).exit).toBe(0);
    expect(
      (await runBuilt(['mx', 'probe', 'null.example'], { env: { ...env, POSTERN_JSON: '1' } })).stdout,
    ).toContain('"schema"');
    const ran = await shell(
      `printf '{"commands": {"mx probe": {"offline": true, "dns-cache": "${cache}"}}}' > $DIR/c.json; $POSTERN ${probe.join(' ')} --config $DIR/c.json`,
      { DIR: '/tmp' },
    );
    expect(ran.exit).toBe(0);
    const wrong = await shell(
      `printf '{"port": "many"}' > /tmp/w.json; $POSTERN mx probe x.test --config /tmp/w.json`,
    );
    expect(wrong).toMatchObject({ exit: 78, stderr: expect.stringContaining('"port" is "many"') });
  });

  test('--version is answered with name, version and platform', async () => {
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    expect((await runBuilt(['--version'])).stdout).toMatch(new RegExp(`^postern/${version} \\S+ node-v`));
  });

  test('help is there for every command and topic, with the exit codes', async () => {
    for (const id of commandIds) {
      const { stdout, exit } = await runBuilt([...id.split(' '), '--help']);
      expect(exit).toBe(0);
      expect(stdout).toContain('EXIT CODES');
      expect((await runBuilt(['help', ...id.split(' ')])).stdout).toBe(stdout);
    }
    expect((await runBuilt(['mx'])).stdout).toContain('mx probe');
    expect((await runBuilt([])).stdout).toContain('postern mx probe example.org');
  });
});
