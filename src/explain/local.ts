import type { Explanation } from './types.ts';

export const localExplanations: readonly Explanation[] = [
  {
    id: 'net.not-public',
    what: 'An exchanger with an address that is not public: private, loopback, documentation or reserved.',
    why: 'Mail from outside cannot reach it. We do not connect there, because a domain of somebody else could point into your network.',
    fix: 'Publish the public address in the public DNS. In a laboratory, --allow-private connects all the same.',
    ref: 'RFC 6890',
  },
  {
    id: 'net.offline',
    what: 'An address that was not tried because of --offline.',
    why: 'What was not asked is unknown.',
    fix: 'Run it without --offline to have it tested.',
  },
  {
    id: 'local.no-ipv6',
    what: 'An IPv6 address that could not be tried, because this machine has no IPv6.',
    why: 'Senders that have IPv6 may meet another server there, with other settings.',
    fix: 'Probe from a machine with IPv6.',
  },
  {
    id: 'local.node',
    what: 'The version of Node.js that runs postern.',
    why: 'TLS and DNS behave as that version does.',
    fix: 'Nothing to do; it is told for the record.',
  },
  {
    id: 'local.resolver',
    what: 'Whether the resolver answers a simple question.',
    why: 'Without it everything that needs the DNS is unknown.',
    fix: 'Look at /etc/resolv.conf, or name another with --resolver.',
  },
  {
    id: 'local.dnssec',
    what: 'Whether the resolver validates DNSSEC, and whether its word can be believed.',
    why: 'DANE can be judged only with validated answers. The AD bit counts over a way that nobody can change: loopback, DNS over TLS or HTTPS.',
    fix: 'Run a validating resolver such as Unbound on this machine, or use tls:// or https:// with --resolver. On a network you trust, --trust-ad.',
    programs: { bind: 'dnssec-validation auto; and listen-on { 127.0.0.1; };' },
    ref: 'RFC 4035 §4.9.3, RFC 6698 §4.1',
  },
  {
    id: 'local.port25',
    what: 'Whether connections to port 25 get out.',
    why: 'Probing and sending need it. Unknown means that no control server’s address was found.',
    fix: 'Mend the resolver first, or name other domains with --control.',
  },
  {
    id: 'local.port25-blocked',
    what: 'No control server could be reached at port 25.',
    why: 'Access providers and clouds block it against spam. Every probe from here would be unknown, whatever the servers do.',
    fix: 'Ask the provider to open it, or run postern on a mail server. What reads the DNS or messages works without.',
    ref: 'RFC 5068 §3',
  },
  {
    id: 'local.ipv6',
    what: 'Whether there is a way to the IPv6 internet.',
    why: 'Without one the IPv6 addresses of servers are not tested.',
    fix: 'Nothing, if you know it; or probe from a machine with IPv6, too.',
  },
  {
    id: 'local.clock',
    what: 'Whether the clock is right.',
    why: 'Certificates, DNSSEC signatures, one-time passwords and delays between hops are judged by it.',
    fix: 'Let systemd-timesyncd or chrony keep it.',
    ref: 'RFC 5905',
  },
  {
    id: 'local.hid',
    what: 'Whether HID devices, such as YubiKeys, may be opened by this user.',
    why: 'Without that, keys on the desk cannot be read or programmed.',
    fix: 'A udev rule with ATTRS{idVendor}=="1050", TAG+="uaccess"; then plug the key in again.',
  },
  {
    id: 'local.throttle',
    what: 'Whether the throttle of this machine runs.',
    why: 'A web server that asks it and gets no answer serves everybody, as if there were no limit.',
    fix: 'Run systemctl start postern-throttle; "postern throttle status" tells more.',
  },
  {
    id: 'local.throttle-counters',
    what: 'Whether the throttle saves what it has counted; it does so every ten seconds.',
    why: 'After a restart it goes on from there: what was not saved is forgotten, and who had too much begins anew.',
    fix: 'Look at the free space and the permissions of the folder of its database, and at its log.',
  },
  {
    id: 'local.store',
    what: 'Whether the database of keys, logins and clients is its owner’s alone.',
    why: 'It says whose keys open which account; postern refuses to work with one that others can read.',
    fix: 'Run chmod 600 on it, and find out who could read it.',
  },
  {
    id: 'local.master-key',
    what: 'Whether the master key, with which the secrets of all keys are encrypted, is its owner’s alone.',
    why: 'Who has it and the database can type the one-time passwords of everybody.',
    fix: 'Run chmod 400 on it. If others could read it, program the keys anew.',
  },
  {
    id: 'local.backup',
    what: 'When the store of keys was copied last with "postern validation backup".',
    why: 'Without the store every key has to be programmed anew; with an old copy, one-time passwords that were spent since count again.',
    fix: 'Back it up each night, and the master key once, in another place.',
  },
  ...(
    [
      ['free-mail', 'The message of a free-mail address is open-signup.'],
      ['listed', 'The message of the listed company is trusted.'],
      ['unlisted', 'The message of the company that no list has is authenticated.'],
      ['forged', 'The forged message is suspicious.'],
      ['revocation', 'After the mediator revoked the listed company its message is no longer trusted.'],
    ] as const
  ).map(([name, what]) => ({
    id: `demo.trust.${name}`,
    what,
    why: 'The demonstration checks itself: it writes the messages, so each verdict is known before.',
    fix: 'Is the clock of this machine right? Run it again with POSTERN_DEBUG=1.',
  })),
  ...(
    [
      ['probe', 'Whether each server of the demonstration was seen as it is.'],
      ['fallback', 'Whether the message fell back to plaintext, and that was said.'],
      ['once', 'Whether the message arrived exactly once.'],
      ['path', 'Whether the Received field of the message says that it came in plaintext.'],
    ] as const
  ).map(([name, what]) => ({
    id: `demo.transport.${name}`,
    what,
    why: 'The demonstration checks itself: the servers are on this machine, so each result is known before.',
    fix: 'Something on this machine is in the way, such as a filter on loopback; run it again with POSTERN_DEBUG=1.',
  })),
  {
    id: 'net.dns-only',
    what: 'A server that was not asked, as --dns-only was given.',
    why: 'What the DNS promises is told; whether the servers keep it is not.',
    fix: 'Leave --dns-only out, from a machine whose port 25 gets out.',
  },
];
