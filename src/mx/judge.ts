import type { Check, Status } from '../report.ts';
import { type CertificateFacts, coversHost } from '../smtp/certificate.ts';
import { maskedKeyword } from '../smtp/extensions.ts';
import type { Fault, FaultKind } from '../smtp/fault.ts';
import { replyText } from '../smtp/reply.ts';
import { KEY_TYPES, type TlsFacts } from '../smtp/tls.ts';
import type { Conversation } from './conversation.ts';

type Words = { readonly status: Status; readonly fix: string; readonly ref?: string; readonly id?: string };

const HUNG_UP: Words = {
  id: 'smtp.closed',
  status: 'unknown',
  fix: 'The server, or a firewall before it, does not serve this machine; its log tells why.',
};

/** Before EHLO was answered nothing is known about TLS, so none of this is "not offered". */
const BEFORE_EHLO: Readonly<Partial<Record<FaultKind, Words>>> = {
  refused: {
    status: 'unknown',
    fix: 'Is a mail server running there, and does a firewall let this machine in?',
  },
  'no-route': { status: 'ok', fix: 'Probe from a machine with IPv6 to test this address.' },
  timeout: {
    id: 'smtp.silent',
    status: 'unknown',
    fix: 'It takes the connection and says nothing: overloaded, or it makes strangers wait (--timeout-banner waits longer).',
  },
  tarpit: {
    id: 'smtp.tarpit',
    status: 'unknown',
    fix: 'The server slows clients down on purpose; try again later or from elsewhere.',
  },
  closed: HUNG_UP,
  reset: HUNG_UP,
  'reply-too-long': {
    id: 'smtp.reply.too-long',
    status: 'unknown',
    fix: 'Nothing that ordinary mail servers say is that long: what is it that listens there?',
  },
  protocol: {
    id: 'smtp.protocol',
    status: 'unknown',
    fix: 'What listens there speaks no SMTP, or wrongly; look at what it said.',
  },
  rejected: {
    status: 'unknown',
    fix: 'The server does not want to talk to this machine now; read its words.',
  },
};

/** Silence before there is a connection is another matter: it may be this network. */
const NO_CONNECTION: Words = {
  status: 'unknown',
  fix: 'Is port 25 open from here? Many networks block it going out.',
};

const OTHERWISE: Words = {
  status: 'unknown',
  fix: 'Try again; if it stays so, ask the operator of the server.',
};

/** Information about a connection that could not be tried from here at all. */
function cannotTry(fault: Fault): Check {
  return {
    id: 'local.no-ipv6',
    status: 'ok',
    info: true,
    message: `Not tested: ${fault.message}.`,
    fix: 'Probe from a machine with IPv6 to test this address.',
  };
}

function beforeEhlo(fault: Fault): Check {
  if (fault.kind === 'no-route') return cannotTry(fault);
  const unheard = fault.phase === 'connect' && fault.kind === 'timeout';
  const { status, fix, id } = unheard ? NO_CONNECTION : (BEFORE_EHLO[fault.kind] ?? OTHERWISE);
  const byPhase = { connect: 'smtp.connect', banner: 'smtp.banner' }[fault.phase as string] ?? 'smtp.ehlo';
  const step = { connect: 'connecting', banner: 'waiting for the greeting' }[fault.phase as string] ?? 'EHLO';
  return {
    id: fault.phase === 'connect' ? byPhase : (id ?? byPhase),
    status,
    message: `Nothing can be said about STARTTLS: ${fault.message} (${step}).`,
    ...(fault.evidence !== undefined && { evidence: fault.evidence }),
    fix,
  };
}

/** What a failed negotiation means, by how it failed. */
const NEGOTIATION: Readonly<Partial<Record<FaultKind, Words>>> = {
  injection: {
    id: 'smtp.starttls.injected',
    status: 'crit',
    fix: 'The server, or a device before it, must throw away what was sent before TLS; update it.',
    ref: 'RFC 3207 §6, CVE-2011-0411, CVE-2021-38371',
  },
  'not-tls': {
    status: 'crit',
    fix: 'Look for a proxy or firewall with "SMTP inspection" before the server, and at the server’s TLS set-up.',
  },
  alert: {
    status: 'crit',
    fix: 'Look at the server’s TLS log: certificate and key readable, a cipher in common?',
  },
  handshake: {
    status: 'crit',
    fix: 'Look at the server’s TLS log: certificate and key readable, protocols enabled?',
  },
  timeout: {
    status: 'crit',
    fix: 'Look at the server’s TLS log, and for a firewall that swallows the handshake.',
  },
};

