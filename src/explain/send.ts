import type { Explanation } from './types.ts';

export const sendExplanations: readonly Explanation[] = [
  {
    id: 'send.encrypted',
    what: 'Whether the message was delivered encrypted, and if not, why.',
    why: 'A fallback to plaintext is what other programs do silently. Here it is told, with the step that failed.',
    fix: 'Probe the server with "mx probe". --policy encrypt, verify or secure does not send in plaintext; --fail-on-plaintext tells a script.',
    programs: {
      postfix: 'smtp_tls_security_level = may does the same; "encrypt" or "dane" is stricter.',
      exim: 'hosts_require_tls in the transport is stricter.',
    },
    ref: 'RFC 3207 §4, RFC 7435',
  },
  {
    id: 'send.deferred',
    what: 'The message was not delivered now, but may be later.',
    why: 'Greylisting, a full mailbox, a server that is down, or a policy that forbids plaintext. Nothing is queued here: send it again.',
    fix: 'Read the words of the server; try again in a quarter of an hour.',
    ref: 'RFC 5321 §4.2.1, RFC 6647',
  },
  {
    id: 'send.refused',
    what: 'The message was refused for good.',
    why: 'Trying again brings the same answer: an unknown mailbox, a block list, a message that is too large.',
    fix: 'Read the words of the server; block lists name themselves there.',
    ref: 'RFC 5321 §4.2.1, RFC 3463',
  },
  {
    id: 'send.unknown',
    what: 'It is not known whether the message arrived.',
    why: 'The connection broke between the end of the message and the answer to it: the server may have it.',
    fix: 'Ask the recipient, or look into the log there, before you send it again.',
    ref: 'RFC 5321 §4.5.3.2.6, RFC 1047',
  },
  {
    id: 'send.stopped',
    what: 'A rehearsal (--stop-after): the conversation went as far as asked, and no message was sent.',
    why: 'It shows whether a server can be reached, encrypts, and takes the recipient, without bothering anybody.',
    fix: 'Leave --stop-after out to send the message.',
  },
];
