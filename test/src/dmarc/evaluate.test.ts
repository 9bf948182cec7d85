import { describe, expect, test } from 'vitest';
import { discoverPolicy, dmarcLookups, organizationalDomain, walkTree } from '../../../src/dmarc/discover.ts';
import { type DmarcInput, evaluateDmarc } from '../../../src/dmarc/evaluate.ts';
import { isDmarcRecord, policiesOf, readDmarcRecord } from '../../../src/dmarc/record.ts';
import { recordedResolver } from '../../../src/dns/recorded.ts';

const txt = (...records: string[]) => ({ TXT: records.map((record) => [record]) });

const ZONE = {
  '_dmarc.bank.example': txt('v=DMARC1; p=reject; sp=quarantine; np=reject'),
  'mail.bank.example': { A: ['192.0.2.1'] },
  'alias.bank.example': { CNAME: ['nowhere.test'] },
  '_dmarc.strict.example': txt('v=DMARC1; p=reject; adkim=s; aspf=s'),
  '_dmarc.testing.example': txt('v=DMARC1; p=reject; t=y'),
  '_dmarc.two.example': txt('v=DMARC1; p=reject', 'v=DMARC1; p=none'),
  '_dmarc.void.example': txt('v=DMARC1; p=reject; p=none'),
  '_dmarc.reports.example': txt('v=DMARC1; p=bogus; rua=mailto:a@reports.example'),
  '_dmarc.useless.example': txt('v=DMARC1; p=bogus'),
  '_dmarc.late.example': { TXT: 'TIMEOUT' },
  '_dmarc.co.test': txt('v=DMARC1; p=reject; psd=y'),
  '_dmarc.shop.co.test': txt('v=DMARC1; p=none'),
  '_dmarc.own.shop.co.test': txt('v=DMARC1; p=quarantine; psd=n'),
} as const;

const dns = recordedResolver(ZONE);

const pass = (domain: string) => ({ domain, passed: true });
const evaluate = (authorDomain: string, changes: Partial<DmarcInput> = {}) =>
  evaluateDmarc({ authorDomain, spf: null, signatures: [], ...changes }, dns);

