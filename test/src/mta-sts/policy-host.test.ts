import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import { type Authority, createAuthority } from '../../../src/lab/certificates.ts';
import { type PolicyHostHabit, type PolicyHostLab, startPolicyHost } from '../../../src/lab/policy-host.ts';
import { mtaStsChecks } from '../../../src/mta-sts/checks.ts';
import { findMtaSts } from '../../../src/mta-sts/find.ts';
import { checkPolicyHost } from '../../../src/mta-sts/policy-host.ts';
import type { MtaStsWorld } from '../../../src/mta-sts/types.ts';
import { root } from '../../helpers/run.ts';

const NOW_MS = Date.now();
const HOST = 'mta-sts.example.test';
const POLICY = 'version: STSv1\nmode: enforce\nmx: mx.example.test\nmax_age: 604800\n';

let authority: Authority;
const running: PolicyHostLab[] = [];
beforeAll(async () => {
  authority = await createAuthority('Test authority', NOW_MS);
});
afterAll(() => Promise.all(running.map((server) => server.close())));

async function start(habit: PolicyHostHabit): Promise<PolicyHostLab> {
  const server = await startPolicyHost({ name: HOST, authority, nowMs: NOW_MS, policy: POLICY, habit });
  running.push(server);
  return server;
}

function question(port: number, timeoutMs = 20_000) {
  return { host: HOST, ip: '127.0.0.1', port, ca: [authority.certificatePem], timeoutMs };
}

describe('a policy host that', () => {
  test.for([
    ['good', 'offered', 'offered'],
    ['tls12-only', 'offered', 'refused'],
    ['tls13-only', 'refused', 'offered'],
    ['tls11-only', 'refused', 'refused'],
    ['expired', 'unknown', 'unknown'],
    ['wrong-name', 'unknown', 'unknown'],
    ['self-signed', 'unknown', 'unknown'],
  ] as const)('is %s: TLS 1.2 %s, TLS 1.3 %s', async ([habit, tls12, tls13]) => {
    const { port } = await start(habit);
    expect(await checkPolicyHost(question(port))).toEqual({ 'TLSv1.2': tls12, 'TLSv1.3': tls13 });
  });

  test('never answers the handshake is unknown when the time is over', async () => {
    const { port } = await start('hang-tls');
    expect(await checkPolicyHost(question(port, 1_500))).toEqual({
      'TLSv1.2': 'unknown',
      'TLSv1.3': 'unknown',
    });
  });

  test('is not there is unknown', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    expect(await checkPolicyHost(question(port))).toEqual({ 'TLSv1.2': 'unknown', 'TLSv1.3': 'unknown' });
  });
});

test('the check of versions is called off with the reason', async () => {
  const { port } = await start('hang-tls');
  const controller = new AbortController();
  const checking = checkPolicyHost({ ...question(port), signal: controller.signal });
  setTimeout(() => controller.abort(new Error('called off')), 200);
  await expect(checking).rejects.toThrow('called off');
});

/** A search for the policy of a host on loopback, with the versions. */
function world(port: number): MtaStsWorld {
  return {
    dns: recordedResolver({
      '_mta-sts.example.test': { TXT: [['v=STSv1; id=1']] },
      [HOST]: { A: ['127.0.0.1'], AAAA: [] },
    }),
    httpsPort: port,
    allowPrivate: true,
    offline: true,
    ca: authority.certificatePem,
    now: () => NOW_MS,
    cache: null,
    timeoutMs: 20_000,
    checkVersions: true,
  };
}

test('the versions are told beside the policy when they are asked for', async () => {
  const { port } = await start('tls12-only');
  const found = await findMtaSts('example.test', world(port));
  expect(found).toMatchObject({ versions: { 'TLSv1.2': 'offered', 'TLSv1.3': 'refused' } });
  const check = mtaStsChecks('example.test', found, []).find(({ id }) => id === 'mta-sts.host.tls');
  expect(check).toMatchObject({
    info: true,
    message: `The policy host ${HOST} speaks TLSv1.2.`,
    evidence: 'TLSv1.2 offered, TLSv1.3 refused at 127.0.0.1',
  });
});

describe('in the bundle', () => {
  test('the worker is found from where the build puts the code that starts it', async () => {
    const dir = join(mkdtempSync(join(tmpdir(), 'postern-bundle-')), 'dist');
    const bundle = await rolldown({
      cwd: root,
      input: {
        'commands/mx/find': 'src/mta-sts/find.ts',
        'policy-host-worker': 'src/mta-sts/policy-host-worker.ts',
      },
      platform: 'node',
      external: [/^node:/],
    });
    await bundle.write({
      dir,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
    });
    const bundled = (await import(
      /* @vite-ignore */ pathToFileURL(join(dir, 'commands/mx/find.js')).href
    )) as {
      findMtaSts: typeof findMtaSts;
    };
    const { port } = await start('tls12-only');
    const found = await bundled.findMtaSts('example.test', world(port));
    expect(found).toMatchObject({ versions: { 'TLSv1.2': 'offered', 'TLSv1.3': 'refused' } });
  });

  test('the worker that was built answers', async () => {
    const { port } = await start('good');
    const { timeoutMs: _, ...workerData } = question(port);
    const worker = new Worker(join(root, 'dist', 'policy-host-worker.js'), { workerData });
    const answers: unknown[] = [];
    worker.on('message', (answer) => answers.push(answer));
    await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
    expect(answers).toEqual([
      { version: 'TLSv1.2', answer: 'offered' },
      { version: 'TLSv1.3', answer: 'offered' },
    ]);
  });
});
