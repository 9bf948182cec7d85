import type { Explanation } from './types.ts';

const REQUIRED: readonly (readonly [kind: string, what: string, see: string])[] = [
  ['starttls', 'STARTTLS that works at every address', 'smtp.starttls.offered and tls.handshake'],
  ['tls1.2', 'TLS 1.2 or later at every address', 'tls.version'],
  ['tls1.3', 'TLS 1.3 at every address', 'tls.version'],
  [
    'cert',
    'a valid certificate for the exchanger’s name at every address',
    'cert.chain, cert.name and cert.expiry',
  ],
  ['dane', 'a TLSA record that matches at every address', 'dane.tlsa.records and dane.tlsa.match'],
  [
    'mta-sts',
    'an MTA-STS policy in mode enforce that every address keeps',
    'mta-sts.policy and mta-sts.cert',
  ],
  ['pq', 'a post-quantum key exchange at every address', 'tls.group'],
  ['expiry', 'a certificate that is valid for so many days more', 'cert.expiry'],
];

/** What is demanded with --require. */
export const requireExplanations: readonly Explanation[] = REQUIRED.map(([kind, what, see]) => ({
  id: `require.${kind}`,
  what: `The demand --require ${kind}: ${what}.`,
  why: 'You asked for it, so it decides the verdict; a server that could not be asked leaves it unknown.',
  fix: `See ${see}.`,
}));

const CHANGED: readonly (readonly [what: string, words: string, fix: string])[] = [
  [
    'starttls',
    'STARTTLS at an address: offered, failing or not offered',
    'If it is gone: was it switched off over there, or does something on the way strip it? Probe from another network.',
  ],
  ['tls.version', 'the TLS version that is negotiated', 'See tls.version.'],
  ['tls.postquantum', 'whether the key exchange holds against a quantum computer', 'See tls.group.'],
  [
    'cert.issuer',
    'who issued the certificate',
    'Ask yourself whether you changed the authority; a CAA record limits who may issue.',
  ],
  ['cert.trusted', 'whether the certificate’s chain leads to a known authority', 'See cert.chain.'],
  ['cert.covershost', 'whether the certificate is for the exchanger’s name', 'See cert.name.'],
  [
    'cert.key',
    'the key of the certificate',
    'With DANE, publish the TLSA record of the new key before the server shows it.',
  ],
  ['cert.notafter', 'until when the certificate is valid', 'A later date is a renewal; see cert.expiry.'],
  ['dane', 'how the certificate fits the TLSA records', 'See dane.tlsa.match.'],
  ['mta-sts', 'the mode of the MTA-STS policy', 'See mta-sts.policy.'],
  ['reached', 'whether the server could be asked', 'See smtp.connect.'],
  ['address', 'an address that came or went', 'Ask yourself whether you changed it.'],
];

/** What changed since an earlier result. */
export const diffExplanations: readonly Explanation[] = CHANGED.map(([what, words, fix]) => ({
  id: `diff.${what}`,
  what: `A change since the earlier result: ${words}.`,
  why: 'Encryption that was there and is gone looks the same whether an operator’s mistake or an attack took it; other changes are worth knowing when something stops to work.',
  fix,
}));
