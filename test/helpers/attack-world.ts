import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type CheckOptions, checkMessage } from '../../src/check/check.ts';
import type { MessageCheck } from '../../src/check/types.ts';
import { recordedResolver } from '../../src/dns/recorded.ts';
import { keyRecord, type Signing, signMessage } from '../../src/lab/dkim-signer.ts';
import { readHeader } from '../../src/message/headers.ts';
import { type Knowledge, knowledge } from '../../src/trust/knowledge.ts';
import { NO_OVERRIDES } from '../../src/trust/overrides.ts';
import { entryDocument, NOW, registry } from './trust.ts';

// A world with a bank that a mediator vouches for, and an attacker who has everything but the bank's keys: a
// domain with SPF, DKIM and DMARC in good order, genuine messages of the bank, and any bytes that can be sent.

const ed25519 = () => generateKeyPairSync('ed25519').privateKey;
const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;

/** Private keys by who holds them. */
export const keys = {
  bank: rsa(2048),
  bankEd25519: ed25519(),
  /** Published by the bank, and too small. */
  bankWeak: rsa(512),
  group: ed25519(),
  attacker: ed25519(),
  /** Of a server that the reader believes in ARC. */
  sealer: ed25519(),
} as const;

export const BANK = 'bank.example';
/** Listed with its subdomains. */
export const GROUP = 'group.example';
export const ATTACKER = 'attack.example';

const reject = { TXT: [['v=DMARC1; p=reject']] };

/** Records of a domain that does everything right, for one address. */
function soundDomain(domain: string, key: KeyObject, ip: string): object {
  return {
    [domain]: { TXT: [[`v=spf1 ip4:${ip} -all`]] },
    [`_dmarc.${domain}`]: reject,
    [`s1._domainkey.${domain}`]: { TXT: [keyRecord(key)] },
  };
}

/** Names of the attacker: all with a key at `s1`, and DMARC that passes. */
export const LOOKALIKES = {
  digit: 'bank1ng.example',
  rn: 'rnarket.example',
  cyrillic: 'xn--bnk-6cd.example', // bаnk with a Cyrillic а
  wholeCyrillic: 'xn--80ak6aa92e.example', // аррӏе
  label: 'bank.example.attack.example',
  subdomain: 'stolen.bank.example',
} as const;

const zone = {
  ...soundDomain(BANK, keys.bank, '192.0.2.20'),
  [`e1._domainkey.${BANK}`]: { TXT: [keyRecord(keys.bankEd25519)] },
  [`weak._domainkey.${BANK}`]: { TXT: [keyRecord(keys.bankWeak)] },
  [`test._domainkey.${BANK}`]: { TXT: [keyRecord(keys.bank, ' t=y;')] },
  [`strict._domainkey.${BANK}`]: { TXT: [keyRecord(keys.bank, ' t=s;')] },
  [`gone._domainkey.${BANK}`]: { TXT: [['v=DKIM1; k=rsa; p=']] },
  [`sha1._domainkey.${BANK}`]: { TXT: [keyRecord(keys.bank, ' h=sha1;')] },
  [`other._domainkey.${BANK}`]: { TXT: [keyRecord(keys.bank, ' s=other;')] },
  [`slow._domainkey.${BANK}`]: { TXT: 'TIMEOUT' },
  ...soundDomain(GROUP, keys.group, '192.0.2.30'),
  ...soundDomain(ATTACKER, keys.attacker, '198.51.100.66'),
  ...soundDomain('sealer.example', keys.sealer, '203.0.113.9'),
  ...soundDomain('freemail.example', keys.attacker, '198.51.100.66'),
  ...soundDomain('apple.example', keys.bankEd25519, '192.0.2.40'),
  ...soundDomain('market.example', keys.bankEd25519, '192.0.2.40'),
  ...soundDomain('banking.example', keys.bankEd25519, '192.0.2.40'),
  ...Object.assign(
    {},
    ...Object.values(LOOKALIKES).map((each) => soundDomain(each, keys.attacker, '198.51.100.66')),
  ),
  's1._domainkey.example': { TXT: [keyRecord(keys.attacker)] },
  // Whoever sends from a shared host passes SPF of this listed domain.
  'shared.example': { TXT: [['v=spf1 +all']] },
  '_dmarc.shared.example': reject,
  // Signatures have to name the very domain.
  ...soundDomain('strict.example', keys.bankEd25519, '192.0.2.50'),
  '_dmarc.strict.example': { TXT: [['v=DMARC1; p=reject; adkim=s; aspf=s']] },
  's1._domainkey.user.strict.example': { TXT: [keyRecord(keys.attacker)] },
};

