import { describe, expect, test } from 'vitest';
import { readCertificates } from '../../../src/bimi/certificate.ts';
import type { Fetcher } from '../../../src/bimi/fetching.ts';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { Resolver } from '../../../src/dns/types.ts';
import { listOf } from '../../../src/dnsbl/catalogue.ts';
import { keyRecord } from '../../../src/lab/dkim-signer.ts';
import {
  byAttacker,
  byBank,
  delivered,
  FROM_ATTACKER,
  FROM_BANK,
  judge,
  keys,
  letter,
  onTop,
  replaced,
} from '../../helpers/attack-world.ts';
import { MARK_LOGO, markAuthority, markExtensions } from '../../helpers/marks.ts';
import { NOW } from '../../helpers/trust.ts';

const codes = (reasons: readonly { code: string }[]) => reasons.map(({ code }) => code);

test('a listed company’s message, from header to verdict', async () => {
  const check = await judge(delivered(byBank(letter()), FROM_BANK));
  expect(check).toMatchObject({
    verdict: 'trusted',
    status: 'ok',
    authorDomain: 'bank.example',
    organization: { name: 'Example Bank' },
    wouldTrust: null,
    spf: {
      result: 'pass',
      domain: 'bank.example',
      ip: '192.0.2.20',
      mailFrom: 'bounce@bank.example',
      origin: { ip: 'received', helo: 'received', mailFrom: 'return-path' },
      heloResult: 'none',
    },
    dmarc: {
      result: 'pass',
      policy: 'reject',
      aligned: { spf: true, dkim: true },
      legacy: { differs: false },
    },
    arc: { result: 'none', sets: [] },
    path: { border: 0 },
  });
  expect(check.reasons[0]?.code).toBe('registry.active:example-bank');
});

test('the same words from somebody else', async () => {
  const check = await judge(delivered(byAttacker(letter()), FROM_ATTACKER));
  expect(check).toMatchObject({
    verdict: 'suspicious',
    status: 'crit',
    organization: null,
    spf: { result: 'pass', domain: 'attack.example' },
    dmarc: { result: 'fail' },
  });
  expect(check.wouldTrust).not.toBeNull();
});

describe('header blocks', () => {
  const head = (message: Buffer) =>
    Buffer.from(`${message.toString('latin1').split('\r\n\r\n')[0]}\r\n`, 'latin1');

  test('are never trusted and never called altered', async () => {
    const check = await judge(head(delivered(byBank(letter()), FROM_ATTACKER)));
    expect(check).toMatchObject({ verdict: 'unauthenticated', status: 'unknown', undecidedBy: 'body' });
    expect(check.dkim.signatures[0]).toMatchObject({
      result: 'neutral',
      cause: 'body-unknown',
      qualifies: false,
    });
    expect(check.dmarc.result).toBe('not-evaluated');
    expect(codes(check.reasons)).not.toContain('dkim.altered');
  });

  test('may be indented or quoted, as mail programs show them', async () => {
    const indented = head(byBank(letter()))
      .toString('latin1')
      .replaceAll('\r\n', '\n')
      .replace(/^(?=.)/gm, '> ');
    const check = await judge(Buffer.from(indented));
    expect(check.dkim.signatures).toHaveLength(1);
    expect([check.verdict, check.undecidedBy]).toEqual(['unauthenticated', 'body']);
  });

  test('are authenticated by SPF at best', async () => {
    expect((await judge(head(delivered(byBank(letter()), FROM_BANK)))).verdict).toBe('authenticated');
  });
});

describe('a message with an empty body', () => {
  test('is trusted when that is what was signed', async () => {
    expect((await judge(delivered(byBank(letter({}, '')), FROM_BANK))).verdict).toBe('trusted');
  });

  test('is not when its body was taken away', async () => {
    const bytes = delivered(byBank(letter()), FROM_BANK).toString('latin1');
    const check = await judge(Buffer.from(bytes.replace(/\r\n\r\n[\s\S]*$/, '\r\n\r\n'), 'latin1'));
    expect(check.verdict).toBe('authenticated');
    expect(codes(check.reasons)).toContain('message.header-only');
  });

  test('is held to the form of a header all the same', async () => {
    const bytes = onTop('From : service@bank.example\r\n', letter({ From: ' a@attack.example' }, ''));
    expect((await judge(delivered(bytes, FROM_ATTACKER))).verdict).toBe('suspicious');
  });
});

