import { sealMessage } from 'mailauth';
import { describe, expect, test } from 'vitest';
import { signMessage } from '../../src/lab/dkim-signer.ts';
import {
  ATTACKER,
  atBottom,
  BANK,
  byAttacker,
  byBank,
  delivered,
  FROM_ATTACKER,
  FROM_BANK,
  GROUP,
  judge,
  keys,
  LOOKALIKES,
  letter,
  onTop,
  replaced,
  type Session,
} from '../helpers/attack-world.ts';

// Whoever sends these has no key of a listed company, and none may come out trusted. Each names the reason that
// the reader has to be told. The classes are those of TV-1 to TV-3: what passes as signed and is not, one
// author proved and another shown, and one company posing as another.

/** An attack: what it is, the code of a reason that has to be given, the message, and who hands it in. */
type Attack = readonly [what: string, code: string, message: Buffer, session?: Session];

/** A genuine letter of the bank in which something was changed after it was signed. */
const genuine = byBank(letter());
const signedPlainly = ['from', 'to', 'subject', 'date', 'message-id', 'mime-version', 'content-type'];
const sloppy = byBank(letter(), { names: signedPlainly });

/** A message of the attacker with all in good order, apart from what its From field says. */
function from(value: string, fields: Readonly<Record<string, string | null>> = {}): Buffer {
  return byAttacker(letter({ From: value, ...fields }));
}

/** A message of a look-alike domain, signed by that domain. */
function of(domain: string, display = '', fields: Readonly<Record<string, string | null>> = {}): Buffer {
  const message = letter({ From: ` ${display} <service@${domain}>`, ...fields });
  return signMessage(message, { domain, selector: 's1', key: keys.attacker });
}

const TRICK = 'Call +1 555 0100 to unlock your account.\r\n';