function negotiation(fault: Fault): Check {
  const temporary = fault.kind === 'rejected' && fault.reply?.code !== undefined && fault.reply.code < 500;
  const words = NEGOTIATION[fault.kind] ?? {
    status: temporary ? ('unknown' as const) : ('crit' as const),
    fix: 'Look at the server’s TLS log; it offers what it then does not do.',
  };
  const id = words.id ?? (fault.phase === 'starttls' ? 'smtp.starttls.accepted' : 'tls.handshake');
  return {
    id,
    status: words.status,
    message: `STARTTLS is offered, but ${fault.message}.`,
    ...(fault.evidence !== undefined && { evidence: fault.evidence }),
    fix: words.fix,
    ref: words.ref ?? 'RFC 3207 §4',
  };
}

/** How often STARTTLS was offered, of the conversations that came as far as EHLO. */
export type Rounds = { readonly rounds: number; readonly offered: number };

function notOffered(seen: Conversation, { elsewhere, submission, offers }: Circumstances): Check {
  const masked = seen.ehlo ? maskedKeyword(seen.ehlo) : undefined;
  const keywords = [...(seen.ehlo?.extensions.keys() ?? [])].join(' ') || 'no extension at all';
  const often = offers && offers.rounds > 1 ? `, in ${offers.offered} of ${offers.rounds} conversations` : '';
  const what = submission ? 'passwords and mail' : 'whatever is sent there';
  const fix = masked
    ? 'Switch off "SMTP inspection" (ESMTP fixup) in the firewall before the server.'
    : 'Give the server a certificate and switch STARTTLS on (Postfix: smtpd_tls_security_level = may).';
  const doubt = masked
    ? `the keyword ${masked} looks as if a device on the way had masked it`
    : elsewhere
      ? 'other servers of the domain offer it, so either this one is set up otherwise or somebody on the way strips it'
      : undefined;
  return {
    id: 'smtp.starttls.offered',
    status: elsewhere && !submission ? 'warn' : 'crit',
    message: doubt
      ? `STARTTLS is not offered; ${doubt}.`
      : `STARTTLS is not offered: ${what} goes in plaintext.`,
    evidence: `${keywords}${often}`,
    fix,
    ref: 'RFC 3207 §4',
  };
}

/** One address that answers now so and now so. */
function intermittent(offers: Rounds | null): Check[] {
  if (!offers || offers.offered === 0 || offers.offered === offers.rounds) return [];
  return [
    {
      id: 'smtp.starttls.intermittent',
      status: 'warn',
      message: `STARTTLS is offered at times only: in ${offers.offered} of ${offers.rounds} conversations.`,
      fix: 'Look for a load balancer with servers that are set up differently, or a device that strips STARTTLS.',
      ref: 'RFC 3207 §6',
    },
  ];
}

function versionCheck({ version, cipher }: TlsFacts): Check {
  const old = version === 'TLSv1.0' || version === 'TLSv1.1';
  return {
    id: 'tls.version',
    status: old ? 'crit' : 'ok',
    message: old
      ? `The best the server negotiates is ${version}, which has been retired.`
      : `Negotiates ${version ?? 'TLS'} with ${cipher}.`,
    ...(old && { fix: 'Update the server’s TLS library, or allow TLS 1.2 and 1.3.', ref: 'RFC 8996' }),
  };
}

function groupCheck({ group, postQuantum, version }: TlsFacts): Check {
  const info = { id: 'tls.group', status: 'ok', info: true } as const;
  if (group === null) {
    return {
      ...info,
      message: 'No forward secrecy: who gets the server’s key later can read what was recorded.',
      fix: 'Allow ECDHE cipher suites.',
    };
  }
  const note = postQuantum
    ? 'holds against a quantum computer, too'
    : 'what is recorded today could be read by a quantum computer one day';
  return { ...info, message: `Key exchange ${group}: ${note}.`, evidence: `${version ?? 'TLS'} ${group}` };
}

const EXPIRY_NOTICE_DAYS = 14;

