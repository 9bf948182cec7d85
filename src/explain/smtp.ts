import type { Explanation } from './types.ts';

export const smtpExplanations: readonly Explanation[] = [
  {
    id: 'smtp.connect',
    what: 'Whether a TCP connection to the exchanger could be made.',
    why: 'Without one nothing can be said about encryption: that is unknown, not "not offered". Often the fault is on our side, as many networks block port 25 going out.',
    fix: 'Run "postern doctor" to see whether port 25 gets out from here. If it does, look whether the mail server runs and whether a firewall lets the world in.',
    programs: {
      postfix:
        'Does "ss -ltn" show port 25, and does master.cf have the line "smtp inet … smtpd"? inet_interfaces must not be loopback-only.',
      exim: 'daemon_smtp_ports and local_interfaces must name port 25 and the public address.',
      exchange: 'Is the receive connector for port 25 enabled, and does its RemoteIPRanges let everybody in?',
    },
    ref: 'RFC 5321 §4.5.4.2',
  },
  {
    id: 'smtp.banner',
    what: 'The greeting: a reply 220 that begins with the name of the host.',
    why: 'A server that greets with 4xx or 5xx, or not at all, does not want to talk to this client now; greylisting, block lists and tarpits look like this. A greeting without a name is a mark of broken software.',
    fix: 'Read the words of the reply. Try later or from another address; if it is your own server, look why it refuses, and let the greeting begin with its name.',
    programs: {
      postfix:
        'smtpd_banner = $myhostname ESMTP. For refusals look at postscreen and smtpd_client_restrictions in the log.',
      exim: 'smtp_banner = $smtp_active_hostname ESMTP. For refusals look at acl_smtp_connect.',
      exchange: 'Set-ReceiveConnector -Banner "220 mail.example.org".',
    },
    ref: 'RFC 5321 §4.2',
  },
  {
    id: 'smtp.banner.form',
    what: 'The form of the greeting: lines of at most 512 bytes that end with CR and LF.',
    why: 'Some clients hang up on a line that is too long, or wait for ever for the right line end.',
    fix: 'Shorten the greeting; look for a proxy or a script before the server that writes its own.',
    programs: { postfix: 'Shorten smtpd_banner.', exim: 'Shorten smtp_banner.' },
    ref: 'RFC 5321 §2.3.8, §4.5.3.1.5',
  },
  {
    id: 'smtp.ehlo',
    what: 'Whether EHLO was answered.',
    why: 'The list of extensions stands in that answer, STARTTLS among them. Without it nothing can be said about encryption.',
    fix: 'Read the words of the reply: some servers refuse a client whose name or address they do not like. --ehlo gives another name.',
    programs: {
      postfix: 'smtpd_helo_restrictions and smtpd_delay_reject say when a name is refused.',
      exim: 'helo_try_verify_hosts and acl_smtp_helo decide about names.',
    },
    ref: 'RFC 5321 §4.1.1.1',
  },
  {
    id: 'smtp.ehlo.tls',
    what: 'Whether EHLO was answered again inside TLS.',
    why: 'The handshake works, but the server then goes silent or hangs up: senders may take that as a failure and fall back to plaintext.',
    fix: 'Look at the server’s log right after the handshake: a filter or a proxy may break the conversation there.',
    ref: 'RFC 3207 §4.2',
  },
  {
    id: 'smtp.starttls.offered',
    what: 'Whether the answer to EHLO lists STARTTLS.',
    why: 'If it does not, mail goes in plaintext, to be read and changed on its way. If another exchanger of the domain offers it, this is a warning: which one a sender takes is chance.',
    fix: 'Give the server a certificate, any valid one, and switch STARTTLS on. If the keyword is masked (XXXXXXXA), switch off SMTP inspection in the firewall before the server.',
    programs: {
      postfix:
        'smtpd_tls_security_level = may, and smtpd_tls_chain_files = /etc/ssl/private/mail.pem (key first, then the chain).',
      exim: 'tls_advertise_hosts = *, tls_certificate and tls_privatekey.',
      exchange:
        'Enable-ExchangeCertificate -Thumbprint … -Services SMTP, and "Tls" among AuthMechanism of the receive connector.',
    },
    ref: 'RFC 3207 §4',
  },
  {
    id: 'smtp.starttls.accepted',
    what: 'Whether the server, after offering STARTTLS, answers the command with 220.',
    why: 'An offer that is then refused makes opportunistic senders deliver in plaintext, and strict ones not at all.',
    fix: 'Look at the server’s TLS log: usually the certificate or key cannot be read, or the number of TLS sessions is limited.',
    programs: {
      postfix:
        '"cannot get … from file" in the log names the file; check smtpd_tls_chain_files and its permissions.',
      exim: 'Look for "TLS error on connection" in the main log; Exim reads the key as its own user.',
      exchange: 'Event 12014 says that no certificate for the connector’s name could be loaded.',
    },
    ref: 'RFC 3207 §4',
  },
  {
    id: 'smtp.starttls.injected',
    what: 'Whether plaintext that was sent before TLS counts inside TLS.',
    why: 'Who sits on the way could put words into the protected conversation. It is either an attack now or a server with a known flaw.',
    fix: 'Update the server, and the proxy or filter before it: what is in the buffer when TLS starts must be thrown away. Probe from another network to see whether it is the server or the way.',
    programs: { postfix: 'Mended in 2.8 and in 2.7.3, 2.6.9, 2.5.12.' },
    ref: 'RFC 3207 §6, CVE-2011-0411, CVE-2021-38371',
  },
  {
    id: 'smtp.starttls.again',
    what: 'Whether STARTTLS is offered inside TLS once more.',
    why: 'It must not be: a client that believes it starts TLS in TLS and fails.',
    fix: 'Update the server; or look for a proxy that ends TLS and passes the inner server’s list on unchanged.',
    ref: 'RFC 3207 §4.2',
  },
  {
    id: 'smtp.auth.plaintext',
    what: 'Whether AUTH is offered before TLS.',
    why: 'A mail program that believes the offer sends a password in plaintext.',
    fix: 'Offer AUTH inside TLS only; on port 25, where other servers deliver, best not at all.',
    programs: {
      postfix: 'smtpd_tls_auth_only = yes; smtpd_sasl_auth_enable = yes in master.cf for submission only.',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Exim writes expansions so
      exim: 'auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}.',
      exchange: 'BasicAuthRequireTLS instead of BasicAuth among AuthMechanism of the receive connector.',
    },
    ref: 'RFC 4954 §4, RFC 8314 §3',
  },
  {
    id: 'smtp.starttls.intermittent',
    what: 'Whether STARTTLS is offered every time, where the server was asked several times (--repeat, or when something looked odd).',
    why: 'Several servers behind one address may be set up differently, or a device on the way strips STARTTLS at times. Either way some mail goes in plaintext.',
    fix: 'Compare the servers behind the load balancer, and probe from another network.',
    ref: 'RFC 3207 §6',
  },
  {
    id: 'smtp.ehlo.changes',
    what: 'What EHLO offers inside TLS and not before, and the other way round.',
    why: 'What was said before TLS could have been changed by anybody, so only what is said inside counts. Differences beside STARTTLS and AUTH are rare, and tell of a proxy.',
    fix: 'Nothing, unless a proxy that you do not know of shows itself.',
    ref: 'RFC 3207 §4.2',
  },
  {
    id: 'smtp.requiretls',
    what: 'Whether the server offers REQUIRETLS inside TLS.',
    why: 'With it a sender can demand that one message is never passed on without verified TLS; it comes back instead. "postern send --require-tls" does that.',
    fix: 'Few servers have it yet.',
    ref: 'RFC 8689',
  },
  {
    id: 'smtp.silent',
    what: 'Whether the server says anything once the connection stands.',
    why: 'Silence tells nothing about encryption. Servers that are overloaded, and some that make strangers wait on purpose, look like this.',
    fix: 'Wait longer (--timeout-banner, --timeout-command), try later, or probe from a machine that the server knows.',
    ref: 'RFC 5321 §4.5.3.2',
  },
  {
    id: 'smtp.tarpit',
    what: 'Whether the answer comes whole within its time.',
    why: 'A server that drips its answer a byte at a time holds clients up on purpose: it takes this machine for a spammer, or everybody.',
    fix: 'Try again later or from another address; look whether this one is on a block list ("postern dnsbl check").',
    ref: 'RFC 5321 §4.5.3.2',
  },
  {
    id: 'smtp.closed',
    what: 'Whether the server keeps the connection until EHLO is answered.',
    why: 'One that hangs up before tells nothing about encryption. It, or a firewall before it, does not serve this machine.',
    fix: 'Look at the server’s log for this address and time; try from another network.',
    ref: 'RFC 5321 §3.8',
  },
  {
    id: 'smtp.protocol',
    what: 'Whether what the server says is SMTP.',
    why: 'Something else listens on the port, or the server’s replies contradict themselves: a sender gives up there.',
    fix: 'Look at what it said (--transcript), and at what runs on that port.',
    ref: 'RFC 5321 §4.2',
  },
  {
    id: 'smtp.reply.too-long',
    what: 'Whether a reply stays within bounds: 128 lines, 64 KiB, 16 KiB a line.',
    why: 'No mail server says that much. What does may want to fill the memory of those who listen.',
    fix: 'Find out what it is that listens there.',
    ref: 'RFC 5321 §4.5.3.1.5',
  },
  {
    id: 'smtp.starttls.carried-over',
    what: 'Whether commands that were sent in plaintext right behind STARTTLS are answered inside TLS (--intrusive injection).',
    why: 'Somebody on the way can put commands there, and the server takes them for what the encrypted client said: a login or a message can be turned to another purpose.',
    fix: 'Update the server, or the proxy that ends TLS before it. It has to forget its input buffer when the handshake begins.',
    programs: {
      postfix: 'Fixed in 2.5.12, 2.6.9, 2.7.3 and 2.8.0.',
      exim: 'Never carried them over with smtp_enforce_sync, which is the default.',
      exchange: 'Install the current updates; look for an SMTP proxy or load balancer before it.',
    },
    ref: 'RFC 3207 §4.2, CVE-2011-0411, CVE-2021-38371',
  },
  {
    id: 'smtp.relay',
    what: 'Whether a recipient elsewhere is taken from this machine, without logging in (--intrusive relay).',
    why: 'A server that sends for anybody is found within hours and sends spam until every list has it.',
    fix: 'Let only your own networks and logged-in users relay. Asked from inside your network, the answer is what that network may do: ask again from outside. Addresses with a percent sign or quotes are taken by servers with a mailbox for everything, too: send one to see where it goes.',
    programs: {
      postfix:
        'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination; keep mynetworks narrow.',
      exim: 'relay_from_hosts and the last "deny message = relay not permitted" of acl_check_rcpt.',
      exchange:
        'Get-ReceiveConnector | Get-ADPermission: no Ms-Exch-SMTP-Accept-Any-Recipient for anonymous logon.',
    },
    ref: 'RFC 5321 §3.6.1, §7.9',
  },
  {
    id: 'smtp.data.end',
    what: 'Whether something else than CR LF . CR LF ends a message (--intrusive data-end).',
    why: 'Where two servers disagree about the end of a message, the rest of the first one is a second message, with a sender of its author’s choice that passes SPF: SMTP smuggling.',
    fix: 'Update the server and let it refuse bare line ends. If a test message arrived in the mailbox, delete it.',
    programs: {
      postfix: 'smtpd_forbid_bare_newline = normalize, or reject (3.5.23, 3.6.13, 3.7.9, 3.8.4 and later).',
      exim: '4.97.1 or later.',
      exchange: 'Exchange Online was mended in 2023; look at gateways before it.',
    },
    ref: 'RFC 5321 §4.1.1.4, CVE-2023-51764, CVE-2023-51765, CVE-2023-51766',
  },
];