const classes: Readonly<Record<string, readonly Attack[]>> = {
  'no signature of the bank': [
    ['nothing at all', 'vouched.unsigned', letter()],
    ['SPF of the own domain', 'spf.unaligned', letter()],
    [
      'the bank in HELO and an empty path',
      'dmarc.fail',
      letter(),
      { ...FROM_ATTACKER, host: 'mail.bank.example', mailFrom: '' },
    ],
    ['the bank in the path', 'spf.fail', letter(), { ...FROM_ATTACKER, mailFrom: 'bounce@bank.example' }],
    ['a signature of the own domain', 'dkim.unaligned', byAttacker(letter())],
    [
      'a signature with an identity of the bank',
      'dkim.identity',
      byAttacker(letter(), { tags: { i: `@${BANK}` } }),
    ],
    [
      'a signature of the bank with the own key',
      'dkim.fail',
      byBank(letter(), { key: keys.attacker, tags: { a: 'rsa-sha256' } }),
    ],
    [
      'a selector that nobody publishes',
      'dkim.no-key',
      byBank(letter(), { selector: 'mine', key: keys.attacker }),
    ],
    [
      'a key of a sender that SPF lets through',
      'vouch.needs-dkim',
      letter({ From: ' S <a@shared.example>' }),
      { ...FROM_ATTACKER, mailFrom: 'a@shared.example' },
    ],
    ['a key at the top-level domain', 'dkim.public-suffix', byAttacker(letter(), { domain: 'example' })],
    [
      'a key below a domain that demands its own name',
      'dkim.unaligned',
      signMessage(letter({ From: ' S <a@strict.example>' }), {
        domain: 'user.strict.example',
        selector: 's1',
        key: keys.attacker,
      }),
    ],
    [
      'a subdomain that was taken over',
      'registry.subdomain-excluded',
      of(LOOKALIKES.subdomain, 'Example Bank'),
    ],
    [
      'an organization that is on the list by mistake',
      'open-signup.listed:local',
      signMessage(letter({ From: ' Free Mail <jo@freemail.example>' }), {
        domain: 'freemail.example',
        selector: 's1',
        key: keys.attacker,
      }),
    ],
  ],

  'names of keys that lead elsewhere': [
    [
      'a NUL behind the own selector',
      'dkim.bad-name',
      byBank(letter(), { selector: `s1._domainkey.${ATTACKER}\0`, key: keys.attacker }),
    ],
    ['an at sign in d=', 'dkim.bad-name', byAttacker(letter(), { domain: `${BANK}@${ATTACKER}` })],
    ['a comment in d=', 'dkim.bad-name', byAttacker(letter(), { domain: `${BANK}(.${ATTACKER})` })],
    ['a quotation in d=', 'dkim.bad-name', byAttacker(letter(), { domain: `"${BANK}".${ATTACKER}` })],
    ['a blank in d=', 'dkim.bad-name', byAttacker(letter(), { domain: `${BANK} .${ATTACKER}` })],
    ['a control byte in s=', 'dkim.bad-name', byBank(letter(), { selector: 's1\u0001', key: keys.attacker })],
    ['a NUL behind d=', 'dkim.bad-name', byAttacker(letter(), { domain: `${ATTACKER}\0.${BANK}` })],
  ],

  'keys and signatures that do not count': [
    ['a key in test mode', 'dkim.testing-key', byBank(letter(), { selector: 'test' })],
    ['a revoked key', 'dkim.bad-key', byBank(letter(), { selector: 'gone' })],
    ['a key of 512 bits', 'dkim.weak-key', byBank(letter(), { selector: 'weak', key: keys.bankWeak })],
    ['SHA-1', 'dkim.sha1', byBank(letter(), { tags: { a: 'rsa-sha1' } })],
    ['a key that is for SHA-1 alone', 'dkim.bad-key', byBank(letter(), { selector: 'sha1' })],
    ['a key of another service', 'dkim.bad-key', byBank(letter(), { selector: 'other' })],
    [
      'an identity of a subdomain that the key forbids',
      'dkim.identity',
      byBank(letter(), { selector: 'strict', tags: { i: '@user.bank.example' } }),
    ],
    [
      'a signature that expired',
      'dkim.expired',
      byBank(letter(), { tags: { t: '1700000000', x: '1700100000' } }),
    ],
    ['a signature of the future', 'dkim.future', byBank(letter(), { tags: { t: '1900000000' } })],
    ['a version that is none', 'dkim.syntax', byBank(letter(), { tags: { v: '2' } })],
    ['no version', 'dkim.syntax', byBank(letter(), { tags: { v: null } })],
    [
      'a tag that stands twice',
      'dkim.syntax',
      replaced(byAttacker(letter()), `d=${ATTACKER};`, `d=${ATTACKER};\r\n d=${BANK};`),
    ],
    ['a key that cannot be asked for', 'temperror.dkim', byBank(letter(), { selector: 'slow' })],
    ['an algorithm that nobody knows', 'dkim.algorithm', byBank(letter(), { tags: { a: 'none-sha256' } })],
    [
      'no b=',
      'dkim.fail',
      Buffer.from(genuine.toString('latin1').replace(/ b=[^:]*?\r\n(?=From)/, ' b=\r\n'), 'latin1'),
    ],
  ],

  'genuine messages with another body': [
    [
      'another body',
      'dkim.altered',
      replaced(genuine, 'Your statement is ready.', 'Your account is locked.'),
    ],
    ['a line more', 'dkim.altered', Buffer.concat([genuine, Buffer.from(TRICK)])],
    [
      'a line behind l=',
      'dkim.partial-body',
      Buffer.concat([byBank(letter(), { tags: { l: '26' } }), Buffer.from(TRICK)]),
    ],
    [
      'all of it behind l=0',
      'dkim.partial-body',
      Buffer.concat([byBank(letter({}, ''), { tags: { l: '0' } }), Buffer.from(TRICK)]),
    ],
    [
      'a part of HTML behind l=',
      'dkim.partial-body',
      Buffer.concat([
        byBank(letter({ 'Content-Type': ' multipart/mixed; boundary=a' }, '--a\r\n\r\nhello\r\n--a--\r\n'), {
          tags: { l: '19' },
        }),
        Buffer.from(`--a\r\nContent-Type: text/html\r\n\r\n<h1>${TRICK}</h1>\r\n`),
      ]),
    ],
    [
      'an empty line at the end and more',
      'dkim.altered',
      Buffer.concat([genuine, Buffer.from(`\r\n\r\n${TRICK}`)]),
    ],
  ],

  'genuine messages with other fields': [
    [
      'another subject',
      'dkim.altered',
      replaced(genuine, 'Your statement\r\n', 'Your account is locked\r\n'),
    ],
    [
      'a second subject on top',
      'dkim.added-header:subject',
      onTop('Subject: Your account is locked\r\n', sloppy),
    ],
    [
      'a second subject where they were signed once more',
      'dkim.altered',
      onTop('Subject: Your account is locked\r\n', genuine),
    ],
    [
      'a second subject with a blank before its colon',
      'dkim.added-header:subject',
      onTop('Subject : Your account is locked\r\n', sloppy),
    ],
    [
      'a second date on top',
      'dkim.added-header:date',
      onTop('Date: Thu, 26 Nov 2026 11:59:00 +0000\r\n', sloppy),
    ],
    ['a second To on top', 'dkim.added-header:to', onTop('To: victim@home.example\r\n', sloppy)],
    [
      'a second content type on top',
      'dkim.added-header:content-type',
      onTop('Content-Type: text/html\r\n', sloppy),
    ],
    [
      'a second MIME version on top',
      'dkim.added-header:mime-version',
      onTop('MIME-Version: 1.0\r\n', sloppy),
    ],
    [
      'a Reply-To that was not signed',
      'dkim.unsigned-header:reply-to',
      onTop(`Reply-To: bank@${ATTACKER}\r\n`, sloppy),
    ],
    [
      'a Sender that was not signed',
      'dkim.unsigned-header:sender',
      onTop(`Sender: bank@${ATTACKER}\r\n`, sloppy),
    ],
    ['a Cc that was not signed', 'dkim.unsigned-header:cc', onTop('Cc: victim@home.example\r\n', sloppy)],
    [
      'a transfer encoding that was not signed',
      'dkim.unsigned-header:content-transfer-encoding',
      onTop('Content-Transfer-Encoding: base64\r\n', sloppy),
    ],
    [
      'another subject where it was not signed',
      'dkim.unsigned-header:subject',
      replaced(
        byBank(letter(), { names: ['from', 'to', 'date', 'mime-version', 'content-type'] }),
        'Your statement\r\n',
        'Your account is locked\r\n',
      ),
    ],
    [
      'another content type where it was not signed',
      'dkim.unsigned-header:content-type',
      replaced(
        byBank(letter(), { names: ['from', 'to', 'date', 'subject', 'mime-version'] }),
        'text/plain',
        'text/html',
      ),
    ],
    [
      'another author where it was not signed',
      'dkim.syntax',
      replaced(
        byBank(letter({ From: ` x@${ATTACKER}` }), { names: ['to', 'date', 'subject'] }),
        `x@${ATTACKER}`,
        `x@${BANK}`,
      ),
    ],
    ['a second author on top', 'structure.several-from', onTop(`From: x@${ATTACKER}\r\n`, sloppy)],
    ['a second author at the bottom', 'structure.several-from', atBottom(`From: x@${ATTACKER}\r\n`, sloppy)],
    ['a second author in capitals', 'structure.several-from', onTop(`FROM: x@${ATTACKER}\r\n`, sloppy)],
    [
      'a second author with a blank before the colon',
      'structure.several-from',
      onTop(`From : x@${ATTACKER}\r\n`, sloppy),
    ],
    [
      'a second author with a tab before the colon',
      'structure.several-from',
      onTop(`From\t: x@${ATTACKER}\r\n`, sloppy),
    ],
  ],

  'one author proved and another shown': [
    ['the bank and the attacker', 'structure.several-domains', from(` x@${BANK}, x@${ATTACKER}`)],
    ['the attacker and the bank', 'structure.several-domains', from(` x@${ATTACKER}, x@${BANK}`)],
    ['both in a group', 'structure.several-domains', from(` Bank: x@${BANK}, x@${ATTACKER};`)],
    [
      'a group without members and a Sender',
      'structure.empty-group',
      from(' Example Bank:;', { Sender: ` x@${ATTACKER}` }),
    ],
    ['two pairs of brackets', 'structure.unparsable-address', from(` <x@${BANK}> <x@${ATTACKER}>`)],
    ['brackets in a quoted name', 'structure.ambiguous-from', from(` "Bank <x@${BANK}>" <x@${ATTACKER}>`)],
    [
      'brackets in an encoded name',
      'structure.ambiguous-from',
      from(` =?utf-8?b?${Buffer.from(`Bank <x@${BANK}>`).toString('base64')}?= <x@${ATTACKER}>`),
    ],
    ['brackets in a comment', 'structure.ambiguous-from', from(` x@${ATTACKER} (<x@${BANK}>)`)],
    ['an address as a bare name', 'structure.ambiguous-from', from(` x@${BANK} <x@${ATTACKER}>`)],
    [
      'an encoded address',
      'structure.encoded-address',
      from(` =?utf-8?b?${Buffer.from(`<x@${BANK}>`).toString('base64')}?=`),
    ],
    ['an encoded domain', 'structure.encoded-address', from(` x@=?utf-8?q?bank?=.example`)],
    [
      'an encoded address with a NUL',
      'structure.encoded-address',
      from(` <=?utf-8?b?${Buffer.from(`x@${BANK}\0`).toString('base64')}?=@${ATTACKER}>`),
    ],
    ['a route', 'structure.source-route', from(` <@${ATTACKER},@x.example:x@${BANK}>`)],
    ['two at signs', 'structure.unparsable-address', from(` x@${BANK}@${ATTACKER}`)],
    ['a quoted local part', 'deception.address-in-local-part', from(` "x@${BANK}"@${ATTACKER}`)],
    ['a NUL in the address', 'structure.nul', from(` x@${BANK}\0@${ATTACKER}`)],
    ['a control byte in the address', 'structure.control-byte', from(` x@${BANK}\u0001`)],
    ['a comma too many', 'structure.unparsable-address', from(` x@${BANK},`)],
    ['a final dot', 'structure.unparsable-address', from(` x@${BANK}.`)],
    ['an address literal', 'structure.address-literal', from(' Example Bank <x@[198.51.100.66]>')],
    ['a comment without an end', 'structure.unparsable-address', from(` x@${BANK} (`)],
    ['no From and a Sender', 'structure.no-from', byAttacker(letter({ From: null, Sender: ` x@${BANK}` }))],
    ['an empty From', 'structure.no-author', from('')],
  ],

  'headers that programs read differently': [
    [
      'a bare CR before a second author',
      'structure.bare-cr',
      onTop(`X-A: a\rFrom: x@${ATTACKER}\r\n`, sloppy),
    ],
    [
      'a bare LF before a second author',
      'structure.several-from',
      onTop(`X-A: a\nFrom: x@${ATTACKER}\r\n`, sloppy),
    ],
    [
      'a bare LF that ends the header early',
      'structure.mixed-line-endings',
      onTop(`X-A: a\n\nFrom: x@${ATTACKER}\r\n`, sloppy),
    ],
    ['a name that is folded', 'structure.non-header-line', onTop(`From\r\n : x@${ATTACKER}\r\n`, sloppy)],
    ['a NUL in the name', 'structure.nul', onTop(`From\0: x@${ATTACKER}\r\n`, sloppy)],
    [
      'a letter of another script in the name',
      'structure.non-header-line',
      Buffer.concat([Buffer.from(`Fr\u043em: x@${ATTACKER}\r\n`), sloppy]),
    ],
    [
      'a line that is no field',
      'structure.non-header-line',
      onTop(`hello\r\nFrom: x@${ATTACKER}\r\n`, sloppy),
    ],
    [
      'a fold of blanks alone',
      'structure.blank-line',
      onTop(`X-A: a\r\n \r\nFrom: x@${ATTACKER}\r\n`, sloppy),
    ],
    [
      'a second author behind all that is read',
      'structure.header-too-long',
      atBottom(`${'X-A: b\r\n'.repeat(140_000)}From: x@${ATTACKER}\r\n`, sloppy),
    ],
  ],

  'domains that look like another': [
    ['a digit for a letter', 'deception.lookalike-domain', of(LOOKALIKES.digit)],
    ['rn for m', 'deception.lookalike-domain', of(LOOKALIKES.rn)],
    ['a Cyrillic letter among Latin ones', 'deception.mixed-script', of(LOOKALIKES.cyrillic)],
    ['all letters Cyrillic', 'deception.lookalike-domain', of(LOOKALIKES.wholeCyrillic)],
    ['the domain as a label', 'deception.domain-as-label', of(LOOKALIKES.label)],
  ],

  'names that pose as a company': [
    ['its name', 'deception.listed-name', of(ATTACKER, 'Example Bank')],
    ['its name among others', 'deception.listed-name', of(ATTACKER, '"Example Bank - Security Department"')],
    ['its alias', 'deception.listed-name', of(ATTACKER, 'EBank')],
    ['its name in look-alikes', 'deception.listed-name', of(ATTACKER, 'E\u0445\u0430mple B\u0430nk')],
    [
      'its name in mathematical letters',
      'deception.listed-name',
      of(
        ATTACKER,
        '\u{1d404}\u{1d431}\u{1d41a}\u{1d426}\u{1d429}\u{1d425}\u{1d41e} \u{1d401}\u{1d41a}\u{1d427}\u{1d424}',
      ),
    ],
    ['its name in an encoded word', 'deception.listed-name', of(ATTACKER, '=?utf-8?q?Example_Bank?=')],
    [
      'its name split in encoded words',
      'deception.listed-name',
      of(ATTACKER, '=?utf-8?q?Exam?= =?utf-8?q?ple_Bank?='),
    ],
    ['its address', 'deception.address-in-name', of(ATTACKER, `"service@${BANK}"`)],
    ['its address with a wide at sign', 'deception.address-in-name', of(ATTACKER, `"service\uff20${BANK}"`)],
    ['its domain', 'deception.domain-in-name', of(ATTACKER, `"www.x, ${BANK}"`)],
    ['its name turned around', 'deception.bidi', of(ATTACKER, '\u202eknaB elpmaxE')],
    [
      'its name with characters that are not seen',
      'deception.zero-width',
      of(ATTACKER, 'Exam\u200bple Ba\u2060nk'),
    ],
    ['an address out of sight', 'deception.padding', of(ATTACKER, `"Support${'\u00a0'.repeat(60)}"`)],
    [
      'answers to others',
      'deception.reply-to',
      of(ATTACKER, 'Jo', { 'Reply-To': ' Example Bank <a@else.example>' }),
    ],
    [
      'its name from a free-mail provider',
      'deception.listed-name',
      signMessage(letter({ From: ' Example Bank <jo@freemail.example>' }), {
        domain: 'freemail.example',
        selector: 's1',
        key: keys.attacker,
      }),
    ],
  ],

  'fields that claim what others found': [
    [
      'results of our own server below the border',
      'vouched.unsigned',
      onTop(
        `Authentication-Results: mx.home.example; dkim=pass header.d=${BANK}; dmarc=pass header.from=${BANK}\r\n`,
        letter(),
      ),
    ],
    [
      'SPF results below the border',
      'spf.unaligned',
      onTop(
        `Received-SPF: pass client-ip=192.0.2.20; helo=mail.bank.example; envelope-from=bounce@${BANK}\r\n`,
        letter(),
      ),
    ],
    [
      'a line of our own server below the border',
      'dmarc.fail',
      onTop(
        `Received: from mail.bank.example (mail.bank.example [192.0.2.20])\r\n\tby mx.home.example with ESMTPS id 1; Wed, 25 Nov 2026 11:59:30 +0000\r\n`,
        letter(),
      ),
    ],
    ['a path below the border', 'dmarc.fail', onTop(`Return-Path: <bounce@${BANK}>\r\n`, letter())],
    ['an address in HELO', 'dmarc.fail', letter(), { ...FROM_ATTACKER, host: '[192.0.2.20]' }],
    [
      'a logo',
      'vouched.unsigned',
      onTop(
        `BIMI-Location: v=BIMI1; l=https://${ATTACKER}/bank.svg\r\nBIMI-Indicator: PHN2Zz4=\r\nBIMI-Selector: v=BIMI1; s=default\r\n`,
        letter(),
      ),
    ],
    [
      'a mediator that vouches',
      'vouched.unsigned',
      onTop(`VBR-Info: md=${BANK}; mc=all; mv=mediator.example\r\n`, letter()),
    ],
    ['a verdict', 'vouched.unsigned', onTop('X-Postern-Verdict: trusted\r\nX-Spam-Status: No\r\n', letter())],
  ],
};

