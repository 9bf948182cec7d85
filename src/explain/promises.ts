import type { Explanation } from './types.ts';

/** What a domain promises in the DNS about the keys of its exchangers. */
export const daneExplanations: readonly Explanation[] = [
  {
    id: 'dane.tlsa.records',
    what: 'TLSA records of an exchanger, at the name _25._tcp and its own, if its addresses are signed with DNSSEC.',
    why: 'They name the key or the authority of the server in signed DNS. Senders that follow DANE then insist on TLS with that very key: nobody on the way can strip STARTTLS or put a server of his own in between.',
    fix: 'Sign the zones of the domain and of its exchangers with DNSSEC, publish 3 1 1 with the SHA-256 of the server’s public key ("postern mx tlsa make"), and keep the key when the certificate is renewed.',
    programs: {
      bind: 'dnssec-policy default; in the zone, then _25._tcp.mx IN TLSA 3 1 1 and the digest.',
      postfix: 'For outgoing mail: smtp_dns_support_level = dnssec and smtp_tls_security_level = dane.',
      exim: 'For outgoing mail: dnssec_request_domains = * and hosts_try_dane = * in the smtp transport.',
    },
    ref: 'RFC 7672 §2.2, RFC 6698 §2',
  },
  {
    id: 'dane.tlsa.lookup',
    what: 'Whether the look-up of TLSA records gives an answer, if only a signed denial.',
    why: 'An error is no absence: who could suppress the records would switch the protection off. Senders that follow DANE therefore do not deliver to this host while the look-up fails, even if there are no records at all.',
    fix: 'Ask the zone’s name servers for that name themselves ("kdig +dnssec TLSA _25._tcp.mx.example.org"). They must deny it with signatures; old servers and load balancers that fail on unknown types have to be updated.',
    programs: { bind: 'Update, and look whether a firewall drops answers with unknown record types.' },
    ref: 'RFC 7672 §2.1.3',
  },
  {
    id: 'dane.tlsa.usable',
    what: 'Whether the TLSA records can be used for SMTP: usage 2 or 3, a known selector and matching type, data of the right length.',
    why: 'Usages 0 and 1 name public authorities, of which mail servers share no list. If no record is usable, senders insist on TLS and authenticate nobody: the promise is worth little.',
    fix: 'Publish 3 1 1 with the SHA-256 of the server’s public key ("postern mx tlsa make").',
    ref: 'RFC 7672 §3.1.3',
  },
  {
    id: 'dane.tlsa.match',
    what: 'Whether the certificate that the server presents fits one of its TLSA records.',
    why: 'If it does not, senders that follow DANE do not deliver, and the mail waits and comes back. Mostly a certificate was renewed with another key and the record forgotten.',
    fix: 'Publish the record of the key in use, or put the old key back. For the next change publish the record of the new key first, wait for the TTL, then change ("postern mx tlsa check").',
    programs: {
      postfix: 'Keep the key: certbot renew --reuse-key. smtpd_tls_chain_files names key and certificate.',
      exim: 'tls_privatekey and tls_certificate name key and certificate; keep the key when renewing.',
    },
    ref: 'RFC 7672 §3, RFC 7671 §8',
  },
  {
    id: 'dane.starttls',
    what: 'Whether a server with TLSA records offers TLS that works.',
    why: 'The records promise it. Senders that follow DANE never fall back to plaintext there: they do not deliver.',
    fix: 'Mend STARTTLS on the server, or take the TLSA records out of the zone until it works.',
    programs: {
      postfix: 'smtpd_tls_security_level = may, with smtpd_tls_chain_files.',
      exim: 'tls_advertise_hosts = *.',
    },
    ref: 'RFC 7672 §2.2',
  },
  {
    id: 'dane.mx',
    what: 'Whether the MX records that name the exchanger are signed as well.',
    why: 'Without it the server can be authenticated, but not that it is the one the domain chose: who forges the MX record leads mail to another server with a good TLSA record.',
    fix: 'Sign the domain’s own zone with DNSSEC, too.',
    ref: 'RFC 7672 §2.2.1',
  },
  {
    id: 'dane.rollover',
    what: 'Whether a second TLSA record is there for the next key.',
    why: 'With one record, key and record have to change at the same moment, which caches make impossible: mail stops in between.',
    fix: 'Publish the record of the next key beside the present one at least two TTLs before you change the key.',
    ref: 'RFC 7671 §8.1',
  },
  {
    id: 'dane.issuers',
    what: 'Authorities above the server’s certificate, where a record of usage 2 names one.',
    why: 'Public authorities change their intermediate certificates without notice; when the next renewal comes from another one, nothing matches and mail stops.',
    fix: 'Publish records for every intermediate that the authority issues with, or better a 3 1 1 of your own key.',
    ref: 'RFC 7671 §5.2',
  },
];

