// Mail servers and a name server for benchmarks, in a process of their own:
//   node bench/lab-of-many.ts SERVERS DOMAINS DELAY_MS
// Domain i is d<i>.test, its exchanger mx.d<i>.test or, when servers are shared, one of SERVERS; before each server
// stands a proxy that holds back every byte for DELAY_MS in each direction, a new connection included. Prints one
// line of JSON when all is ready; on SIGTERM it prints what it counted and ends.
import { connect, createServer, type Socket } from 'node:net';
import { createAuthority } from '../src/lab/certificates.ts';
import { type LabName, startDnsServer } from '../src/lab/dns-server.ts';
import { findSharedPort, startMailServer } from '../src/lab/mail-server.ts';

const [servers = 200, domains = servers, delayMs = 50] = process.argv.slice(2).map(Number);

/** Of the proxies (127.20.0.0/16) and of the servers behind them (127.21.0.0/16). */
function address(net: 20 | 21, index: number): string {
  return `127.${net}.${index >> 7}.${(index & 127) + 1}`;
}

function later(action: () => void): void {
  if (delayMs === 0) action();
  else setTimeout(action, delayMs);
}

/** Pass on what comes, each piece `delayMs` later; setTimeout keeps the order. */
function pass(from: Socket, to: Socket): void {
  from.on('data', (chunk: Buffer) => later(() => to.destroyed || to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => later(() => to.destroy()));
}

/** Connections to one server at this moment, and the most that there ever were. */
const counts = Array.from({ length: servers }, () => ({ now: 0, most: 0, all: 0 }));

async function startProxy(index: number, port: number, behind: number): Promise<void> {
  const count = counts[index];
  if (!count) return;
  const proxy = createServer({ allowHalfOpen: true }, (client) => {
    count.all += 1;
    count.now += 1;
    count.most = Math.max(count.most, count.now);
    client.once('close', () => (count.now -= 1));
    client.setNoDelay();
    const early: Buffer[] = [];
    const keep = (chunk: Buffer) => early.push(chunk);
    client.on('error', () => undefined).on('data', keep);
    later(() => {
      const server = connect({ host: address(21, index), port: behind, noDelay: true, allowHalfOpen: true });
      client.off('data', keep);
      for (const chunk of early) server.write(chunk);
      pass(client, server);
      pass(server, client);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(port, address(20, index), resolve));
}

const every = Array.from({ length: servers }, (_, index) => index);
const port = await findSharedPort(every.map((index) => address(20, index)));
const behind = await findSharedPort(every.map((index) => address(21, index)));
const authority = await createAuthority('Benchmark authority', Date.now());
const certificate = await authority.issue({ names: every.map((index) => `mx.d${index}.test`) });
for (const index of every) {
  const at = { host: address(21, index), port: behind };
  await startMailServer({ hostname: `mx.d${index}.test`, certificates: [certificate], ...at });
  await startProxy(index, port, behind);
}
const zone: Record<string, LabName> = {};
for (const index of every) zone[`mx.d${index}.test`] = { A: [address(20, index)] };
for (let index = 0; index < domains; index++) {
  zone[`d${index}.test`] = { MX: [{ preference: 10, exchange: `mx.d${index % servers}.test` }] };
}
const dns = await startDnsServer({ zone });
process.stdout.write(
  `${JSON.stringify({ port, dns: dns.port, addresses: every.map((index) => address(20, index)) })}\n`,
);
process.once('SIGTERM', () => {
  const most = Math.max(...counts.map((count) => count.most));
  const all = counts.reduce((sum, count) => sum + count.all, 0);
  process.stdout.write(`${JSON.stringify({ most, all })}\n`);
  process.exit(0);
});