/** Keys and signatures that are not up to date, as clauses. */
function weaknesses({ key, signature }: CertificateFacts): string[] {
  const bits = Number(/^RSA(?:-PSS)? (\d+)$/.exec(key)?.[1] ?? Number.POSITIVE_INFINITY);
  const dated = /(md5|sha1)(?!\d)/i.exec(signature ?? '')?.[1];
  return [
    ...(bits < 2048 ? [`its key has ${bits} bits only`] : []),
    ...(dated ? [`it is signed with ${dated.toUpperCase()}`] : []),
  ];
}

/**
 * Certificates of exchangers are not verified by opportunistic senders: what is wrong is information there. Mail
 * programs that submit verify them, and so do senders bound by a policy.
 */
function certificateChecks(
  certificate: CertificateFacts | null,
  { host, nowMs, submission, policy }: Circumstances,
): Check[] {
  const info = { status: 'ok', info: true } as const;
  const wrong = submission ? ({ status: 'crit' } as const) : info;
  if (!certificate) {
    return [
      { id: 'cert.chain', ...wrong, message: 'Encrypted, not authenticated: there is no certificate.' },
    ];
  }
  const { trusted, distrust, names, notAfter, issuer, key, signature } = certificate;
  const listed = names.slice(0, 5).join(', ') || 'no name at all';
  const days = Math.floor((Date.parse(notAfter) - nowMs) / 86_400_000);
  const covers = coversHost(certificate, host);
  const soon = days >= 0 && days < EXPIRY_NOTICE_DAYS && (policy || submission);
  const weak = weaknesses(certificate);
  return [
    {
      id: 'cert.chain',
      ...(trusted ? info : wrong),
      message: trusted
        ? 'The certificate’s chain leads to a known authority.'
        : `Encrypted, not authenticated: the certificate is not trusted, ${distrust}.`,
      evidence: `issued by ${issuer}`,
    },
    {
      id: 'cert.name',
      ...(covers ? info : wrong),
      message: covers
        ? `The certificate is for ${host}.`
        : `Encrypted, not authenticated: the certificate is not for ${host}.`,
      evidence: listed,
      ref: 'RFC 9525 §6',
    },
    {
      id: 'cert.expiry',
      ...(soon ? { status: 'warn' as const } : info),
      message:
        days < 0
          ? `The certificate expired on ${notAfter}.`
          : soon
            ? `The certificate expires in ${days === 1 ? 'one day' : `${days} days`}, and senders look at it.`
            : `The certificate is valid until ${notAfter}.`,
      evidence: `${days} days`,
      ...(soon && { fix: 'Renew it now, and see why that was not done by itself.' }),
    },
    {
      id: 'cert.key',
      ...info,
      message:
        weak.length === 0
          ? `Key and signature are up to date: ${key}.`
          : `The certificate is weak: ${weak.join(', and ')}.`,
      evidence: [key, signature].filter(Boolean).join(', signed with '),
    },
  ];
}

/** What EHLO says inside TLS and did not say before, and the other way round (RFC 3207 §4.2). */
function ehloChanges({ ehlo, ehloInTls }: Conversation): Check[] {
  if (!ehlo || !ehloInTls) return [];
  const [before, after] = [new Set(ehlo.extensions.keys()), new Set(ehloInTls.extensions.keys())];
  // STARTTLS has to go, and AUTH to come: neither is worth a word.
  for (const expected of ['STARTTLS', 'AUTH']) {
    before.delete(expected);
    after.delete(expected);
  }
  const gone = [...before.difference(after)];
  const come = [...after.difference(before)];
  const checks: Check[] = [];
  if (gone.length + come.length > 0) {
    checks.push({
      id: 'smtp.ehlo.changes',
      status: 'ok',
      info: true,
      message: 'Inside TLS other extensions are offered than before it.',
      evidence: [...come.map((word) => `+${word}`), ...gone.map((word) => `-${word}`)].slice(0, 20).join(' '),
      ref: 'RFC 3207 §4.2',
    });
  }
  checks.push({
    id: 'smtp.requiretls',
    status: 'ok',
    info: true,
    message: ehloInTls.extensions.has('REQUIRETLS')
      ? 'REQUIRETLS is offered: a sender can demand that the message is never passed on without TLS.'
      : 'REQUIRETLS is not offered.',
    ref: 'RFC 8689 §2',
  });
  return checks;
}