const count = Object.values(classes).reduce((sum, attacks) => sum + attacks.length, 0);

test('there are more attacks than were asked for', () => {
  expect(count).toBeGreaterThanOrEqual(60);
});

describe.each(Object.entries(classes))('%s', (_, attacks) => {
  test.for(attacks)('%s: %s', async ([, code, message, session = FROM_ATTACKER]) => {
    const { verdict, organization, reasons } = await judge(delivered(message, session));
    expect(verdict).not.toBe('trusted');
    expect(organization).toBeNull();
    expect(reasons.map((reason) => reason.code)).toContain(code);
  });

  // The same as somebody may have saved it, or with SPF of the bank, as its own server relays mail of others.
  test.for(attacks)('%s, in other forms', async ([, , message]) => {
    const text = delivered(message, FROM_ATTACKER).toString('latin1');
    const forms = [
      Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1'),
      Buffer.from(
        `From bulk@attack.example Wed Nov 25 12:00:00 2026\n${text.replaceAll('\r\n', '\n')}`,
        'latin1',
      ),
      delivered(message, FROM_BANK),
      message,
    ];
    for (const form of forms) expect((await judge(form)).verdict).not.toBe('trusted');
  });
});

test.for(Object.values(classes).flat())('%s is no better when somebody insists', async ([, , message]) => {
  const changes = { policy: { force: true } };
  expect((await judge(delivered(message, FROM_ATTACKER), changes)).verdict).not.toBe('trusted');
});

