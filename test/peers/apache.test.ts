import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { ApacheWriter } from '../../src/throttle/apache/writer.ts';
import type { Warden } from '../../src/throttle/warden.ts';
import { needs } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { run } from '../helpers/run.ts';
import { answers, apacheFolder, startApache, stopChild, until } from '../helpers/throttle-fronts.ts';
import { ask, startThrottleLab, type ThrottleLab } from '../helpers/throttle-lab.ts';

// The part of a configuration that goes into a virtual host, in Debian's Apache.

const FOUR_MINUTES_MS = 240_000;

type Host = {
  readonly lab: ThrottleLab;
  readonly warden: Warden;
  readonly folder: string;
  readonly port: number;
  /** Write what Apache looks up, now. */
  write(): Promise<unknown>;
};

/** A site of files with rules of its own, and the throttle in front of it. @param logs  whether the log is read */
async function siteOfFiles(context: TestContext, { logs = false } = {}): Promise<Host> {
  needs(context, 'apache2', 'apache2-bin');
  const folder = apacheFolder();
  const port = await freePort();
  const log = join(folder, 'access.log');
  const lab = await startThrottleLab({
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    blockMs: FOUR_MINUTES_MS,
    ...(logs && { logs: [log] }),
  });
  await lab.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '20/2M' });
  const places = ['--access-log', log, '--apache-dir', join(folder, 'blocks'), '--out', folder];
  const ran = await run('throttle compile', ['apache', ...places, '--service', `unix:${lab.socket.path}`]);
  expect(ran.exit).toBe(0);
  mkdirSync(join(folder, 'site'));
  writeFileSync(join(folder, 'site/index.txt'), 'everything is here\n');
  writeFileSync(
    join(folder, 'site/.htaccess'),
    'RewriteEngine on\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.txt [L]\n',
  );
  const writer = new ApacheWriter(join(folder, 'blocks'));
  const { warden } = lab.daemon;
  await writer.prepare();
  await writer.write(warden);
  const apache = startApache(
    folder,
    `Listen 127.0.0.1:${port}
<VirtualHost 127.0.0.1:${port}>
    ServerName www.example.org
    Include ${folder}/postern-throttle.inc
    DocumentRoot ${folder}/site
    Redirect 503 /down
    ErrorDocument 503 "a page of its own"
    <Directory ${folder}/site>
        AllowOverride All
        Require all granted
    </Directory>
</VirtualHost>`,
  );
  onTestFinished(async () => {
    await stopChild(apache);
    await lab.close();
  });
  await answers(port);
  return { lab, warden, folder, port, write: () => writer.write(warden) };
}

const block = ({ warden }: Host, client: string) =>
  warden.block(warden.sites.named('www.example.org'), warden.clientNamed(client), FOUR_MINUTES_MS, '');

test('a site with rules of its own serves as before, and refuses whoever is blocked with the page and no other', async (context) => {
  const host = await siteOfFiles(context);
  const { port, folder } = host;
  const client = { from: '127.0.0.2' };
  expect(await ask(port, { ...client, path: '/any/where' })).toMatchObject({
    status: 200,
    body: 'everything is here\n',
  });
  // What is only there for whoever is refused cannot be asked for.
  expect((await ask(port, { ...client, path: '/.postern-throttle/429' })).status).toBe(404);
  block(host, '127.0.0.2');
  await host.write();
  for (const path of ['/', '/any/where', '/.postern-throttle/429', '/down']) {
    const { status, headers, body } = await ask(port, { ...client, path });
    expect([path, status]).toEqual([path, 429]);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    const date = String(headers['retry-after']);
    expect(Date.parse(date)).toBeGreaterThan(Date.now());
    expect(body).toContain(`Please come back after ${date}.`);
    expect(body).toContain('name="viewport"');
    expect(body.length).toBeLessThan(1024);
  }
  // A page of theirs stays theirs.
  expect(await ask(port, { path: '/down' })).toMatchObject({ status: 503, body: 'a page of its own' });
  rmSync(join(folder, 'blocks'), { recursive: true });
  expect((await ask(port, { ...client, path: '/any' })).status).toBe(200);
  expect(readFileSync(join(folder, 'error.log'), 'utf8')).not.toContain('RewriteMap');
});

test('no change is missed, however soon it follows another', async (context) => {
  const host = await siteOfFiles(context);
  const { port, warden } = host;
  const client = warden.clientNamed('127.0.0.3');
  const wrong: string[] = [];
  for (let turn = 0; turn < 100; turn += 1) {
    if (turn % 2 === 0) block(host, client.text);
    else warden.unblock(client, null);
    await host.write();
    // Several connections, so that both processes are asked.
    const statuses = await Promise.all([1, 2, 3].map(() => ask(port, { from: '127.0.0.3', path: '/any' })));
    if (statuses.some(({ status }) => status !== (turn % 2 === 0 ? 429 : 200))) wrong.push(`turn ${turn}`);
  }
  expect(wrong).toEqual([]);
});

/** Send bytes as they are. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.4' });
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
    socket.end(Buffer.from(text, 'latin1'));
  });
}

test('nothing that a client sends is another line or field of the log', async (context) => {
  const { lab, port } = await siteOfFiles(context, { logs: true });
  const forged = 'postern1\tl\t-\t192.0.2.9\twww.example.org\t9999999\tGET\t/\tx';
  const escaped = encodeURIComponent(`\n${forged}\n`);
  await raw(
    port,
    `GET /${escaped} HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: a\tb "c" \\ \xe9\x7f\r\n\r\n`,
  );
  await raw(port, `GET / HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: x\r\n ${forged}\r\n\r\n`);
  await raw(port, `GET / HTTP/1.1\r\nHost: a\t192.0.2.9\r\n\r\n`);
  await raw(port, `GET /\t${forged} HTTP/1.1\r\nHost: www.example.org\r\n\r\n`);
  await raw(port, `${forged}\r\n\r\n`);
  for (let sent = 0; sent < 20; sent += 1)
    await raw(port, `GET /?q=%09"\\ HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: a\t"b" \\\xe9\r\n\r\n`);
  type Shown = { blocks: { client: string; tipping: { userAgent: string; path: string } }[] };
  const blocks = async () => ((await lab.api('/v1/blocks')) as Shown).blocks;
  await until('the client is blocked', async () => (await blocks()).length > 0);
  const found = await blocks();
  expect(found.map(({ client }) => client)).toEqual(['127.0.0.4']);
  expect(found[0]?.tipping.userAgent).toMatch(/^a\\x09\\x22b\\x22 \\x5C\\xe9$/);
  const { clients } = (await lab.api('/v1/clients')) as { clients: { client: string }[] };
  expect(clients.map(({ client }) => client)).not.toContain('192.0.2.9');
  expect(lab.events.filter(({ event }) => event === 'log not understood')).toEqual([]);
});