describe('the tree walk', () => {
  test.for([
    ['bank.example', 'bank.example'],
    ['a.b.bank.example', 'bank.example'],
    ['nothing.test', 'nothing.test'],
    ['x.shop.co.test', 'shop.co.test'],
    ['x.own.shop.co.test', 'own.shop.co.test'],
    ['a.late.example', null],
    ['[192.0.2.1]', '[192.0.2.1]'],
  ] as const)('the organization of %s is %s', async ([domain, expected]) => {
    expect(organizationalDomain(await walkTree(domain, dmarcLookups(dns)))).toBe(expected);
  });

  test('a name of many labels is shortened to seven at once: eight questions at most', async () => {
    const { steps } = await walkTree('a.b.c.d.e.f.g.h.i.j.bank.example', dmarcLookups(dns));
    expect(steps.map(({ domain }) => domain.split('.').length)).toEqual([12, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('the record of a public suffix applies to what has none of its own', async () => {
    const found = await discoverPolicy('other.co.test', dmarcLookups(dns));
    expect(found).toMatchObject({ policy: { domain: 'co.test' }, orgDomain: 'other.co.test' });
  });
});

describe('the policy that applies', () => {
  test.for([
    ['the domain itself', 'bank.example', 'reject', 'bank.example'],
    ['a subdomain that exists', 'mail.bank.example', 'quarantine', 'bank.example'],
    ['a subdomain that does not', 'gone.bank.example', 'reject', 'bank.example'],
    ['a subdomain that is an alias to nowhere', 'alias.bank.example', 'quarantine', 'bank.example'],
    ['testing', 'testing.example', 'quarantine', 'testing.example'],
    ['reports are asked for without a policy', 'reports.example', 'none', 'reports.example'],
  ] as const)('%s', async ([, domain, policy, policyDomain]) => {
    expect(await evaluate(domain)).toMatchObject({ result: 'fail', policy, policyDomain });
  });

  test.for(['nothing.test', 'two.example', 'void.example', 'useless.example'])(
    '%s has none',
    async (domain) => {
      expect(await evaluate(domain)).toMatchObject({ result: 'none', policy: null });
    },
  );

  test('no answer is no absence', async () => {
    expect(await evaluate('late.example')).toMatchObject({ result: 'temperror', policy: null });
    expect(await evaluate('late.example', { signatures: [pass('late.example')] })).toMatchObject({
      result: 'temperror',
      signaturesAligned: [true],
    });
  });

  test('without one author there is nothing to evaluate', async () => {
    const verdict = await evaluateDmarc(
      { authorDomain: null, spf: null, signatures: [pass('a.example')] },
      dns,
    );
    expect(verdict).toMatchObject({ result: 'not-evaluated', signaturesAligned: [false], legacy: null });
  });
});

describe('alignment', () => {
  test.for([
    ['the same domain', 'bank.example', 'bank.example', true],
    ['a subdomain', 'bank.example', 'mail.bank.example', true],
    ['the domain above', 'mail.bank.example', 'bank.example', true],
    ['siblings', 'a.bank.example', 'b.bank.example', true],
    ['another domain', 'bank.example', 'attack.example', false],
    ['the domain as a label', 'bank.example', 'bank.example.attack.example', false],
    ['a domain that ends alike', 'bank.example', 'notbank.example', false],
    ['a subdomain, strictly', 'strict.example', 'mail.strict.example', false],
    ['the domain, strictly', 'strict.example', 'strict.example', true],
    ['below a domain that is its own', 'shop.co.test', 'own.shop.co.test', false],
    ['without any record above', 'a.nothing.test', 'nothing.test', false],
  ] as const)('%s', async ([, author, signer, aligned]) => {
    const { signaturesAligned, spfAligned } = await evaluate(author, {
      spf: pass(signer),
      signatures: [{ domain: signer, passed: false }],
    });
    expect([signaturesAligned[0], spfAligned]).toEqual([aligned, aligned]);
  });

  test('what did not pass proves nothing, aligned or not', async () => {
    const signatures = [{ domain: 'bank.example', passed: false }, null];
    expect(await evaluate('bank.example', { signatures })).toMatchObject({
      result: 'fail',
      aligned: { spf: false, dkim: false },
      signaturesAligned: [true, false],
    });
  });

  test('a flood of signing domains is not walked for', async () => {
    let asked = 0;
    const counting: typeof dns = {
      resolve: (name, type) => {
        asked += 1;
        return dns.resolve(name, type);
      },
    };
    const signatures = Array.from({ length: 200 }, (_, number) => pass(`a.b.c.n${number}.bank.example`));
    await evaluateDmarc({ authorDomain: 'bank.example', spf: null, signatures }, counting);
    expect(asked).toBeLessThan(100);
  });
});

describe('RFC 7489 beside it', () => {
  test('agrees in the common case', async () => {
    expect(await evaluate('bank.example', { signatures: [pass('bank.example')] })).toMatchObject({
      result: 'pass',
      legacy: { result: 'pass', policy: 'reject', differs: false },
    });
  });

  test('takes the list for the organization where no record says so', async () => {
    const verdict = await evaluate('a.shop.co.test', { signatures: [pass('b.shop.co.test')] });
    expect(verdict).toMatchObject({ result: 'pass', orgDomain: 'shop.co.test' });
    expect(verdict.legacy).toMatchObject({ orgDomain: 'co.test' });
  });

  test('knows no np and no t', async () => {
    expect((await evaluate('gone.bank.example')).legacy).toMatchObject({
      policy: 'quarantine',
      differs: true,
    });
    expect((await evaluate('testing.example')).legacy).toMatchObject({ policy: 'reject', differs: true });
  });
});

describe('a record', () => {
  test.for([
    ['v=DMARC1; p=none', true],
    ['V = DMARC1;p=none', true],
    ['v=DMARC1', true],
    ['v=dmarc1; p=none', false],
    ['p=none; v=DMARC1', false],
    ['v=DMARC10; p=none', false],
  ] as const)('%s', ([text, expected]) => {
    expect(isDmarcRecord(text)).toBe(expected);
  });

  test('tells what is wrong with it', () => {
    const record = readDmarcRecord(
      'v=DMARC1; p=none; sp=later; adkim=x; pct=50; rua=mailto:a@b.example, mailto:c',
    );
    expect(record).toMatchObject({ p: 'none', sp: null, pct: 50, rua: ['mailto:a@b.example', 'mailto:c'] });
    expect(record?.faults.toSorted()).toEqual(['adkim=x is neither r nor s', 'sp=later is no policy']);
    expect(record && policiesOf(record)).toEqual({ p: 'none', sp: null, np: null });
  });
});