describe('the DNS', () => {
  const silent: Resolver = { resolve: () => new Promise(() => undefined) };

  test('fails for a key that would have decided: unknown, not forged', async () => {
    const check = await judge(delivered(byBank(letter(), { selector: 'slow' }), FROM_ATTACKER));
    expect(check).toMatchObject({ verdict: 'unauthenticated', status: 'unknown', undecidedBy: 'dns' });
    expect(codes(check.reasons)).toContain('temperror.dkim');
  });

  test('fails for a key that decides nothing', async () => {
    const check = await judge(
      delivered(byAttacker(letter(), { domain: 'attack.example', selector: 'gone' }), FROM_ATTACKER),
    );
    expect(check.undecidedBy).toBeNull();
  });

  test('never answers: there is an end, and a reason', async () => {
    const check = await judge(delivered(byBank(letter()), FROM_BANK), { dns: silent });
    expect(check).toMatchObject({ status: 'unknown', undecidedBy: 'dns' });
    expect(codes(check.reasons)).toEqual(
      expect.arrayContaining(['temperror.dkim', 'temperror.spf', 'temperror.dmarc']),
    );
  });

  test('is asked a hundred questions at most', async () => {
    let asked = 0;
    const dns: Resolver = {
      resolve: (name, type) => {
        asked += 1;
        return recordedResolver({}).resolve(name, type);
      },
    };
    const many = Array.from(
      { length: 400 },
      (_, number) =>
        `DKIM-Signature: v=1; a=rsa-sha256; d=n${number}.example; s=s; h=from; bh=AA==; b=AA==\r\n`,
    );
    await judge(onTop(many.join(''), letter()), { dns, maxSignatures: 50 });
    expect(asked).toBeLessThanOrEqual(100);
  });
});

describe('what is too large has a name', () => {
  test('5,000 fields', async () => {
    const check = await judge(onTop('X-Filler: value\r\n'.repeat(5000), byBank(letter())));
    expect(codes(check.reasons)).toContain('bound.header');
    expect(check.verdict).not.toBe('trusted');
  });

  test('a field of 100,000 lines', async () => {
    const check = await judge(onTop(`X-Filler: value\r\n${' more\r\n'.repeat(100_000)}`, byBank(letter())));
    expect(codes(check.reasons)).toContain('bound.header');
  });

  test('500 signatures', async () => {
    const junk = 'DKIM-Signature: v=1; a=rsa-sha256; d=junk.example; s=s; h=from; bh=AA==; b=AA==\r\n';
    const check = await judge(onTop(junk.repeat(500), delivered(byBank(letter()), FROM_BANK)));
    expect(codes(check.reasons)).toContain('bound.signatures');
    expect(check.verdict).toBe('trusted');
  });
});

describe('what servers wrote down before', () => {
  const own = (result: string) => `Authentication-Results: mx.home.example; ${result}\r\n`;

  test('is compared with what is seen now', async () => {
    const results = own(
      'dkim=pass header.d=bank.example header.s=s1; spf=fail smtp.mailfrom=bounce@bank.example',
    );
    const { recorded } = await judge(onTop(results, delivered(byBank(letter()), FROM_BANK)));
    expect(
      recorded.map(({ method, recorded: theirs, ours, differs }) => [method, theirs, ours, differs]),
    ).toEqual([
      ['dkim', 'pass', 'pass', false],
      ['spf', 'fail', 'pass', true],
    ]);
  });

  test('is nothing when it stands below the border, or is a stranger’s', async () => {
    const below = delivered(onTop(own('dkim=fail header.d=bank.example'), byBank(letter())), FROM_BANK);
    expect((await judge(below)).recorded).toEqual([]);
    const strange = onTop('Authentication-Results: mx.attack.example; dkim=pass\r\n', below);
    expect((await judge(strange)).recorded).toEqual([]);
  });

  test('a signature that is gone', async () => {
    const { recorded } = await judge(
      onTop(own('dkim=pass header.d=gone.example header.s=x'), delivered(byBank(letter()), FROM_BANK)),
    );
    expect(recorded[0]).toMatchObject({ ours: 'none', differs: true });
  });
});

