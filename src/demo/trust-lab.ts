import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyRecord, signMessage } from '../lab/dkim-signer.ts';

/** One of the four messages that the story is about. */
export type TrustScene = {
  /** Also the name of its file. */
  readonly name: 'free-mail' | 'listed' | 'unlisted' | 'forged';
  readonly about: string;
  readonly verdict: 'open-signup' | 'trusted' | 'authenticated' | 'suspicious';
  readonly bytes: Buffer;
};

/** Four messages, the DNS that they are checked with, and the lists: companies and domains are invented. */
export type TrustLab = {
  readonly scenes: readonly TrustScene[];
  /** Recorded answers, as `--dns-cache` takes them. */
  readonly dns: Readonly<Record<string, unknown>>;
  /** A registry document. */
  readonly registry: RegistryDocument;
  /** Local decisions beside it: the free-mail provider is invented, so no list that ships has it. */
  readonly local: object;
};

const FREE_MAIL = 'freemail.example';
const LISTED = 'bank.example';
const UNLISTED = 'shop.example';

const DAY_MS = 86_400_000;

/** What the story needs to know of a registry document. */
type RegistryDocument = {
  readonly format: string;
  readonly version: number;
  readonly issued: string;
  readonly expires: string;
  readonly mediator: { readonly id: string; readonly name: string };
  readonly entries: readonly object[];
};

/** File names of the lists; the local decisions name the registry. */
export const REGISTRY_FILE = 'registry.json';

/**
 * Make the world of the story: keys of three domains, messages signed with them, and one that claims to be from
 * the listed company and cannot sign.
 *
 * @param nowMs       when the messages came in, milliseconds since the epoch
 * @param validYears  how long the list and its entries are good
 */
export function makeTrustLab(nowMs: number, validYears = 1): TrustLab {
  const keys = new Map([FREE_MAIL, LISTED, UNLISTED].map((domain) => [domain, makeKey(domain)]));
  return {
    scenes: scenes(keys, nowMs),
    dns: zone(keys),
    registry: registryDocument(nowMs, validYears),
    local: { registry: REGISTRY_FILE, overrides: { openSignup: { add: [FREE_MAIL], remove: [] } } },
  };
}

/** The company signs with RSA, as most do; the others with Ed25519, which needs no time to make. */
function makeKey(domain: string): KeyObject {
  if (domain === LISTED) return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return generateKeyPairSync('ed25519').privateKey;
}

type Letter = {
  readonly name: TrustScene['name'];
  readonly about: string;
  readonly verdict: TrustScene['verdict'];
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  /** The server that handed it in. */
  readonly host: string;
  readonly ip: string;
  readonly envelopeFrom: string;
  /** As Postfix writes it. */
  readonly queueId: string;
  readonly signer: string | null;
};

const LETTERS: readonly Letter[] = [
  {
    name: 'free-mail',
    about: 'signed by a provider where anybody can sign up',
    verdict: 'open-signup',
    from: `Jo Doe <jo.doe@${FREE_MAIL}>`,
    subject: 'Lunch?',
    text: 'Are you free on Friday?',
    host: `out.${FREE_MAIL}`,
    ip: '192.0.2.10',
    envelopeFrom: `jo.doe@${FREE_MAIL}`,
    queueId: '7C1A2F40B3',
    signer: FREE_MAIL,
  },
  {
    name: 'listed',
    about: 'signed by a company that a mediator has checked',
    verdict: 'trusted',
    from: `Example Bank <service@${LISTED}>`,
    subject: 'Your statement for November',
    text: 'Your statement is ready. Log in the way you always do.',
    host: `mail.${LISTED}`,
    ip: '192.0.2.20',
    envelopeFrom: `bounce@${LISTED}`,
    queueId: '8D2B3A51C4',
    signer: LISTED,
  },
  {
    name: 'unlisted',
    about: 'signed by a company that nobody has checked',
    verdict: 'authenticated',
    from: `The Little Shop <orders@${UNLISTED}>`,
    subject: 'Your order is on its way',
    text: 'It left us this morning.',
    host: `mail.${UNLISTED}`,
    ip: '192.0.2.30',
    envelopeFrom: `orders@${UNLISTED}`,
    queueId: '9E3C4B62D5',
    signer: UNLISTED,
  },
  {
    name: 'forged',
    about: 'that says to be from that company and is not signed by it',
    verdict: 'suspicious',
    from: `Example Bank <service@${LISTED}>`,
    subject: 'Your account is locked',
    text: 'Confirm your password within 24 hours: http://login.attack.example/',
    host: 'vps7.attack.example',
    ip: '198.51.100.66',
    envelopeFrom: 'bulk@attack.example',
    queueId: 'AF4D5C73E6',
    signer: null,
  },
];

