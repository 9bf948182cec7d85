import type { Explanation } from './types.ts';

export const tlsExplanations: readonly Explanation[] = [
  {
    id: 'tls.handshake',
    what: 'Whether the TLS handshake after STARTTLS succeeds.',
    why: 'It was offered and begun, but does not work: opportunistic senders deliver in plaintext, and most say so to nobody.',
    fix: 'Look at the server’s TLS log for this time. Key and certificate that do not belong together, no protocol or cipher in common, a demand for a client certificate and a filtering firewall are the usual reasons.',
    programs: {
      postfix: 'smtpd_tls_loglevel = 1 tells the reason; leave smtpd_tls_req_ccert at no on port 25.',
      exim: 'Look for "TLS error" in the main log; tls_verify_hosts must be empty for the world.',
      exchange: 'Schannel events in the system log tell the alert; check which certificate is bound to SMTP.',
    },
    ref: 'RFC 3207 §4.1, RFC 8446 §6.2',
  },
  {
    id: 'tls.version',
    what: 'The TLS version that the server negotiates when it may choose the best.',
    why: 'TLS 1.0 and 1.1 have been retired: their hash functions are broken, and current clients refuse them. A server that has nothing better gets plaintext from such clients.',
    fix: 'Update the TLS library, or allow TLS 1.2 and 1.3.',
    programs: {
      postfix: 'smtpd_tls_protocols = >=TLSv1.2.',
      exim: 'openssl_options = +no_sslv3 +no_tlsv1 +no_tlsv1_1.',
      exchange: 'Enable TLS 1.2 in the Schannel keys of the registry.',
    },
    ref: 'RFC 8996, RFC 9325 §3.1',
  },
  {
    id: 'tls.versions',
    what: 'Each TLS version asked for by itself (--versions).',
    why: 'An old version that is offered beside a new one can be forced on careless clients, and audits ask for it. Against plaintext even TLS 1.0 is better: think of old senders before you switch it off.',
    fix: 'Switch TLS 1.0 and 1.1 off unless your log shows senders that need them.',
    programs: {
      postfix: 'smtpd_tls_protocols = >=TLSv1.2; smtpd_tls_loglevel = 1 shows in the log who uses what.',
      exim: 'openssl_options = +no_tlsv1 +no_tlsv1_1.',
      exchange: 'Disable TLS 1.0 and 1.1 for the server in the Schannel keys of the registry.',
    },
    ref: 'RFC 8996',
  },
  {
    id: 'tls.group',
    what: 'The group of the key exchange.',
    why: 'Without an ephemeral exchange, who gets the server’s key later can read what was recorded. Hybrid groups such as X25519MLKEM768 also hold against a quantum computer that does not exist yet, which matters for what is recorded today.',
    fix: 'Allow ECDHE cipher suites; for post-quantum groups use OpenSSL 3.5 or later and let it choose.',
    programs: {
      postfix:
        'Leave tls_eecdh_auto_curves and tls_ffdhe_auto_groups empty, so that OpenSSL’s own list counts.',
      exim: 'tls_eccurve = auto.',
    },
    ref: 'RFC 9325 §4.1',
  },
];

export const certExplanations: readonly Explanation[] = [
  {
    id: 'cert.chain',
    what: 'Whether the certificate’s chain leads to an authority that is generally trusted.',
    why: 'Opportunistic senders encrypt all the same, so this is information. Senders that follow MTA-STS, or that demand a valid certificate, deliver only if it does; a forgotten intermediate certificate is the usual reason.',
    fix: 'Use a certificate of a public authority and send the whole chain without the root. With DANE a self-signed one is as good.',
    programs: {
      postfix: 'smtpd_tls_chain_files: key, certificate and intermediates in this order in one file.',
      exim: 'tls_certificate: certificate and intermediates in one file.',
      exchange: 'Put the intermediates into the computer’s store of intermediate authorities.',
    },
    ref: 'RFC 5280 §6, RFC 8461 §4.2',
  },
  {
    id: 'cert.name',
    what: 'Whether the certificate is for the name of the exchanger.',
    why: 'It must be the name in the MX record, not the domain after the @. Senders that demand a valid certificate compare it; others do not look.',
    fix: 'Get a certificate whose names include that of every exchanger that shows it.',
    programs: {
      postfix: 'tls_server_sni_maps gives each name a certificate of its own where one host has several.',
      exim: 'tls_certificate may use $tls_in_sni.',
      exchange: 'TlsCertificateName of the receive connector chooses among several.',
    },
    ref: 'RFC 9525 §6, RFC 8461 §4.1',
  },
  {
    id: 'cert.expiry',
    what: 'Until when the certificate is valid.',
    why: 'Opportunistic senders do not look, so nobody complains when it has expired, until the first sender that demands a valid one defers its mail.',
    fix: 'Let it be renewed by itself (ACME), and let the renewal reload the mail server. "mx probe --require expiry=21d" watches it.',
    programs: {
      postfix: 'postfix reload in the renewal’s deploy hook.',
      exim: 'Exim reads the file for each connection; from 4.95 on it keeps it and notices when it changes.',
      exchange: 'Import-ExchangeCertificate, then Enable-ExchangeCertificate -Services SMTP.',
    },
    ref: 'RFC 5280 §4.1.2.5',
  },
  {
    id: 'cert.key',
    what: 'The key of the certificate and what the certificate was signed with.',
    why: 'RSA keys below 2048 bits and signatures with SHA-1 or MD5 can be broken or forged; senders that verify refuse them.',
    fix: 'Make a new key, EC P-256 or RSA of 2048 bits or more, and get a certificate for it. With DANE publish its record first.',
    ref: 'RFC 9325 §4.1',
  },
  {
    id: 'cert.keys',
    what: 'What the server presents to clients that accept one type of key only (--both-certificates).',
    why: 'A server with an RSA and an ECDSA certificate shows one of them to each client: a fault in the other is seen by others only, and DANE needs a record for each.',
    fix: 'Keep both in order, or leave one out.',
    programs: { postfix: 'smtpd_tls_chain_files takes both, one after the other.' },
    ref: 'RFC 7671 §10.1',
  },
];
