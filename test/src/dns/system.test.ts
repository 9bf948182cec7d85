import { describe, expect, test } from 'vitest';
import { serverLabel } from '../../../src/dns/server.ts';
import { parseResolver, readResolvConf } from '../../../src/dns/system.ts';

describe('resolv.conf', () => {
  const hosts = (text: string) => readResolvConf(text).servers.map(serverLabel);

  test('without servers is the one on this machine, with the defaults of libc', () => {
    expect(readResolvConf('')).toEqual({
      servers: [{ kind: 'plain', host: '127.0.0.1', port: 53 }],
      timeoutMs: 5000,
      retries: 1,
      trustAd: false,
    });
  });

  test('gives three servers at most, IPv6 and scopes included', () => {
    const text = [
      '# nameserver 9.9.9.9',
      '; nameserver 9.9.9.8',
      'search example.org',
      'nameserver  192.0.2.1  # the first',
      '\tnameserver 2001:db8::1\r',
      'nameserver dns.example',
      'nameserver',
      'nameserver fe80::1%eth0',
      'nameserver 192.0.2.4',
    ].join('\n');
    expect(hosts(text)).toEqual(['192.0.2.1:53', '[2001:db8::1]:53', '[fe80::1%eth0]:53']);
  });

  test('gives its options; the last of a kind counts', () => {
    const text =
      'nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions edns0 trust-ad timeout:1\noptions timeout:2 attempts:3';
    expect(readResolvConf(text)).toMatchObject({ timeoutMs: 2000, retries: 5, trustAd: true });
  });

  test.for([
    ['timeout:0 attempts:x', 5000, 1],
    ['timeout:-1 attempts:', 5000, 1],
    ['timeout:999 attempts:999', 30_000, 4],
  ] as const)('keeps options %j within reason', ([options, timeoutMs, retries]) => {
    expect(readResolvConf(`options ${options}`)).toMatchObject({ timeoutMs, retries });
  });
});

function refusalOf(text: string): unknown {
  try {
    return parseResolver(text);
  } catch (error) {
    return error;
  }
}

describe('--resolver', () => {
  test.for([
    ['192.0.2.1', '192.0.2.1:53'],
    ['192.0.2.1:5353', '192.0.2.1:5353'],
    ['2001:db8::1', '[2001:db8::1]:53'],
    ['[2001:db8::1]', '[2001:db8::1]:53'],
    ['[2001:db8::1]:5353', '[2001:db8::1]:5353'],
    ['fe80::1%eth0', '[fe80::1%eth0]:53'],
    ['localhost:5353', 'localhost:5353'],
    ['DNS.example', 'dns.example:53'],
    ['tls://192.0.2.1', 'tls://192.0.2.1:853'],
    ['TLS://dns.example:8853', 'tls://dns.example:8853'],
    ['tls://[2001:db8::1]:8853#dns.example', 'tls://[2001:db8::1]:8853'],
    ['https://dns.example', 'https://dns.example/dns-query'],
    ['https://dns.example/', 'https://dns.example/dns-query'],
    ['HTTPS://dns.example:8443/q', 'https://dns.example:8443/q'],
    ['https://[2001:db8::1]/dns-query', 'https://[2001:db8::1]/dns-query'],
  ] as const)('%s is %s', ([text, label]) => {
    expect(serverLabel(parseResolver(text))).toBe(label);
  });

  test('knows the name a certificate is for', () => {
    expect(parseResolver('tls://192.0.2.1#dns.example')).toMatchObject({
      host: '192.0.2.1',
      name: 'dns.example',
    });
    expect(parseResolver('tls://192.0.2.1')).toMatchObject({ name: null });
  });

  test.for([
    ['', 'empty'],
    ['udp://192.0.2.1', 'tls:// and https://'],
    ['http://dns.example/dns-query', 'tls:// and https://'],
    ['192.0.2.1:0', 'port'],
    ['192.0.2.1:65536', 'port'],
    ['192.0.2.1:domain', 'HOST:PORT'],
    ['[dns.example]:53', 'IPv6'],
    ['[2001:db8::1', 'HOST:PORT'],
    ['2001:db8::zz', 'HOST:PORT'],
    ['a b', 'spaces'],
    ['tls://', 'empty'],
    ['tls://192.0.2.1/x', 'characters'],
    ['tls://192.0.2.1#', 'empty'],
    ['tls://192.0.2.1#a#b', '#'],
    ['https://', 'URL'],
    ['https://user:secret@dns.example/', 'user name'],
    ['https://dns.example/dns-query{?dns}', 'more than an address'],
    ['https://dns.example/#x', 'more than an address'],
  ] as const)('%j is refused: %s', ([text, reason]) => {
    expect(refusalOf(text)).toMatchObject({
      code: 'E_RESOLVER',
      exit: 64,
      message: expect.stringContaining(reason),
    });
  });
});
