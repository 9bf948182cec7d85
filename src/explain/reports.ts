import type { Explanation } from './types.ts';

const TLS: readonly (readonly [result: string, what: string, fix: string])[] = [
  [
    'starttls-not-supported',
    'A sender saw no STARTTLS in the answer to EHLO.',
    'Switch it on at the server that is named. If it is on, something between takes it out: a firewall with "SMTP inspection" is the usual one.',
  ],
  [
    'certificate-host-mismatch',
    'The certificate has other names than the MX record.',
    'Issue one with the name of the exchanger; for MTA-STS the mx lines of the policy have to cover it, too.',
  ],
  [
    'certificate-expired',
    'The certificate had run out.',
    'Renew it, and make the renewal reload the mail server: many run for weeks with what they read at the start.',
  ],
  [
    'certificate-not-trusted',
    'No authority that the sender knows stands behind the certificate.',
    'Send the intermediate certificates as well ("fullchain"), from a public authority. Under DANE it means that no TLSA record matched the chain.',
  ],
  [
    'validation-failure',
    'TLS failed in a way that the report does not name.',
    'Look at the evidence and at what "postern mx probe --transcript" shows.',
  ],
  [
    'tlsa-invalid',
    'No TLSA record matched, or they could not be used.',
    'Publish records that match the certificate in use, and the next one before it is changed: "postern mx tlsa check".',
  ],
  [
    'dnssec-invalid',
    'The sender’s resolver found the zone’s signatures wrong.',
    'Mend the zone: an expired signature or a DS record that does not fit any more. Until then nothing in it is believed.',
  ],
  [
    'dane-required',
    'A sender is set to demand DANE, and found none that can be used.',
    'Publish TLSA records in a signed zone, or ask the sender to demand less.',
  ],
  [
    'sts-policy-fetch-error',
    'The MTA-STS policy could not be fetched.',
    'The file https://mta-sts.DOMAIN/.well-known/mta-sts.txt has to be answered with 200, without a redirect, within a minute, with a valid certificate.',
  ],
  [
    'sts-policy-invalid',
    'The MTA-STS policy has a mistake.',
    'It is text/plain with the lines version, mode, mx and max_age: "postern mx probe" tells the line.',
  ],
  [
    'sts-webpki-invalid',
    'The policy host’s certificate is not valid.',
    'Renew the certificate of mta-sts.DOMAIN; it is not the one of the mail server.',
  ],
];

const tlsExplanations: readonly Explanation[] = TLS.map(([result, what, fix]) => ({
  id: `report.tls.${result}`,
  what,
  why: 'Under DANE, or MTA-STS in mode enforce, the mail of these sessions was not delivered; otherwise it went without protection, or by another server.',
  fix,
  ref: 'RFC 8460 §4.3',
}));

export const reportExplanations: readonly Explanation[] = [
  ...tlsExplanations,
  {
    id: 'report.tls.passing',
    what: 'Sessions that were encrypted as the policy asks.',
    why: 'It tells that the reports are about living traffic, and how much.',
    fix: 'Nothing.',
    ref: 'RFC 8460 §4.2',
  },
  {
    id: 'report.tls.unexplained',
    what: 'Failed sessions that a report counts and does not describe.',
    why: 'Some senders leave the details out. Something is wrong all the same.',
    fix: 'Look for yourself with "postern mx probe", also at hours when it is said to fail.',
    ref: 'RFC 8460 §4.4',
  },
  {
    id: 'report.dmarc.passing',
    what: 'Messages in the domain’s name that pass DMARC, by DKIM or by SPF.',
    why: 'They are the mail that the domain’s owner has under control.',
    fix: 'Nothing.',
    ref: 'RFC 9989 §5',
  },
  {
    id: 'report.dmarc.broken',
    what: 'Messages with the domain’s own DKIM signature, which failed, and without SPF.',
    why: 'They are most likely your own. With a policy of quarantine or reject they are lost.',
    fix: 'Compare the DKIM record with the key that signs (the selector is in the report), and look for what changes messages after signing: footers, virus scanners, line lengths.',
    programs: {
      postfix: 'Sign last: the DKIM milter behind every filter that changes messages.',
      exchange: 'A transport rule that adds a disclaimer has to run before signing.',
    },
    ref: 'RFC 6376 §8.15',
  },
  {
    id: 'report.dmarc.misaligned',
    what: 'Messages that are authenticated, but as another domain than the one in From.',
    why: 'That is how a newsletter or ticket service looks that was not told to send in your name. DMARC counts it as failed.',
    fix: 'If the service is yours, let it sign with a key under your domain (it gives you the records), or use a return path under it. If it is not, it is somebody’s who uses your name.',
    ref: 'RFC 9989 §4.4',
  },
  {
    id: 'report.dmarc.unauthenticated',
    what: 'Messages in the domain’s name that nobody stands for.',
    why: 'A forgotten server of your own, or forgers. With a policy of none they are delivered like your own.',
    fix: 'Look whether you know the addresses. What is yours has to sign; then a policy of quarantine or reject deals with the rest.',
    ref: 'RFC 9989 §5',
  },
  {
    id: 'report.dmarc.ready',
    what: 'All mail passes, and the policy asks receivers to do nothing about mail that does not.',
    why: 'The work is done and the protection is not switched on.',
    fix: 'Collect some weeks of reports, so that rare senders show up, then p=quarantine, then p=reject.',
    ref: 'RFC 9989 §7',
  },
  {
    id: 'report.unreadable',
    what: 'A file among several that is no report, or is damaged.',
    why: 'The sums are without it, so they may look better than things are.',
    fix: 'Save it again as it came. Some mail programs change attachments when they forward them.',
    ref: 'RFC 7489 §7.2.1.1',
  },
];
