import type { Explanation } from './types.ts';

/** Marks of a hop, as its line shows them, and the check that tells of them. */
export const HOP_MARKS: ReadonlyMap<string, string> = new Map([
  ...['sslv3', 'tls1.0', 'tls1.1', 'null-cipher', 'anonymous', 'export', 'rc4', 'des', '3des'].map(
    (mark) => [mark, 'path.hop.weak-tls'] as const,
  ),
  ...['impossible-tls', 'id-format', 'date-backwards', 'replayed', 'below-http', 'helo-own-name'].map(
    (mark) => [mark, 'path.forgery'] as const,
  ),
  ...['private-ip', 'chain-broken', 'future-date', 'before-date-header'].map(
    (mark) => [mark, 'path.forgery'] as const,
  ),
  ['slow', 'path.delay'],
  ['clock-skew', 'path.clock-skew'],
]);

export const pathExplanations: readonly Explanation[] = [
  {
    id: 'path.received',
    what: 'Whether there is any Received field.',
    why: 'Without one nothing can be said about the way; a draft, a sent copy or an export without headers looks like this.',
    fix: 'Get the message as it was received, with all headers ("show original", save as .eml).',
    ref: 'RFC 5321 §4.4',
  },
  {
    id: 'path.border.neighbour',
    what: 'Whether the host that handed the message in has a name like your own servers’.',
    why: 'Behind a mail exchanger of yours stands another server of yours, with a public address: then the line below is true, and the message entered there. It may as well be the machine of a customer of your network, who writes what he likes. A name does not tell, so the host is taken for a stranger, and SPF is asked about it.',
    fix: 'If the host is yours, name its address with --trusted-ip, or its name with --trusted-by; both can stand in the configuration.',
    ref: 'RFC 5321 §4.4',
  },
  {
    id: 'path.border.encrypted',
    what: 'Whether the hop on which the message entered your system was encrypted.',
    why: 'Your own server wrote that line, so it is evidence; everything older is what the sender claims. In plaintext, anybody on the way could read and change it.',
    fix: 'If it was plaintext, see with "mx probe" whether your server offers STARTTLS; if it does, the sender did not use it. If the border is not found, name your servers with --trusted-by or --trusted-ip.',
    programs: {
      postfix: 'smtpd_tls_received_header = yes writes version and cipher into the line.',
      exim: 'received_header_text has $tls_in_cipher by default.',
      exchange:
        'The line says version=TLS1_2 and cipher=…; "with ESMTP" or "with SMTP" alone is not enough to tell.',
    },
    ref: 'RFC 3848',
  },
  {
    id: 'path.hop.plaintext',
    what: 'Other hops that say nothing of TLS, or that say plaintext.',
    why: 'Before the border it is the sender’s affair, behind it your own: inside one building that may be as you want it, between two sites not.',
    fix: 'For hops of your own, demand TLS between your servers.',
    programs: {
      postfix: 'smtp_tls_policy_maps with "encrypt" or "verify" for your own relays.',
      exim: 'hosts_require_tls = * in the transport to your own relays.',
      exchange: 'Set-SendConnector -RequireTLS $true.',
    },
    ref: 'RFC 3848',
  },
  {
    id: 'path.hop.weak-tls',
    what: 'Hops with TLS that no longer counts as good: TLS 1.0 or 1.1, RC4, DES, export ciphers, no authentication.',
    why: 'It may be read by who records it; but it is still better than plaintext.',
    fix: 'Update the server on the weaker side of that hop.',
    ref: 'RFC 9325 §4',
  },
  {
    id: 'path.delay',
    what: 'Hops that took more than five minutes.',
    why: 'Greylisting, queues and filters show themselves here: it tells which server the message lay at.',
    fix: 'Ask the operator of the server that wrote the later line; its log has the reason.',
    programs: {
      postfix: 'delays= in the log: before the queue, in the queue, connecting, sending.',
      exim: 'QT= in the log is the time in the queue.',
      exchange: 'Get-MessageTrackingLog shows each step.',
    },
    ref: 'RFC 5321 §4.4',
  },
  {
    id: 'path.clock-skew',
    what: 'A hop that is dated before the one that came before it.',
    why: 'One of two clocks is wrong, or a line is forged. Delays around it mean nothing.',
    fix: 'Let NTP keep the clocks of your servers.',
    ref: 'RFC 5321 §4.4',
  },
  {
    id: 'path.date',
    what: 'Hops without a date that can be read.',
    why: 'Delays cannot be told there. Good software writes a date; forgers often forget the form.',
    fix: 'Nothing, if it is not your own server.',
    ref: 'RFC 5322 §3.3',
  },
  {
    id: 'path.forgery',
    what: 'Signs that a Received field was invented, or that an old message was sent again.',
    why: 'Spam often carries invented lines to look as if it came from somewhere else. No sign is proof by itself.',
    fix: 'Believe the border hop and what your own servers wrote; for the rest look at DKIM and at the address of the border hop.',
    ref: 'RFC 5321 §7.1',
  },
  {
    id: 'path.content',
    what: 'Whether the content itself is encrypted or signed (OpenPGP, S/MIME).',
    why: 'TLS protects the way between two servers; each of them sees the text. Only end-to-end encryption hides it from them.',
    fix: 'For what must stay secret, use OpenPGP or S/MIME.',
    ref: 'RFC 9580, RFC 8551',
  },
  {
    id: 'path.truncated',
    what: 'The header section is longer than what is read (1 MiB).',
    why: 'What comes later was not looked at.',
    fix: 'Such a message is not sent by mistake; look at it with care.',
  },
  {
    id: 'expect.queue-id',
    what: 'Whether a hop has the queue id that "postern send" printed (--expect).',
    why: 'That line is the receiver’s own record of the delivery: it proves that this is the message, and tells how it came.',
    fix: 'Look whether it is the same message. A gateway may have taken the line away, or the server wrote another id than it said.',
    ref: 'RFC 5321 §4.4',
  },
  {
    id: 'demand.plaintext',
    what: 'The demand --fail-if plaintext: no hop between two systems in plaintext.',
    why: 'You asked for it; where a line does not tell, that alone breaks nothing.',
    fix: 'See path.border.encrypted and path.hop.plaintext.',
  },
  {
    id: 'demand.tls-below',
    what: 'The demand --fail-if tls-below=VERSION: no hop with an older version.',
    why: 'You asked for it; a hop whose version is not told breaks nothing.',
    fix: 'See path.hop.weak-tls and tls.version.',
  },
  {
    id: 'demand.delay-over',
    what: 'The demand --fail-if delay-over=DURATION: no hop that took longer.',
    why: 'You asked for it.',
    fix: 'See path.delay.',
  },
];
