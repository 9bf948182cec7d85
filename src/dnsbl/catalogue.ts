import type { DnsList } from './types.ts';

const SPAMHAUS = 'https://check.spamhaus.org/';

/**
 * Lists that are known with their codes. Undocumented codes are told as such; they are no listing.
 * Where a list has its own test names beside those of RFC 5782 §5, they are here.
 */
export const CATALOGUE: readonly DnsList[] = [
  {
    zone: 'zen.spamhaus.org',
    title: 'Spamhaus ZEN',
    purpose: 'block',
    standard: true,
    takes: ['ipv4', 'ipv6'],
    keyedZone: 'zen.dq.spamhaus.net',
    removal: SPAMHAUS,
    codes: {
      kind: 'table',
      listed: {
        '127.0.0.2': 'SBL: sends spam',
        '127.0.0.3': 'CSS: sends spam in small doses',
        '127.0.0.4': 'XBL: an infected or misused machine',
        '127.0.0.9': 'DROP: a network in criminal hands',
        '127.0.0.10': 'PBL: not meant to send mail itself, says its provider',
        '127.0.0.11': 'PBL: not meant to send mail itself, says Spamhaus',
        '127.0.0.30': 'BCL: controls infected machines',
      },
      errors: {},
    },
  },
  {
    zone: 'bl.spamcop.net',
    title: 'SpamCop',
    purpose: 'block',
    standard: true,
    takes: ['ipv4'],
    removal: 'https://www.spamcop.net/bl.shtml',
    codes: { kind: 'table', listed: { '127.0.0.2': 'reported for spam' }, errors: {} },
  },
  {
    zone: 'psbl.surriel.com',
    title: 'Passive Spam Block List',
    purpose: 'block',
    standard: true,
    takes: ['ipv4'],
    removal: 'https://psbl.org/remove',
    codes: { kind: 'table', listed: { '127.0.0.2': 'sent spam to a trap' }, errors: {} },
  },
  {
    zone: 'b.barracudacentral.org',
    title: 'Barracuda (for registered resolvers)',
    purpose: 'block',
    standard: false,
    takes: ['ipv4'],
    removal: 'https://www.barracudacentral.org/rbl/removal-request',
    codes: { kind: 'table', listed: { '127.0.0.2': 'sends spam' }, errors: {} },
  },
  {
    zone: 'list.dnswl.org',
    title: 'DNSWL',
    purpose: 'allow',
    standard: true,
    takes: ['ipv4', 'ipv6'],
    removal: 'https://www.dnswl.org/',
    codes: { kind: 'dnswl' },
  },
  {
    zone: 'dbl.spamhaus.org',
    title: 'Spamhaus DBL',
    purpose: 'block',
    standard: true,
    takes: ['domain'],
    keyedZone: 'dbl.dq.spamhaus.net',
    testNames: ['dbltest.com'],
    removal: SPAMHAUS,
    codes: {
      kind: 'table',
      listed: {
        '127.0.1.2': 'a domain of low reputation',
        '127.0.1.4': 'phishing',
        '127.0.1.5': 'malware',
        '127.0.1.6': 'controls infected machines',
        '127.0.1.102': 'a good domain that is misused',
        '127.0.1.103': 'a redirector that is misused',
        '127.0.1.104': 'a good domain misused for phishing',
        '127.0.1.105': 'a good domain misused for malware',
        '127.0.1.106': 'a good domain misused to control infected machines',
      },
      errors: { '127.0.1.255': 'It takes domains only and was asked about an address.' },
    },
  },
  {
    zone: 'multi.surbl.org',
    title: 'SURBL',
    purpose: 'block',
    standard: true,
    takes: ['domain'],
    registered: true,
    testNames: ['surbl-org-permanent-test-point.com', 'test.surbl.org'],
    removal: 'https://surbl.org/surbl-analysis',
    codes: {
      kind: 'bits',
      bits: { 8: 'phishing', 16: 'malware', 64: 'advertised by spam', 128: 'a site that was broken into' },
    },
  },
  {
    zone: 'multi.uribl.com',
    title: 'URIBL',
    purpose: 'block',
    standard: true,
    takes: ['domain'],
    registered: true,
    testNames: ['test.uribl.com'],
    removal: 'https://admin.uribl.com/',
    codes: {
      kind: 'bits',
      bits: { 2: 'black: used by spammers', 4: 'grey: bulk mail', 8: 'red: new and suspicious' },
    },
  },
];

/** A list that is named by its zone: one of the catalogue, or any other, where every code is a listing. */
export function listOf(zone: string): DnsList {
  const known = CATALOGUE.find((list) => list.zone === zone);
  if (known !== undefined) return known;
  const takes = ['ipv4', 'ipv6', 'domain'] as const;
  return {
    zone,
    title: zone,
    purpose: 'block',
    standard: false,
    takes,
    removal: null,
    codes: { kind: 'any' },
  };
}