const company = (id: string, name: string, domain: string, includeSubdomains = false) =>
  entryDocument({
    id,
    organization: { name },
    aliases: [],
    domains: [{ domain, includeSubdomains }],
  });

const registries = [
  registry([
    entryDocument(),
    company('group', 'Grand Group', GROUP, true),
    company('apple', 'Apple Orchard', 'apple.example'),
    company('market', 'Old Market', 'market.example'),
    company('banking', 'Banking Ltd', 'banking.example'),
    company('shared', 'Shared Host Inc', 'shared.example'),
    company('strict', 'Strict Inc', 'strict.example'),
    // On the list by mistake.
    company('freemail', 'Free Mail', 'freemail.example'),
  ]),
];

export const known: Knowledge = knowledge({
  registries,
  overrides: {
    ...NO_OVERRIDES,
    openSignup: { add: ['freemail.example'], remove: [] },
    sealers: ['sealer.example'],
  },
});

/** A letter of the bank; `fields` replace those of the same name, null takes one away. */
export function letter(
  fields: Readonly<Record<string, string | null>> = {},
  body = 'Your statement is ready.\r\n',
) {
  const all: Readonly<Record<string, string | null>> = {
    From: ` Example Bank <service@${BANK}>`,
    To: ' you@home.example',
    Subject: ' Your statement',
    Date: ' Wed, 25 Nov 2026 11:59:00 +0000',
    'Message-ID': ' <1@bank.example>',
    'MIME-Version': ' 1.0',
    'Content-Type': ' text/plain; charset=utf-8',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [`${name}:${value}\r\n`],
  );
  return Buffer.from(`${lines.join('')}\r\n${body}`);
}

/** What the bank signs: everything that is shown, once more than it stands there. */
export function byBank(message: Uint8Array, changes: Partial<Signing> = {}): Buffer {
  return signMessage(message, { domain: BANK, selector: 's1', key: keys.bank, ...changes });
}

export function byAttacker(message: Uint8Array, changes: Partial<Signing> = {}): Buffer {
  return signMessage(message, { domain: ATTACKER, selector: 's1', key: keys.attacker, ...changes });
}

/** Text put in front of a message. */
export function onTop(lines: string, message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(lines, 'latin1'), message]);
}

/** The last field of the header gets company. */
export function atBottom(lines: string, message: Buffer): Buffer {
  const end = message.indexOf('\r\n\r\n') + 2;
  return Buffer.concat([message.subarray(0, end), Buffer.from(lines, 'latin1'), message.subarray(end)]);
}

/** One text in place of another, byte by byte. */
export function replaced(message: Buffer, from: string, to: string): Buffer {
  const text = message.toString('latin1');
  if (!text.includes(from)) throw new Error(`the message has no ${from}`);
  return Buffer.from(
    text.replace(from, () => to),
    'latin1',
  );
}

/** Who handed a message to the reader's server. */
export type Session = { readonly ip: string; readonly host: string; readonly mailFrom: string };

export const FROM_ATTACKER: Session = {
  ip: '198.51.100.66',
  host: 'vps.attack.example',
  mailFrom: 'bulk@attack.example',
};

export const FROM_BANK: Session = {
  ip: '192.0.2.20',
  host: 'mail.bank.example',
  mailFrom: 'bounce@bank.example',
};

/** What the reader's server writes on top of what it takes in. */
export function delivered(message: Uint8Array, { ip, host, mailFrom }: Session): Buffer {
  const trace = [
    `Return-Path: <${mailFrom}>`,
    `Received: from ${host} (${host} [${ip}])`,
    '\tby mx.home.example (Postfix) with ESMTPS id 4XyZ',
    '\tfor <you@home.example>; Wed, 25 Nov 2026 12:00:00 +0000',
    '',
  ];
  return onTop(trace.join('\r\n'), message);
}

/** The verdict on bytes as they lie in the mailbox. */
export async function judge(bytes: Buffer, changes: Partial<CheckOptions> = {}): Promise<MessageCheck> {
  const options: CheckOptions = {
    given: {},
    recipient: null,
    asOfMs: NOW,
    nowMs: NOW,
    dns: recordedResolver(zone),
    knowledge: known,
    policy: {},
    ...changes,
  };
  return await checkMessage({ target: null, bytes, cut: false, header: readHeader(bytes) }, options);
}