function scenes(keys: ReadonlyMap<string, KeyObject>, nowMs: number): readonly TrustScene[] {
  return LETTERS.map((letter) => {
    const key = letter.signer === null ? undefined : keys.get(letter.signer);
    const written = Buffer.from(letterText(letter, nowMs));
    const signed =
      key === undefined || letter.signer === null
        ? written
        : signMessage(written, {
            domain: letter.signer,
            selector: 's1',
            key,
            tags: { t: String(Math.floor(nowMs / 1000) - 5) },
          });
    const { name, about, verdict } = letter;
    return { name, about, verdict, bytes: Buffer.concat([Buffer.from(trace(letter, nowMs)), signed]) };
  });
}

function letterText({ from, subject, text, name, envelopeFrom }: Letter, nowMs: number): string {
  const domain = envelopeFrom.slice(envelopeFrom.indexOf('@') + 1);
  return [
    `From: ${from}`,
    'To: you@home.example',
    `Subject: ${subject}`,
    `Date: ${rfc5322(nowMs - 5000)}`,
    `Message-ID: <${name}.1@${domain}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    '',
  ].join('\r\n');
}

/** What the reader's own server wrote on top. */
function trace({ host, ip, envelopeFrom, queueId }: Letter, nowMs: number): string {
  return [
    `Return-Path: <${envelopeFrom}>`,
    `Received: from ${host} (${host} [${ip}])`,
    `\tby mx.home.example (Postfix) with ESMTPS id ${queueId}`,
    `\tfor <you@home.example>; ${rfc5322(nowMs)}`,
    '',
  ].join('\r\n');
}

function rfc5322(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

function zone(keys: ReadonlyMap<string, KeyObject>): Readonly<Record<string, unknown>> {
  const domains = [...keys].flatMap(([domain, key], index) => [
    [domain, { TXT: [[`v=spf1 ip4:192.0.2.${(index + 1) * 10} -all`]] }] as const,
    [`_dmarc.${domain}`, { TXT: [['v=DMARC1; p=reject']] }] as const,
    [`s1._domainkey.${domain}`, { TXT: [keyRecord(key)] }] as const,
  ]);
  const attacker = ['attack.example', { TXT: [['v=spf1 ip4:198.51.100.66 -all']] }] as const;
  return Object.fromEntries([...domains, attacker]);
}

function registryDocument(nowMs: number, validYears: number): RegistryDocument {
  const day = (offsetDays: number) => new Date(nowMs + offsetDays * DAY_MS).toISOString().slice(0, 10);
  return {
    format: 'trusted-domains/1',
    mediator: { id: 'mediator.example', name: 'Example Mediator' },
    version: 1,
    issued: day(-1),
    expires: day(365 * validYears),
    entries: [
      {
        id: 'example-bank',
        organization: {
          name: 'Example Bank',
          legalName: 'Example Bank AG',
          country: 'CH',
          website: `https://www.${LISTED}/`,
        },
        domains: [{ domain: LISTED, includeSubdomains: false }],
        aliases: ['EBank'],
        mailTypes: ['transaction'],
        logo: null,
        vetting: {
          level: 'organization',
          checkedAt: day(-30),
          checkedBy: ['Ann Checker', 'Ben Second'],
          evidence: [{ kind: 'register', text: 'Commercial register, CH-000.0.000.000-0' }],
          singleCompany: true,
          openSignup: false,
          nextReview: day(335 * validYears),
        },
        status: 'active',
        validFrom: day(-30),
        validUntil: day(365 * validYears),
      },
    ],
  };
}
