import type { Explanation } from './types.ts';

export const dnsblExplanations: readonly Explanation[] = [
  {
    id: 'dnsbl.listed',
    what: 'An address or a domain that is on a block list.',
    why: 'Receivers that use the list refuse its mail, or hold it for spam. In "message check" it is a warning and decides nothing.',
    fix: 'First find out what was sent (a stolen password, an open form, a machine with malware) and stop it, then ask the operator for removal: who asks earlier is listed again. The list’s own words say why.',
    programs: {
      postfix:
        '"grep sasl_username" in the log counts who sends how much; smtpd_client_message_rate_limit slows it.',
      exim: '"A=" in the main log names who had logged in.',
      exchange: 'Get-MessageTrackingLog, grouped by Sender, tells who sends.',
    },
    ref: 'RFC 5782 §2',
  },
  {
    id: 'dnsbl.error',
    what: 'A list that answered with an error code, or could not be asked.',
    why: 'Lists tell blocked resolvers and heavy users so with addresses of their own. Programs that take every answer for a listing then refuse all mail. It is neither a listing nor a clean bill.',
    fix: 'Ask through a resolver of your own that does not forward, or with a key of the operator (--dqs-key-file).',
    programs: {
      postfix:
        'reject_rbl_client zen.example.net=127.0.0.[2..11] takes only what is a listing; the bare name takes errors, too.',
      exim: 'dnslists = zen.example.net=127.0.0.2,127.0.0.3 likewise.',
    },
    ref: 'RFC 5782 §2.1',
  },
  {
    id: 'dnsbl.timeout',
    what: 'A list that did not answer in time.',
    why: 'Nothing is known. A mail server that waits for it accepts mail slowly.',
    fix: 'Try again later; a list that stays silent should be taken out of your mail server.',
    ref: 'RFC 5782 §5',
  },
  {
    id: 'dnsbl.broken',
    what: 'A list that fails its own test: what is always on it is not, or everything is.',
    why: 'A list that was shut down ends like this: empty, so that it blocks nothing, or full, so that it blocks everybody.',
    fix: 'Do not use it. If only your resolver sees it so, ask another one.',
    ref: 'RFC 5782 §5',
  },
  {
    id: 'dnsbl.allowed',
    what: 'An address or domain that is on a list of good senders.',
    why: 'Some receivers let its mail pass more easily. It says nothing about a single message.',
    fix: 'Nothing.',
    ref: 'RFC 5782 §2',
  },
  {
    id: 'dnsbl.resolver.public',
    what: 'The resolver is one that half the world shares.',
    why: 'Many lists refuse such resolvers, or tell them "not listed" whatever is asked: then everything looks clean.',
    fix: 'Run a resolver of your own on this machine that does not forward, and name it with --resolver.',
    programs: { bind: 'recursion yes; and no "forwarders" in named.conf.' },
    ref: 'RFC 5782 §2.1',
  },
  {
    id: 'dnsbl.resolver.rewrites',
    what: 'The resolver answers for names that do not exist.',
    why: 'Providers do it to show advertisements. Every name would seem to be on every list.',
    fix: 'Use another resolver; such a one is unfit for a mail server.',
  },
];
