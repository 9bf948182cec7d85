import type { Check, Status } from '../report.ts';
import { type CertificateFacts, coversHost } from '../smtp/certificate.ts';
import { maskedKeyword } from '../smtp/extensions.ts';
import type { Fault, FaultKind } from '../smtp/fault.ts';
import { replyText } from '../smtp/reply.ts';
import type { TlsFacts } from '../smtp/tls.ts';
import type { Conversation } from './conversation.ts';

type Words = { readonly status: Status; readonly fix: string; readonly ref?: string; readonly id?: string };

/** Before EHLO was answered nothing is known about TLS, so none of this is "not offered". */
const BEFORE_EHLO: Readonly<Partial<Record<FaultKind, Words>>> = {
  refused: {
    status: 'unknown',
    fix: 'Is a mail server running there, and does a firewall let this machine in?',
  },
  'no-route': { status: 'ok', fix: 'Probe from a machine with IPv6 to test this address.' },
  timeout: { status: 'unknown', fix: 'Is port 25 open from here? Many networks block it going out.' },
  tarpit: {
    status: 'unknown',
    fix: 'The server slows clients down on purpose; try again later or from elsewhere.',
  },
  rejected: {
    status: 'unknown',
    fix: 'The server does not want to talk to this machine now; read its words.',
  },
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
  const { status, fix } = BEFORE_EHLO[fault.kind] ?? OTHERWISE;
  const step = { connect: 'connecting', banner: 'waiting for the greeting' }[fault.phase as string] ?? 'EHLO';
  return {
    id: fault.phase === 'connect' ? 'smtp.connect' : fault.phase === 'banner' ? 'smtp.banner' : 'smtp.ehlo',
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

function notOffered(seen: Conversation, elsewhere: boolean): Check {
  const masked = seen.ehlo ? maskedKeyword(seen.ehlo) : undefined;
  const offers = [...(seen.ehlo?.extensions.keys() ?? [])].join(' ') || 'no extension at all';
  return {
    id: 'smtp.starttls.offered',
    status: elsewhere ? 'warn' : 'crit',
    message: masked
      ? `STARTTLS is not offered; the keyword ${masked} looks as if a device on the way had masked it.`
      : 'STARTTLS is not offered: whatever is sent there goes in plaintext.',
    evidence: offers,
    fix: masked
      ? 'Switch off "SMTP inspection" (ESMTP fixup) in the firewall before the server.'
      : 'Give the server a certificate and switch STARTTLS on (Postfix: smtpd_tls_security_level = may).',
    ref: 'RFC 3207 §4',
  };
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

/** Certificates of exchangers are not verified by opportunistic senders: what is wrong is information here. */
function certificateChecks(certificate: CertificateFacts | null, host: string, nowMs: number): Check[] {
  const info = { status: 'ok', info: true } as const;
  if (!certificate) {
    return [{ id: 'cert.chain', ...info, message: 'Encrypted, not authenticated: there is no certificate.' }];
  }
  const { trusted, distrust, names, notAfter, issuer } = certificate;
  const listed = names.slice(0, 5).join(', ') || 'no name at all';
  const days = Math.floor((Date.parse(notAfter) - nowMs) / 86_400_000);
  return [
    {
      id: 'cert.chain',
      ...info,
      message: trusted
        ? 'The certificate’s chain leads to a known authority.'
        : `Encrypted, not authenticated: the certificate is not trusted, ${distrust}.`,
      evidence: `issued by ${issuer}`,
    },
    {
      id: 'cert.name',
      ...info,
      message: coversHost(certificate, host)
        ? `The certificate is for ${host}.`
        : `Encrypted, not authenticated: the certificate is not for ${host}.`,
      evidence: listed,
      ref: 'RFC 9525 §6',
    },
    {
      id: 'cert.expiry',
      ...info,
      message:
        days >= 0 ? `The certificate is valid until ${notAfter}.` : `The certificate expired on ${notAfter}.`,
      evidence: `${days} days`,
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

/**
 * The findings about one address.
 *
 * @param elsewhere whether another address of the domain offers STARTTLS, which makes its absence here a
 *   warning: a sender may still be lucky
 */
export function judgeConversation(
  seen: Conversation,
  host: string,
  elsewhere: boolean,
  nowMs: number,
): Check[] {
  const { fault, tls, starttls } = seen;
  if (starttls === 'unknown') return [...(fault ? [beforeEhlo(fault)] : []), ...manners(seen)];
  if (starttls === 'not-offered') return [notOffered(seen, elsewhere), ...manners(seen)];
  const offered: Check = { id: 'smtp.starttls.offered', status: 'ok', message: 'STARTTLS is offered.' };
  if (!tls) return [offered, ...(fault ? [negotiation(fault)] : []), ...manners(seen)];
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
    offered,
    versionCheck(tls),
    groupCheck(tls),
    ...certificateChecks(tls.certificate, host, nowMs),
    ...late,
    ...manners(seen),
  ];
}
