import { expect, test } from 'vitest';
import { CATALOGUE, listOf } from '../../../src/dnsbl/catalogue.ts';
import { meaningOf } from '../../../src/dnsbl/codes.ts';
import { operatorOf } from '../../../src/dnsbl/resolver.ts';
import { labelsOf, parseSubject } from '../../../src/dnsbl/subject.ts';

test.for<[zone: string, address: string, kind: 'listed' | 'error', meaning: string]>([
  ['zen.spamhaus.org', '127.0.0.2', 'listed', 'SBL'],
  ['zen.spamhaus.org', '127.0.0.10', 'listed', 'PBL'],
  ['zen.spamhaus.org', '127.255.255.252', 'error', 'misspelled'],
  ['zen.spamhaus.org', '127.255.255.254', 'error', 'public resolvers'],
  ['zen.spamhaus.org', '127.255.255.255', 'error', 'Too many'],
  ['zen.spamhaus.org', '127.255.255.1', 'error', 'error'],
  ['zen.spamhaus.org', '127.0.0.99', 'error', 'not document'],
  ['dbl.spamhaus.org', '127.0.1.4', 'listed', 'phishing'],
  ['dbl.spamhaus.org', '127.0.1.255', 'error', 'domains only'],
  ['multi.surbl.org', '127.0.0.80', 'listed', 'malware, advertised by spam'],
  ['multi.surbl.org', '127.0.0.1', 'error', 'refuses'],
  ['multi.uribl.com', '127.0.0.1', 'error', 'refuses'],
  ['multi.uribl.com', '127.0.0.3', 'error', 'refuses'],
  ['multi.uribl.com', '127.0.0.2', 'listed', 'black'],
  ['multi.uribl.com', '127.0.0.16', 'error', 'not document'],
  ['list.dnswl.org', '127.0.5.2', 'listed', 'network provider, trust: medium'],
  ['list.dnswl.org', '127.0.10.0', 'listed', 'special case, trust: none'],
  ['list.dnswl.org', '127.0.0.255', 'error', 'does not answer to this resolver'],
  ['list.dnswl.org', '127.0.5.9', 'error', 'not document'],
  ['bl.spamcop.net', '203.0.113.80', 'error', 'outside 127.0.0.0/8'],
  ['bl.corp.example', '127.0.0.77', 'listed', 'listed'],
  ['bl.corp.example', '127.0.0.1', 'error', 'never a listing'],
  ['bl.corp.example', '128.0.0.2', 'error', 'outside'],
])('%s answers %s: %s', ([zone, address, kind, meaning]) => {
  expect(meaningOf(listOf(zone), address)).toEqual({ kind, meaning: expect.stringContaining(meaning) });
});

test('no list of the catalogue takes 127.0.0.1, a made-up code or a stranger’s address for a listing', () => {
  for (const list of CATALOGUE)
    for (const address of ['127.0.0.1', '127.9.9.9', '127.255.255.254', '192.0.2.1'])
      expect(meaningOf(list, address).kind, `${list.zone} ${address}`).toBe('error');
});

test.for<[subject: string, zone: string, labels: string]>([
  ['192.0.2.25', 'zen.spamhaus.org', '25.2.0.192'],
  ['[192.0.2.25]', 'zen.spamhaus.org', '25.2.0.192'],
  ['::ffff:192.0.2.25', 'zen.spamhaus.org', '25.2.0.192'],
  ['2001:db8::1', 'zen.spamhaus.org', '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2'],
  ['Mail.Example.ORG.', 'dbl.spamhaus.org', 'mail.example.org'],
  ['mail.example.co.uk', 'multi.surbl.org', 'example.co.uk'],
  ['www.bücher.example', 'multi.uribl.com', 'xn--bcher-kva.example'],
])('%s is asked at %s as %s', ([subject, zone, labels]) => {
  expect(labelsOf(parseSubject(subject), listOf(zone))).toBe(labels);
});

test.for(['10.0.0.7', '127.0.0.2', 'fe80::1', '0.0.0.0', 'a b', 'http://example.org/', 'joe@example.org'])(
  '%s is not asked about',
  (text) => {
    expect(() => parseSubject(text)).toThrow(expect.objectContaining({ code: 'E_TARGET' }));
  },
);

test('a private address is asked about where the list is one’s own', () => {
  expect(parseSubject('10.0.0.7', true)).toEqual({ kind: 'ipv4', text: '10.0.0.7' });
});

test.for<[server: string, operator: string | null]>([
  ['8.8.8.8:53', 'Google'],
  ['[2606:4700:4700::1111]:53', 'Cloudflare'],
  ['https://dns.quad9.net/dns-query', 'Quad9'],
  ['9.9.9.9', 'Quad9'],
  ['127.0.0.1:5353', null],
  ['cache', null],
])('the resolver %s belongs to %s', ([server, operator]) => {
  expect(operatorOf(server)).toBe(operator);
});