const pem = (key: typeof keys.attacker) => key.export({ format: 'pem', type: 'pkcs8' }).toString();

/** An ARC set on top of a message that is not of the bank. */
async function sealed(message: Buffer, domain: string, says: string, key = keys.attacker): Promise<Buffer> {
  const seal = {
    signingDomain: domain,
    selector: 's1',
    privateKey: pem(key),
    authResults: says,
    cv: 'none' as const,
    algorithm: 'ed25519-sha256',
  };
  return Buffer.concat([await sealMessage(message, seal as Parameters<typeof sealMessage>[1]), message]);
}

const PASSED = `mx.attack.example; dkim=pass header.d=${BANK}; dmarc=pass header.from=${BANK}`;

test.for([
  ['by the attacker, whom nobody listed', ATTACKER, PASSED, 'arc.ignored'],
  ['in the name of a sealer that is listed', 'sealer.example', PASSED, 'vouched.unsigned'],
  ['for another author', ATTACKER, PASSED.replaceAll(BANK, ATTACKER), 'arc.ignored'],
] as const)('an ARC seal %s makes nothing trusted', async ([, domain, says, code]) => {
  const { verdict, reasons } = await judge(delivered(await sealed(letter(), domain, says), FROM_ATTACKER));
  expect(verdict).toBe('suspicious');
  expect(reasons.map((reason) => reason.code)).toContain(code);
});