describe('forwarding', () => {
  const FORWARDER = { ip: '203.0.113.77', host: 'fwd.club.example', mailFrom: 'bounce@bank.example' };

  test('explains a failure of SPF while DKIM still verifies', async () => {
    const { spf, verdict } = await judge(delivered(byBank(letter()), FORWARDER));
    expect(spf.result).toBe('fail');
    expect(spf.forwarding).toMatch(/DKIM signature still verifies.*SRS/);
    expect(verdict).toBe('trusted');
  });

  test('explains nothing where nothing speaks for it', async () => {
    expect((await judge(delivered(letter(), FORWARDER))).spf.forwarding).toBeNull();
  });

  test('with SRS: the sender of before is told', async () => {
    const mailFrom = 'SRS0=HHHH=TT=bank.example=bounce@club.example';
    const { spf } = await judge(delivered(byBank(letter()), { ...FORWARDER, mailFrom }));
    expect(spf).toMatchObject({ domain: 'club.example', sender: 'bounce@bank.example' });
  });
});

describe('time', () => {
  const seconds = Math.floor(NOW / 1000);
  const expiring = byBank(letter(), { tags: { t: `${seconds - 3600}`, x: `${seconds + 600}` } });

  test('expiry is judged at the time when the message came in', async () => {
    const late = { asOfMs: null, nowMs: NOW + 864_000_000 };
    const check = await judge(delivered(expiring, FROM_BANK), late);
    expect(check.asOf).toBe('2026-11-25T12:00:00Z');
    expect(check.dkim.signatures[0]).toMatchObject({ result: 'pass', qualifies: true });
  });

  test('or now, where no line tells when that was', async () => {
    const check = await judge(expiring, { asOfMs: null, nowMs: NOW + 864_000_000 });
    expect(check.dkim.signatures[0]?.cause).toBe('expired');
  });

  test('lines that a sender put there do not turn the clock back', async () => {
    const forged = onTop('Received: from a by b; Wed, 25 Nov 2026 11:00:00 +0000\r\n', expiring);
    const check = await judge(delivered(forged, FROM_BANK), { asOfMs: NOW + 864_000_000 });
    expect(check.dkim.signatures[0]?.cause).toBe('expired');
  });
});

describe('a BIMI record', () => {
  const zone = {
    's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
    '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
    'default._bimi.bank.example': { TXT: [['v=BIMI1; l=https://bank.example/l.svg; a=']] },
    'blue._bimi.bank.example': { TXT: [['v=BIMI1; l=http://bank.example/l.svg']] },
  };
  const bimi = async (message: Buffer) =>
    (await judge(message, { bimi: true, dns: recordedResolver(zone) })).bimi;

  test('is asked for on request only', async () => {
    expect((await judge(byBank(letter()))).bimi).toBeNull();
    expect(await bimi(byBank(letter()))).toMatchObject({
      result: 'pass',
      domain: 'bank.example',
      location: 'https://bank.example/l.svg',
      authority: '',
    });
  });

  test.for([
    ['a part of the body is signed', byBank(letter(), { tags: { l: '5' } }), 'skipped'],
    ['nothing is signed', letter(), 'skipped'],
    [
      'a selector whose record cannot be used',
      byBank(letter({ 'BIMI-Selector': ' v=BIMI1; s=blue' })),
      'permerror',
    ],
    ['no record', byAttacker(letter({ From: ' a@attack.example' })), 'none'],
  ] as const)('%s: %s', async ([, message, result]) => {
    expect((await bimi(message))?.result).toBe(result);
  });
});

