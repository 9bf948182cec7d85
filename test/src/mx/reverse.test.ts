import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStub, type Stub } from '../../../src/dns/stub.ts';
import { parseResolver } from '../../../src/dns/system.ts';
import { type DnsLab, startDnsServer } from '../../../src/lab/dns-server.ts';
import { iprev } from '../../../src/mx/reverse.ts';

let server: DnsLab;
let dns: Stub;
beforeAll(async () => {
  server = await startDnsServer({
    zone: {
      '1.2.0.192.in-addr.arpa': { PTR: ['mx.example.test'] },
      'mx.example.test': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
      '2.2.0.192.in-addr.arpa': { PTR: ['mx.example.test'] },
      '3.2.0.192.in-addr.arpa': { PTR: ['gone.test', 'mx.other.test'] },
      'mx.other.test': { A: ['192.0.2.3'] },
      '4.2.0.192.in-addr.arpa': { habit: 'SERVFAIL' },
      '5.2.0.192.in-addr.arpa': { PTR: ['fails.test'] },
      'fails.test': { habit: 'SERVFAIL' },
      '6.2.0.192.in-addr.arpa': { PTR: Array.from({ length: 40 }, (_, index) => `name${index}.test`) },
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': {
        PTR: ['mx.example.test'],
      },
    },
  });
  dns = createStub({ servers: [parseResolver(`127.0.0.1:${server.port}`)], timeoutMs: 500 });
});
afterAll(async () => {
  dns.close();
  await server.close();
});

test.for([
  ['192.0.2.1', 'pass', 'a name that leads back'],
  ['2001:db8::1', 'pass', 'the same for IPv6'],
  ['192.0.2.2', 'fail', 'a name that leads elsewhere'],
  ['192.0.2.3', 'pass', 'one of several names'],
  ['192.0.2.4', 'temperror', 'a failed look-up'],
  ['192.0.2.5', 'temperror', 'a name whose address cannot be told'],
  ['192.0.2.9', 'none', 'no name'],
] as const)('%s is %s: %s', async ([ip, result]) => {
  expect((await iprev(ip, dns)).result).toBe(result);
});

test('of forty names five are looked up', async () => {
  const before = server.queries.length;
  expect((await iprev('192.0.2.6', dns)).names).toHaveLength(5);
  expect(server.queries.length - before).toBe(6);
});