/** The same server to clients that accept one type of key only. */
function keysCheck(byKey: readonly Conversation[]): Check[] {
  if (byKey.length === 0) return [];
  const words = byKey.map(({ tls }, index) => {
    const key = tls?.certificate?.key ?? 'none';
    return `${KEY_TYPES[index]}: ${key}`;
  });
  return [
    {
      id: 'cert.keys',
      status: 'ok',
      info: true,
      message: `Certificates by type of key: ${words.join(', ')}.`,
    },
  ];
}

/** Habits that cost nothing but tell of old or odd software. */
function manners({ banner, ehlo, ehloInTls }: Conversation): Check[] {
  const checks: Check[] = [];
  if (banner && (banner.code !== 220 || !/^[A-Za-z0-9[][^ ]*/.test(banner.lines[0] ?? ''))) {
    checks.push({
      id: 'smtp.banner',
      status: 'warn',
      message: 'The greeting is not "220" and a host name.',
      evidence: replyText(banner, 120),
      ref: 'RFC 5321 §4.2',
    });
  }
  if (banner && banner.oddities.length > 0) {
    checks.push({
      id: 'smtp.banner.form',
      status: 'warn',
      message: banner.oddities.includes('long-line')
        ? 'The greeting has a line of more than 512 bytes; some clients hang up on that.'
        : 'Lines end with LF instead of CRLF.',
      ref: 'RFC 5321 §2.3.8, §4.5.3.1.5',
    });
  }
  if (ehlo?.extensions.has('AUTH') && ehlo.extensions.has('STARTTLS')) {
    checks.push({
      id: 'smtp.auth.plaintext',
      status: 'warn',
      message: 'AUTH is offered before TLS: passwords could be sent in plaintext.',
      fix: 'Offer AUTH inside TLS only (Postfix: smtpd_tls_auth_only = yes).',
      ref: 'RFC 4954 §4',
    });
  }
  if (ehloInTls?.extensions.has('STARTTLS')) {
    checks.push({
      id: 'smtp.starttls.again',
      status: 'warn',
      message: 'STARTTLS is still offered inside TLS.',
      ref: 'RFC 3207 §4.2',
    });
  }
  return checks;
}

/** What else is known when one address is judged. */
export type Circumstances = {
  /** Name of the exchanger. */
  readonly host: string;
  /** When expiry is judged, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether another address of the domain offers STARTTLS: a sender may still be lucky. */
  readonly elsewhere: boolean;
  /** Mail programs connect here with passwords: they verify certificates. */
  readonly submission: boolean;
  /** Whether a policy of the domain makes senders look at the dates of the certificate. */
  readonly policy: boolean;
  readonly offers: Rounds | null;
  readonly byKey: readonly Conversation[];
};

/** The findings about one address. */
export function judgeConversation(seen: Conversation, around: Circumstances): Check[] {
  const { fault, tls, starttls } = seen;
  const habits = [...intermittent(around.offers), ...manners(seen)];
  if (starttls === 'unknown') return [...(fault ? [beforeEhlo(fault)] : []), ...habits];
  if (starttls === 'not-offered') return [notOffered(seen, around), ...habits];
  const offered: Check[] =
    starttls === 'offered'
      ? [{ id: 'smtp.starttls.offered', status: 'ok', message: 'STARTTLS is offered.' }]
      : [];
  if (!tls) return [...offered, ...(fault ? [withoutTls(fault, starttls)] : []), ...habits];
  const late: Check[] = fault
    ? [
        {
          id: 'smtp.ehlo.tls',
          status: 'unknown',
          message: `TLS works, but inside it ${fault.message}.`,
          ...(fault.evidence !== undefined && { evidence: fault.evidence }),
        },
      ]
    : [];
  return [
    ...offered,
    versionCheck(tls),
    groupCheck(tls),
    ...certificateChecks(tls.certificate, around),
    ...keysCheck(around.byKey),
    ...ehloChanges(seen),
    ...late,
    ...habits,
  ];
}

/** A port where TLS comes first may not have been reached at all. */
function withoutTls(fault: Fault, starttls: Conversation['starttls']): Check {
  if (starttls === 'offered') return negotiation(fault);
  if (fault.phase === 'connect') return beforeEhlo(fault);
  return { ...negotiation(fault), message: `TLS does not come about: ${fault.message}.` };
}