/** What a domain promises by its MTA-STS policy. */
export const mtaStsExplanations: readonly Explanation[] = [
  {
    id: 'mta-sts.record',
    what: 'The TXT record at _mta-sts that says that there is a policy.',
    why: 'It is how senders learn that the domain wants TLS with valid certificates, where DNSSEC is not to be had. Its id tells them when to fetch the policy again.',
    fix: 'Publish one record, "v=STSv1; id=20261125", with a new id at each change of the policy.',
    ref: 'RFC 8461 §3.1',
  },
  {
    id: 'mta-sts.policy',
    what: 'The policy itself, served by https://mta-sts.DOMAIN/.well-known/mta-sts.txt.',
    why: 'A policy that cannot be fetched, or is not valid, protects only against senders that still keep an older one.',
    fix: 'Serve it with a valid certificate for that name, status 200, without a redirect, as text/plain: version, mode, mx lines and max_age.',
    ref: 'RFC 8461 §3.2, §3.3',
  },
  {
    id: 'mta-sts.policy.form',
    what: 'The form of the policy: media type, line ends, every key but mx once.',
    why: 'Senders differ in how much they forgive.',
    fix: 'Serve it as text/plain, one "key: value" a line.',
    ref: 'RFC 8461 §3.2',
  },
  {
    id: 'mta-sts.policy.max-age',
    what: 'How long senders keep the policy.',
    why: 'It protects only while it is kept: who can hold a sender off from the policy host for that long gets past it.',
    fix: 'Raise max_age to weeks, such as 1209600, once everything works.',
    ref: 'RFC 8461 §3.2, §10.2',
  },
  {
    id: 'mta-sts.mx',
    what: 'Whether the policy names every exchanger of the domain.',
    why: 'In mode enforce senders must not deliver to one that it does not name. That happens when an exchanger is added and the policy forgotten.',
    fix: 'Add an mx line for it and give the record a new id; or take the exchanger out of the MX records.',
    ref: 'RFC 8461 §4.1',
  },
  {
    id: 'mta-sts.mx.unused',
    what: 'Whether the policy names hosts that are no exchangers.',
    why: 'It does no harm; it may be the next one, or a forgotten one that somebody else could get hold of.',
    fix: 'Take the line out if the host has gone for good.',
    ref: 'RFC 8461 §4.1',
  },
  {
    id: 'mta-sts.host.expiry',
    what: 'How long the certificate of the policy host is still valid.',
    why: 'When it expires the policy cannot be fetched any more, and new senders get no protection.',
    fix: 'Renew it now, and see why that was not done by itself.',
    ref: 'RFC 8461 §3.3',
  },
  {
    id: 'mta-sts.host.tls',
    what: 'The TLS versions that the policy host speaks.',
    why: 'It is a web server like any other: some senders ask with TLS 1.2, some with 1.3.',
    fix: 'Offer both.',
    ref: 'RFC 9325 §3.1',
  },
  {
    id: 'mta-sts.starttls',
    what: 'Whether an exchanger that the policy names offers TLS that works.',
    why: 'In mode enforce senders that follow MTA-STS do not deliver without it.',
    fix: 'Mend STARTTLS on the server, or set the policy’s mode to none until it works.',
    programs: {
      postfix: 'smtpd_tls_security_level = may, with smtpd_tls_chain_files.',
      exim: 'tls_advertise_hosts = *.',
    },
    ref: 'RFC 8461 §4.2',
  },
  {
    id: 'mta-sts.cert',
    what: 'Whether the exchanger’s certificate is what the policy demands: of a public authority, in date, for the name in the MX record.',
    why: 'In mode enforce senders that follow MTA-STS do not deliver otherwise.',
    fix: 'Get a certificate for the name in the MX record, send its whole chain, and renew it in time.',
    programs: {
      postfix: 'smtpd_tls_chain_files with key, certificate and intermediates in this order.',
      exim: 'tls_certificate with the certificate first, then the intermediates.',
      exchange: 'Enable-ExchangeCertificate -Services SMTP with a certificate for that name.',
    },
    ref: 'RFC 8461 §4.2',
  },
];