test('a seal of a server that the reader believes makes it authenticated at best', async () => {
  const says = PASSED.replace('mx.attack.example', 'mx.sealer.example');
  const message = await sealed(letter(), 'sealer.example', says, keys.sealer);
  const { verdict, reasons } = await judge(delivered(message, FROM_ATTACKER));
  expect(verdict).toBe('authenticated');
  expect(reasons[0]?.code).toBe('arc.override:sealer.example');
});

test('a pasted header of a genuine message is not trusted, and not called altered', async () => {
  const whole = delivered(genuine, FROM_BANK);
  const header = whole.subarray(0, whole.indexOf('\r\n\r\n') + 2);
  const { verdict, reasons } = await judge(header);
  expect(verdict).not.toBe('trusted');
  expect(reasons.map(({ code }) => code)).toContain('message.header-only');
  expect(reasons.map(({ code }) => code)).not.toContain('dkim.altered');
});

test('a genuine message that is sent again to others is told, and not trusted where that is asked for', async () => {
  const old = byBank(letter(), { tags: { t: String(Date.parse('2026-11-20T00:00:00Z') / 1000) } });
  const bytes = delivered(old, FROM_ATTACKER);
  const again = { recipient: 'victim@home.example' };
  const lenient = await judge(bytes, again);
  expect(lenient.reasons.map(({ code }) => code)).toContain('replay.suspected');
  const strict = await judge(bytes, { ...again, policy: { strictReplay: true } });
  expect(strict.verdict).toBe('authenticated');
});

test('the only good signature among hundreds of others makes nothing trusted beyond what is evaluated', async () => {
  const field = genuine.toString('latin1').slice(0, genuine.indexOf('From:'));
  const broken = field.replace('s=s1', 's=mine');
  const { verdict } = await judge(delivered(onTop(broken.repeat(60), genuine), FROM_ATTACKER));
  expect(verdict).not.toBe('trusted');
});

test('a listed company is not trusted with the mail of another one', async () => {
  const message = signMessage(letter(), { domain: GROUP, selector: 's1', key: keys.group });
  const { verdict, reasons } = await judge(delivered(message, FROM_BANK));
  expect(verdict).not.toBe('trusted');
  expect(reasons.map(({ code }) => code)).toContain('dkim.unaligned');
});
