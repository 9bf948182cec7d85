import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAuthority } from '../../src/lab/certificates.ts';
import { type DnsLab, startDnsServer } from '../../src/lab/dns-server.ts';
import type { MessagePathResult } from '../../src/schema/message-path.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';
import type { SendResult } from '../../src/schema/send.ts';
import { runBuilt } from '../helpers/run.ts';
import { type EximServer, eximProgram, startExim } from './exim.ts';

/** Exim with GnuTLS, well and without a certificate: what it writes into Received is not what Postfix writes. */

const program = eximProgram();
const folder = mkdtempSync(join(tmpdir(), 'postern-exim-test-'));
const ca = join(folder, 'ca.pem');
const servers: EximServer[] = [];
let dns: DnsLab;

beforeAll(async () => {
  dns = await startDnsServer({
    zone: {
      'exim.test': { MX: [{ preference: 10, exchange: 'mx.exim.test' }] },
      'mx.exim.test': { A: ['127.0.0.1'] },
    },
  });
  if (program === undefined || process.getuid?.() !== 0) return;
  const authority = await createAuthority('Exim peer authority', Date.now());
  writeFileSync(ca, authority.certificatePem);
  servers.push(await startExim(program, await authority.issue({ names: ['mx.exim.test'] })));
  servers.push(await startExim(program, null));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await dns.close();
});

beforeEach((context) => {
  if (servers.length > 0) return;
  const reason =
    program === undefined
      ? 'POSTERN_EXIM names no unpacked exim4-daemon-light: apt-get download exim4-daemon-light; dpkg -x'
      : 'Exim is started by root only';
  if (process.env['POSTERN_REQUIRE_ALL']) throw new Error(reason);
  context.skip(reason);
});

function flagsFor({ port }: EximServer): string[] {
  const resolver = ['--resolver', `127.0.0.1:${dns.port}`, '--ca', ca, '--ehlo', 'client.test'];
  return ['--port', String(port), '--allow-private', '--json', ...resolver];
}

async function send(server: EximServer, policy: string, exit: number) {
  const addresses = ['--from', 'anna@sender.test', '--to', 'you@exim.test'];
  const ran = await runBuilt(['send', ...addresses, '--policy', policy, ...flagsFor(server)]);
  expect(ran.exit).toBe(exit);
  const [delivery] = (JSON.parse(ran.stdout) as SendResult).deliveries;
  return delivery ?? expect.unreachable();
}

/** The message as it arrived, read by `message path`; as if it came from outside, since loopback is no way to guard. */
async function pathOf(server: EximServer, id: string) {
  const file = join(folder, `${id}.eml`);
  const arrived = (await server.message(id)).toString('latin1');
  writeFileSync(file, arrived.replaceAll('[127.0.0.1]', '[192.0.2.7]'), 'latin1');
  const ran = await runBuilt(['message', 'path', file, '--expect', id, '--json']);
  return { exit: ran.exit, result: JSON.parse(ran.stdout) as MessagePathResult };
}

test('Exim is probed: TLS 1.3 and a valid certificate', async () => {
  const [exim = expect.unreachable()] = servers;
  const demands = ['--require', 'starttls,tls1.3,cert'];
  const ran = await runBuilt(['mx', 'probe', 'exim.test', ...flagsFor(exim), ...demands]);
  expect(ran.exit).toBe(0);
  const { hosts } = JSON.parse(ran.stdout) as MxProbeResult;
  expect(hosts[0]?.addresses[0]).toMatchObject({
    starttls: 'offered',
    tls: { version: 'TLSv1.3' },
    banner: expect.stringContaining('Exim'),
  });
});

test('what send says of an encrypted delivery to Exim, its Received line confirms', async () => {
  const [exim = expect.unreachable()] = servers;
  const delivery = await send(exim, 'verify', 0);
  expect(delivery).toMatchObject({ status: 'delivered', encrypted: true, fallback: null });
  const { exit, result } = await pathOf(exim, delivery.queueId ?? '');
  expect(exit).toBe(0);
  expect(result.hops[0]).toMatchObject({
    id: delivery.queueId,
    encrypted: 'yes',
    tls: { version: delivery.tls?.version },
    bySoftware: expect.stringContaining('Exim'),
  });
});

test('an Exim without its certificate is critical for probe, and send falls back and says so', async () => {
  const [, broken = expect.unreachable()] = servers;
  const probed = await runBuilt(['mx', 'probe', 'exim.test', ...flagsFor(broken)]);
  const { hosts } = JSON.parse(probed.stdout) as MxProbeResult;
  expect(hosts[0]?.addresses[0]).toMatchObject({ starttls: 'offered', tls: null });
  expect(probed.exit).not.toBe(0);

  const delivery = await send(broken, 'opportunistic', 0);
  expect(delivery).toMatchObject({ status: 'delivered', encrypted: false, fallback: { from: 'starttls' } });
  const { exit, result } = await pathOf(broken, delivery.queueId ?? '');
  expect(exit).toBe(1);
  expect(result.hops[0]).toMatchObject({ id: delivery.queueId, encrypted: 'no', with: 'esmtp' });
});

test('under "encrypt" that Exim gets nothing', async () => {
  const [, broken = expect.unreachable()] = servers;
  expect(await send(broken, 'encrypt', 3)).toMatchObject({
    status: 'deferred',
    fallback: null,
    queueId: null,
  });
});