describe('a logo that a certificate proves', () => {
  const L = 'https://attack.example/l.svg';
  const A = 'https://attack.example/m.pem';
  const zone = {
    's1._domainkey.attack.example': { TXT: [keyRecord(keys.attacker)] },
    '_dmarc.attack.example': { TXT: [['v=DMARC1; p=reject']] },
    'default._bimi.attack.example': { TXT: [[`v=BIMI1; l=${L}; a=${A}`]] },
  };
  const honest = byAttacker(letter({ From: ' Attack Shop <a@attack.example>' }));

  async function withMark(message: Buffer, names: readonly string[], notBefore = '2026-01-01T00:00:00Z') {
    const authority = await markAuthority();
    const pem = await authority.mark({ extensions: markExtensions({ names }), notBefore });
    const files: Readonly<Record<string, Buffer>> = { [L]: MARK_LOGO, [A]: Buffer.from(pem) };
    const fetch: Fetcher = async (url) => ({ kind: 'found', bytes: files[url] ?? Buffer.alloc(0) });
    const marks = { fetch, roots: readCertificates(authority.root.pem) };
    return await judge(message, { bimi: true, dns: recordedResolver(zone), marks });
  }

  test('adds a logo, and never trust', async () => {
    const check = await withMark(honest, ['attack.example']);
    expect(check).toMatchObject({
      verdict: 'authenticated',
      organization: null,
      bimi: { result: 'pass', mark: { kind: 'vmc', organization: 'Example Bank' } },
    });
    expect(check.bimi?.mark?.logo.dataUri).toMatch(/^data:image\/svg\+xml;base64,/);
  });

  test.for([
    ['another domain', ['bank.example'], '2026-01-01T00:00:00Z', 'is for bank.example'],
    ['a day to come', ['attack.example'], '2026-12-01T00:00:00Z', 'valid from 2026-12-01'],
  ] as const)('of %s is none, and it is said why', async ([, names, on, words]) => {
    const { bimi } = await withMark(honest, names, on);
    expect(bimi).toMatchObject({ result: 'fail', mark: null, reason: expect.stringContaining(words) });
  });

  test('is not even fetched for mail that proves nothing', async () => {
    const marks = { fetch: () => expect.unreachable(), roots: [] };
    const forged = letter({ From: ' Attack Shop <a@attack.example>' });
    const { bimi } = await judge(forged, { bimi: true, dns: recordedResolver(zone), marks });
    expect(bimi).toMatchObject({ result: 'skipped', mark: null });
  });
});

test.for([
  ['v=spf1 +all', ['spf.all.pass']],
  ['v=spf1 all', ['spf.all.pass']],
  ['v=spf1 ip4:198.0.0.0/8 ip4:192.0.0.0/9 -all', ['spf.range.wide']],
  ['v=spf1 -ip4:198.0.0.0/8 ip4:192.0.2.0/24 -all', []],
  ['v=spf1 ptr ?all', ['spf.ptr', 'spf.all.neutral']],
  ['v=spf1 include:wide.example -all', ['spf.all.pass']],
] as const)('a record %s is told to be weak: %j', async ([record, expected]) => {
  const dns = recordedResolver({
    'bank.example': { TXT: [[record]] },
    'wide.example': { TXT: [['v=spf1 +all']] },
  });
  const { reasons } = await judge(delivered(letter(), FROM_BANK), { dns });
  const weak = codes(reasons).filter((code) => /^spf\.(?:all\.|range\.|ptr)/.test(code));
  expect(weak.toSorted()).toEqual(expected.toSorted());
});

describe('block lists', () => {
  const zone = {
    '2.0.0.127.bl.test': { A: ['127.0.0.2'] },
    'test.bl.test': { A: ['127.0.0.2'] },
    '20.2.0.192.bl.test': { A: ['127.0.0.3'], TXT: [['seen sending junk']] },
    's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
    '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
  };
  const wish = { lists: [listOf('bl.test'), listOf('silent.test')], madeUp: 'made.up.test' };

  test('are asked about client, author and signers; a listing is a warning and decides nothing', async () => {
    const message = delivered(byBank(letter()), FROM_BANK);
    const check = await judge(message, { dns: recordedResolver(zone), dnsbl: wish });
    const told = check.dnsbl.map(({ list, target, status }) => `${target} ${list} ${status}`);
    expect(told).toEqual([
      '192.0.2.20 bl.test listed',
      '192.0.2.20 silent.test broken',
      'bank.example bl.test not-listed',
      'bank.example silent.test broken',
    ]);
    expect(check.dnsbl[0]?.text).toBe('seen sending junk');
    expect(codes(check.reasons)).toContain('dnsbl.listed:bl.test');
    expect([check.verdict, check.status]).toEqual(['trusted', 'ok']);
  });

  test('are not asked unless somebody wants it', async () => {
    expect((await judge(delivered(byBank(letter()), FROM_BANK))).dnsbl).toEqual([]);
  });
});

test('mixed line ends are told', async () => {
  const mixed = replaced(byBank(letter()), 'MIME-Version: 1.0\r\n', 'MIME-Version: 1.0\n');
  expect(codes((await judge(mixed)).reasons).join()).toMatch(/mixed-line-endings/);
});
