import type { Explanation } from './types.ts';

export const srsExplanations: readonly Explanation[] = [
  {
    id: 'srs.length',
    what: 'A rewritten sender whose local part is longer than 64 octets.',
    why: 'That is the limit of SMTP; some servers refuse such an address, and its bounces never arrive.',
    fix: 'Use the shortest hash (--hash-length 4). What remains is the length of the sender’s own address.',
    programs: {
      postfix: 'PostSRSd has SRS_HASHLENGTH in /etc/default/postsrsd, and hash-length since version 2.',
    },
    ref: 'RFC 5321 §4.5.3.1.1',
  },
  {
    id: 'srs.case',
    what: 'A hash that fits only when capital and small letters count as the same.',
    why: 'A mail system on the way changed the case, which it must not do in a local part. The hash guards a little less then.',
    fix: 'Nothing, unless it happens often; then find the system that writes addresses in small letters.',
    ref: 'RFC 5321 §2.4',
  },
  {
    id: 'srs.hash',
    what: 'A hash that none of your secrets made.',
    why: 'Somebody made the address up to send mail through you, or the secret was changed since.',
    fix: 'Refuse the bounce. After a change of the secret keep the former one in the file, below the new one, for as long as addresses are taken.',
    programs: { postfix: 'PostSRSd takes several secrets, one a line; the first one signs.' },
  },
  {
    id: 'srs.short-hash',
    what: 'A hash with fewer characters than are demanded.',
    why: 'A hash of two characters is guessed in a thousand tries.',
    fix: 'Refuse the bounce; lower --min-hash-length only if your own software signs so short.',
  },
  {
    id: 'srs.expired',
    what: 'A rewritten address that is older than is allowed.',
    why: 'Bounces come within days. Who keeps such an address longer collects addresses to send to.',
    fix: 'Refuse the bounce; --max-age-days allows more days, if queues of your peers are that long.',
  },
  {
    id: 'srs.future',
    what: 'A rewritten address with a day that is still to come.',
    why: 'The stamp has 1024 days and then begins again: it is either very old or made up, or a clock is wrong.',
    fix: 'Refuse the bounce, and see that NTP keeps the clocks of all servers that rewrite.',
  },
];
