import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, hash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/lab/certificates.ts';
import { needs } from '../../helpers/debian.ts';
import { ANN, BEN, companyZone, type MediatorLab, mediatorLab } from '../../helpers/mediator.ts';
import { root, run } from '../../helpers/run.ts';

let lab: MediatorLab;
let home: string;
let www: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'postern-reader-'));
  www = join(home, 'www');
  for (const name of ['STATE', 'CACHE', 'CONFIG'])
    process.env[`XDG_${name}_HOME`] = join(home, name.toLowerCase());
  lab = await mediatorLab();
});

const rootFile = () => join(lab.folder, 'mediator.example.root.json');
const journal = () => join(lab.folder, 'journal.jsonl');

async function publish(): Promise<void> {
  expect((await lab.act('sign', '--actor', 'timer')).exit).toBe(0);
  expect((await lab.act('publish', www)).exit).toBe(0);
}

async function sync(...argv: string[]) {
  const { exit, stdout } = await run('trust sync', [...argv, '--json']);
  return { exit, result: JSON.parse(stdout) as Record<string, unknown> };
}

async function verdictOn(domain: string): Promise<string> {
  const { stdout } = await run('trust show', [domain, '--json']);
  return (JSON.parse(stdout) as { verdict: string }).verdict;
}

test('a company is added, vetted, approved by another person, published, trusted; and revoked, and no longer trusted', async () => {
  await lab.list('bank', 'bank.example');
  await publish();
  await sync(www, '--root', rootFile());
  expect(await verdictOn('bank.example')).toBe('trusted');
  const revoked = await lab.act('revoke', 'bank', '--reason', 'domain was sold', '--now', '--actor', ANN);
  expect(revoked.result).toMatchObject({
    entry: { status: 'revoked' },
    signed: { list: 2, pointer: 2, missing: 0 },
  });
  await lab.act('publish', www);
  await sync();
  expect(await verdictOn('bank.example')).toBe('authenticated');
  expect((await run('trust show', ['bank.example'])).stdout).toContain('domain was sold');
  expect((await lab.act('approve', 'bank', '--actor', BEN, '--yes')).exit).toBe(64);
});

describe('a logo', () => {
  const example = `${root}examples/trust/example-bank.svg`;

  test('goes from the mediator to the reader, and one that was changed on the way is not kept', async () => {
    await lab.list('bank', 'bank.example');
    expect((await lab.act('logo', 'bank', example, '--actor', ANN)).exit).toBe(0);
    await publish();
    const [name = ''] = readdirSync(join(www, 'lists')).filter((each) => each.endsWith('.svg'));
    const good = readFileSync(join(www, 'lists', name));
    const kept = join(home, 'cache', 'postern', 'trust', '.logos', name);

    writeFileSync(join(www, 'lists', name), `${good} `);
    const spoiled = await sync(www, '--root', rootFile());
    expect(spoiled.exit).toBe(0);
    expect(JSON.stringify(spoiled.result)).toContain('registry.logo');
    expect(existsSync(kept)).toBe(false);

    writeFileSync(join(www, 'lists', name), good);
    expect(JSON.stringify((await sync()).result)).not.toContain('registry.logo');
    expect(readFileSync(kept)).toEqual(good);
    expect(await verdictOn('bank.example')).toBe('trusted');

    const dns = ['--offline', '--dns-cache', `${root}examples/trust/dns.json`];
    const asOf = ['--as-of', new Date().toISOString()];
    const message = `${root}examples/trust/listed.eml`;
    const page = await run('message view', [message, ...dns, ...asOf, '--format', 'html']);
    expect(page.stdout).toContain(`data:image/svg+xml;base64,${good.toString('base64')}`);
  });

  test('that no list names any more is not kept', async () => {
    await lab.list('bank', 'bank.example');
    await lab.act('logo', 'bank', example, '--actor', ANN);
    await publish();
    await sync(www, '--root', rootFile());
    const kept = () => readdirSync(join(home, 'cache', 'postern', 'trust', '.logos'));
    const [before] = kept();
    const other = join(home, 'other.svg');
    writeFileSync(other, readFileSync(example, 'utf8').replace('<title>', '<title>New '));
    expect((await lab.act('logo', 'bank', other, '--actor', ANN)).exit).toBe(0);
    await publish();
    await sync();
    expect(kept()).toHaveLength(1);
    expect(kept()).not.toEqual([before]);
  });

  test('of a company that is not there leaves nothing behind', async () => {
    expect((await lab.act('logo', 'nobody', example, '--actor', ANN)).exit).toBe(64);
    expect(existsSync(join(lab.folder, 'public', 'lists'))).toBe(false);
  });

  test('with a script in it is refused, and nothing is noted', async () => {
    await lab.list('bank', 'bank.example');
    const before = readFileSync(journal());
    const file = join(home, 'bad.svg');
    writeFileSync(file, readFileSync(example, 'utf8').replace('</svg>', '<script>alert(1)</script></svg>'));
    const refused = await lab.act('logo', 'bank', file, '--actor', ANN);
    expect(refused).toMatchObject({ exit: 65, result: { error: { code: 'E_LOGO' } } });
    expect(readFileSync(journal())).toEqual(before);
  });
});

describe('domains of open sign-up', () => {
  const names = () => join(home, 'names.txt');

  async function noted(text: string, ...argv: string[]) {
    writeFileSync(names(), text);
    return await lab.act('open-signup', names(), '--actor', ANN, ...argv);
  }

  test('reach readers with the next sync, hold below each name, stay when the list expires, and go again', async () => {
    await lab.list('bank', 'bank.example');
    expect((await noted('# ours\nfree.example\n')).result).toMatchObject({ names: 1, added: 1, removed: 0 });
    await publish();
    await sync(www, '--root', rootFile());
    expect(await verdictOn('bank.example')).toBe('trusted');
    expect(await verdictOn('mail.free.example')).toBe('open-signup');
    expect((await run('trust show', ['free.example'])).stdout).toContain(
      'open-signup.listed:mediator.example',
    );
    expect((await lab.act('audit')).exit).toBe(0);
    expect((await noted('other.example\n', '--kind', 'disposable')).result).toMatchObject({
      added: 1,
      removed: 1,
    });
    await publish();
    expect((await sync()).result).toMatchObject({ changed: true });
    expect(await verdictOn('free.example')).toBe('authenticated');
    expect(await verdictOn('other.example')).toBe('open-signup');
  });

  test('are in the diff and in the audit of the mediator', async () => {
    await lab.list('bank', 'bank.example');
    await publish();
    await noted('free.example\n');
    expect((await lab.act('diff')).result).toMatchObject({
      openSignup: true,
      changed: [],
      summary: 'Changed since list 1: the domains of open sign-up.',
    });
    await publish();
    expect((await lab.act('diff')).result).toMatchObject({ openSignup: false });
    expect((await lab.act('audit')).exit).toBe(0);
    const lists = join(lab.folder, 'public', 'lists');
    const [file = ''] = readdirSync(lists).filter((name) => name.endsWith('.names'));
    writeFileSync(join(lists, file), '# open-signup/1\n');
    const audit = await lab.act('audit');
    expect(audit.exit).toBe(2);
    expect(audit.result['summary']).toContain('readers refuse the list');
    rmSync(join(lists, file));
    expect((await lab.act('audit')).exit).toBe(2);
  });

  test('that were changed where they are kept are fetched again', async () => {
    await noted('free.example\n');
    await publish();
    await sync(www, '--root', rootFile());
    const folder = join(home, 'cache', 'postern', 'trust', 'mediator.example');
    const [kept = ''] = readdirSync(folder).filter((name) => name.endsWith('.names'));
    writeFileSync(join(folder, kept), '# open-signup/1\n');
    expect(await verdictOn('free.example')).toBe('authenticated');
    await sync();
    expect(await verdictOn('free.example')).toBe('open-signup');
  });

  test('and entries exclude each other', async () => {
    await lab.list('bank', 'www.bank.example');
    const refused = await noted('bank.example\n');
    expect(refused.exit).toBe(64);
    expect(JSON.stringify(refused.result)).toContain("in the entry 'bank'");
    await noted('shop.example\n');
    await lab.list('shop', 'mail.shop.example');
    expect((await lab.act('list')).result).toMatchObject({
      entries: [{ status: 'active' }, { status: 'vetted', problems: ['vetting.open-signup'] }],
    });
  });

  test('that are no names are refused by line, and nothing is noted', async () => {
    const { exit, result } = await noted('good.example\nco.uk\n');
    expect(exit).toBe(65);
    expect(JSON.stringify(result)).toContain('line 2: is a public suffix');
    expect(readFileSync(journal(), 'utf8')).not.toContain('open-signup');
  });
});

test('keys are 0600, nothing published has one, and one that others can read is not used', async () => {
  const keys = readdirSync(join(lab.folder, 'keys'));
  expect(keys).toHaveLength(3);
  for (const name of keys) expect(statSync(join(lab.folder, 'keys', name)).mode & 0o777).toBe(0o600);
  await lab.list('bank', 'bank.example');
  await publish();
  expect(
    execFileSync('sh', ['-c', `grep -rl PRIVATE ${www} | wc -l`])
      .toString()
      .trim(),
  ).toBe('0');
  execFileSync('chmod', ['644', join(lab.folder, 'keys', keys[0] ?? '')]);
  expect((await lab.act('sign', '--actor', 'timer')).exit).toBe(77);
});

describe('two people', () => {
  test.for([ANN, 'ann checker', ' ANN  Checker ', 'ann.checker'])(
    '%s cannot approve what she vetted',
    async (name) => {
      await lab.act('add', 'bank', 'bank.example', '--name', 'Bank', '--actor', ANN);
      const { result } = await lab.act('challenge', 'bank.example', '--actor', ANN);
      Object.assign(lab.zone, companyZone('bank.example', String(result['value'])));
      await lab.vet('bank', ANN);
      const refused = await lab.act('approve', 'bank', '--actor', name, '--yes');
      expect(refused).toMatchObject({ exit: 64, result: { error: { code: 'E_ACT' } } });
      expect((await lab.act('approve', 'bank', '--actor', BEN, '--yes')).exit).toBe(0);
    },
  );

  test('without a terminal nobody is asked: the flag that is missing is named', async () => {
    const { exit, result } = await lab.act('challenge', 'bank.example');
    expect(exit).toBe(64);
    expect(JSON.stringify(result)).toContain('--actor');
  });
});

describe('what speaks against a company keeps it from being approved', () => {
  const problems = async (
    domain: string,
    change: (zone: Record<string, unknown>) => void,
    ...argv: string[]
  ) => {
    await lab.act('add', 'bank', domain, '--name', 'Bank', '--actor', ANN);
    const { result } = await lab.act('challenge', domain, '--actor', ANN);
    Object.assign(lab.zone, companyZone(domain, String(result['value'])));
    change(lab.zone);
    const vetted = await lab.vet('bank', ANN, ...argv);
    const approved = await lab.act('approve', 'bank', '--actor', BEN, '--yes');
    expect(approved.exit).toBe(64);
    return (vetted.result['entry'] as { problems: string[] }).problems;
  };
  const rsa = (bits: number) =>
    generateKeyPairSync('rsa', { modulusLength: bits })
      .publicKey.export({ type: 'spki', format: 'der' })
      .toString('base64');

  test.for([
    [
      'vetting.dmarc',
      (zone) => {
        zone['_dmarc.bank.example'] = { TXT: [['v=DMARC1; p=none']] };
      },
    ],
    [
      'vetting.dmarc',
      (zone) => {
        delete zone['_dmarc.bank.example'];
      },
    ],
    [
      'vetting.challenge',
      (zone) => {
        zone['_trust-challenge.bank.example'] = { TXT: [['trust-challenge=guess']] };
      },
    ],
    [
      'vetting.challenge',
      (zone) => {
        zone['_trust-challenge.bank.example'] = { TXT: 'SERVFAIL' };
      },
    ],
    [
      'vetting.dkim',
      (zone) => {
        delete zone['s1._domainkey.bank.example'];
      },
    ],
    [
      'vetting.dkim',
      (zone) => {
        zone['s1._domainkey.bank.example'] = { TXT: [[`v=DKIM1; k=rsa; p=${rsa(768)}`]] };
      },
    ],
  ] as readonly (readonly [string, (zone: Record<string, unknown>) => void])[])(
    '%s',
    async ([id, change]) => {
      expect(await problems('bank.example', change)).toContain(id);
    },
  );

  test.for([
    ['gmail.com', 'vetting.open-signup'],
    ['mail.yahoo.com', 'vetting.open-signup'],
    ['github.io', 'vetting.public-suffix'],
    ['co.uk', 'vetting.public-suffix'],
  ] as const)('%s: %s', async ([domain, id]) => {
    expect(await problems(domain, () => undefined)).toContain(id);
  });

  test('addresses of others at the domain', async () => {
    expect(await problems('bank.example', () => undefined, '--no-single-company')).toContain(
      'vetting.single-company',
    );
  });

  test('a domain of another company, or one above or below it, is not even noted', async () => {
    await lab.list('bank', 'bank.example');
    for (const domain of ['bank.example', 'mail.bank.example'])
      expect((await lab.act('add', 'thief', domain, '--name', 'Thief', '--actor', ANN)).exit).toBe(64);
  });
});

test('a challenge that only one resolver saw is a warning that names the flag for another', async () => {
  await lab.list('bank', 'bank.example');
  const vetted = await lab.vet('bank', ANN);
  expect(vetted.exit).toBe(1);
  expect(JSON.stringify(vetted.result)).toContain('--second-resolver');
  expect((await lab.vet('bank', ANN, '--second-resolver', '192.0.2.53')).exit).toBe(0);
});

describe('the journal', () => {
  test('is replayed by audit, and the list is made from it byte for byte', async () => {
    await lab.list('bank', 'bank.example');
    await publish();
    await lab.act('suspend', 'bank', '--reason', 'key lost', '--actor', ANN);
    const { exit, result } = await lab.act('audit');
    expect(exit).toBe(0);
    expect(result).toMatchObject({ list: 1, lines: 8 });
  });

  test.for([
    ['a word in a line', (text: string) => text.replace('Example Bank', 'Example Bark')],
    ['a line left out', (text: string) => text.split('\n').toSpliced(3, 1).join('\n')],
    [
      'two lines changed round',
      (text: string) =>
        text
          .split('\n')
          .toSpliced(3, 2, ...text.split('\n').slice(3, 5).reverse())
          .join('\n'),
    ],
    ['half a line at the end', (text: string) => text.slice(0, -20)],
  ] as const)('with %s does not hold: nothing is signed', async ([, change]) => {
    await lab.list('bank', 'bank.example');
    writeFileSync(journal(), change(readFileSync(journal(), 'utf8')));
    for (const verb of ['audit', 'list']) expect((await lab.act(verb)).exit).toBe(65);
    expect((await lab.act('sign', '--actor', 'timer')).exit).toBe(65);
  });

  test('whose end was cut off is found by the line that was noted elsewhere', async () => {
    await lab.list('bank', 'bank.example');
    const head = String((await lab.act('audit')).result['head']);
    expect((await lab.act('audit', '--head', head)).exit).toBe(0);
    const lines = readFileSync(journal(), 'utf8').split('\n');
    writeFileSync(journal(), `${lines.slice(0, -2).join('\n')}\n`);
    expect((await lab.act('audit')).exit).toBe(0);
    expect((await lab.act('audit', '--head', head)).exit).toBe(2);
  });

  test('does not agree with a list that somebody else made with the keys', async () => {
    await lab.list('bank', 'bank.example');
    await publish();
    const other = join(home, 'other.json');
    const [name = ''] = readdirSync(join(www, 'lists'));
    writeFileSync(
      other,
      readFileSync(join(www, 'lists', name), 'utf8')
        .replace('EBank', 'Other')
        .replace('bank.example', 'evil.example'),
    );
    expect((await lab.act('audit', '--list', other)).exit).toBe(2);
  });
});

describe('keys', () => {
  test.for(['list', 'pointer', 'root'])('of %s are rotated, and a reader follows', async (role) => {
    await lab.list('bank', 'bank.example');
    await publish();
    await sync(www, '--root', rootFile());
    expect((await lab.act('rotate', role, '--actor', ANN)).result).toMatchObject({ root: 2 });
    await lab.act('publish', www);
    expect((await sync()).result).toMatchObject({ root: 2, status: 'ok' });
    expect(await verdictOn('bank.example')).toBe('trusted');
    expect((await lab.act('audit')).exit).toBe(0);
  });

  test('two have to sign: nothing changes for readers before the second signature came from elsewhere', async () => {
    const pem = join(home, 'ben.pem');
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(pem, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const pub = join(home, 'ben.pub.pem');
    writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }));
    await lab.act('rotate', 'list', '--add', pub, '--threshold', '2', '--actor', ANN);
    await lab.list('bank', 'bank.example');
    const request = join(home, 'list.json');
    const first = await lab.act('sign', '--export', request, '--actor', ANN);
    expect(first).toMatchObject({ exit: 1, result: { missing: 1, exported: request } });
    expect(existsSync(join(lab.folder, 'public', 'pointer.json'))).toBe(false);
    expect((await lab.act('publish', www)).exit).toBe(78);

    expect((await run('mediator sign', ['--countersign', request, '--key', pem])).exit).toBe(0);
    const second = await lab.act('sign', '--import', request, '--actor', ANN);
    expect(second).toMatchObject({ exit: 0, result: { missing: 0, list: 1, pointer: 1 } });
    await lab.act('publish', www);
    expect((await sync(www, '--root', rootFile())).result).toMatchObject({ list: 1, root: 2 });
    expect(await verdictOn('bank.example')).toBe('trusted');
  });

  test('a root without the root key is refused, and the key comes back by --key', async () => {
    const folder = join(lab.folder, 'keys');
    const [name = ''] = readdirSync(folder).filter((each) => each.startsWith('root'));
    const away = join(home, name);
    writeFileSync(away, readFileSync(join(folder, name)), { mode: 0o600 });
    rmSync(join(folder, name));
    expect((await lab.act('rotate', 'list', '--actor', ANN)).exit).toBe(78);
    expect((await lab.act('rotate', 'list', '--key', away, '--actor', ANN)).exit).toBe(0);
  });
});

test('a suspended company comes back when it is vetted anew and another person renews it', async () => {
  await lab.list('bank', 'bank.example');
  await lab.act('suspend', 'bank', '--reason', 'key lost', '--actor', ANN);
  expect((await lab.act('renew', 'bank', '--actor', BEN, '--yes')).exit).toBe(64);
  await lab.vet('bank', BEN);
  expect((await lab.act('renew', 'bank', '--actor', BEN, '--yes')).exit).toBe(64);
  expect((await lab.act('renew', 'bank', '--actor', ANN, '--yes')).result).toMatchObject({
    entry: { status: 'active' },
  });
});

test('watch tells what got worse since a company was approved', async () => {
  await lab.list('bank', 'bank.example');
  const watch = () => {
    writeFileSync(join(lab.folder, 'dns.json'), JSON.stringify(lab.zone));
    return lab.act('watch', '--selector', 's1', '--offline', '--dns-cache', join(lab.folder, 'dns.json'));
  };
  expect((await watch()).exit).toBe(0);
  lab.zone['bank.example'] = { MX: [{ priority: 10, exchange: 'mx.gmail.com' }], A: ['192.0.2.20'] };
  lab.zone['default._bimi.bank.example'] = { TXT: [['v=BIMI1; l=; a=;']] };
  const suspect = await watch();
  expect(suspect.result['summary']).toMatch(/declines to have a logo[\s\S]*mx\.gmail\.com/);
  lab.zone['_dmarc.bank.example'] = { TXT: [['v=DMARC1; p=none']] };
  const worse = await watch();
  expect(worse.exit).toBe(2);
  expect(worse.result['summary']).toContain('p=none');
});

describe('watch tells until when a domain is registered', () => {
  const NOW = '2026-11-25T12:00:00Z';
  const answer = (changes: object = {}) => ({
    objectClassName: 'domain',
    ldhName: 'BANK.example',
    status: ['active'],
    events: [
      { eventAction: 'registration', eventDate: '2001-01-01T00:00:00Z' },
      { eventAction: 'expiration', eventDate: '2027-06-30T00:00:00Z' },
    ],
    ...changes,
  });
  const expiring = (day: string) => answer({ events: [{ eventAction: 'expiration', eventDate: day }] });

  async function watch(...argv: string[]) {
    writeFileSync(join(lab.folder, 'dns.json'), JSON.stringify(lab.zone));
    const dns = [
      '--selector',
      's1',
      '--offline',
      '--dns-cache',
      join(lab.folder, 'dns.json'),
      '--as-of',
      NOW,
    ];
    const ran = await lab.act('watch', ...dns, ...argv);
    const checks = (ran.result['checks'] ?? []) as readonly { id: string; status: string; message: string }[];
    const found = checks.find(({ id }) => id === 'watch.registration');
    return { ...ran, found };
  }

  beforeEach(() => lab.list('bank', 'www.bank.example'));

  test.for([
    ['for long', answer(), 'ok', '2027-06-30'],
    ['for six weeks', expiring('2026-12-30T00:00:00Z'), 'warn', '2026-12-30'],
    ['for days', expiring('2026-11-30T00:00:00Z'), 'crit', '2026-11-30'],
    ['no longer', expiring('2026-11-01T00:00:00Z'), 'crit', 'was registered until'],
    ['and about to be deleted', answer({ status: ['active', 'Pending Delete'] }), 'crit', 'pending delete'],
    ['for a time that nobody tells', answer({ events: [] }), 'ok', 'does not say'],
  ] as const)('%s', async ([, document, status, words]) => {
    const file = join(home, 'rdap.json');
    writeFileSync(file, JSON.stringify(document));
    const { found } = await watch('--rdap', file);
    expect(found).toMatchObject({ status, message: expect.stringContaining(words) });
  });

  test('from what the vetter noted, when no registry is asked', async () => {
    expect((await watch()).found).toMatchObject({ status: 'ok', message: expect.stringContaining('--rdap') });
    await lab.vet('bank', ANN, '--evidence', 'registration-expires=2026-12-01');
    await lab.act('renew', 'bank', '--actor', BEN, '--yes');
    expect((await watch()).found).toMatchObject({
      status: 'crit',
      message: expect.stringContaining('2026-12-01'),
    });
  });

  test('asked of a server, by the list of registries; one that lies, hangs or is private tells nothing', async () => {
    const authority = await createAuthority('Registry CA', Date.now());
    const { keyPem: key, chainPem: cert } = await authority.issue({ names: ['127.0.0.1'] });
    const ca = join(home, 'ca.pem');
    writeFileSync(ca, authority.certificatePem);
    const replies = new Map<string, () => object | null>([
      ['/good/domain/bank.example', () => answer()],
      ['/other/domain/bank.example', () => answer({ ldhName: 'shop.example' })],
      ['/odd/domain/bank.example', () => ({ objectClassName: 'entity' })],
      ['/slow/domain/bank.example', () => null],
    ]);
    const server = createServer({ key, cert }, (request, response) => {
      const reply = replies.get(request.url ?? '');
      if (reply === undefined) return void response.writeHead(404).end();
      const said = reply();
      if (said !== null) response.end(JSON.stringify(said));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const list = join(home, 'dns.json');
      writeFileSync(list, JSON.stringify({ services: [[['example'], [`${base}/good/`]]] }));
      const laboratory = ['--allow-private', '--ca', ca, '--timeout-https', '1s'];
      expect((await watch('--rdap', list, ...laboratory)).found).toMatchObject({ status: 'ok' });
      const about = async (path: string, ...argv: string[]) =>
        (await watch('--rdap', `${base}/${path}/`, ...argv)).found;
      expect(await about('good', ...laboratory)).toMatchObject({
        message: expect.stringContaining('2027-06-30'),
      });
      expect(await about('none', ...laboratory)).toMatchObject({ status: 'crit' });
      for (const path of ['other', 'odd', 'slow'])
        expect(await about(path, ...laboratory), path).toMatchObject({ status: 'unknown' });
      expect(await about('good', '--ca', ca)).toMatchObject({
        status: 'unknown',
        message: expect.stringContaining('no public address'),
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('and a policy that was stricter when the company was vetted is a warning', async () => {
    lab.zone['_dmarc.www.bank.example'] = { TXT: [['v=DMARC1; p=quarantine']] };
    const { result } = await watch();
    expect(result).toMatchObject({ status: 'warn', summary: expect.stringContaining('was p=reject') });
  });
});

test('watch finds who could be taken for a company', async () => {
  await lab.list('mill', 'mill.example');
  lab.zone['mil1.example'] = { MX: [{ priority: 10, exchange: 'mx.mil1.example' }] };
  writeFileSync(join(lab.folder, 'dns.json'), JSON.stringify(lab.zone));
  const dns = ['--selector', 's1', '--offline', '--dns-cache', join(lab.folder, 'dns.json')];
  const one = await lab.act('watch', ...dns);
  expect(one.result).toMatchObject({
    status: 'warn',
    summary: expect.stringContaining('mil1.example looks like'),
  });
  // The one who poses gets on the list, too.
  await lab.list('other', 'rnill.example');
  writeFileSync(join(lab.folder, 'dns.json'), JSON.stringify(lab.zone));
  const ran = await run('mediator watch', [...dns, '--folder', lab.folder, '--format', 'jsonl']);
  expect(ran.exit).toBe(2);
  expect(ran.stdout).toContain('mill.example of the entry mill looks like rnill.example');
});

test('diff tells what the next list changes', async () => {
  await lab.list('bank', 'bank.example');
  expect((await lab.act('diff')).result).toMatchObject({ list: null, added: ['bank'] });
  await publish();
  expect((await lab.act('diff')).result).toMatchObject({ list: 1, added: [], changed: [] });
  await lab.act('suspend', 'bank', '--reason', 'key lost', '--actor', ANN);
  expect((await lab.act('diff')).result).toMatchObject({ changed: ['bank'] });
});

test('what a company is told beforehand is what vetting asks', async () => {
  const file = join(home, 'dns.json');
  const zone = companyZone('bank.example', 'x');
  zone['_dmarc.bank.example'] = { TXT: [['v=DMARC1; p=none']] };
  writeFileSync(file, JSON.stringify(zone));
  const argv = [
    'bank.example',
    '--selector',
    's1',
    '--offline',
    '--dns-cache',
    file,
    '--for-mediator',
    '--json',
  ];
  const { stdout, exit } = await run('domain check', argv);
  expect(exit).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ summary: expect.stringContaining('vetting.dmarc') });
});

test('the VBR zone vouches for who is active, and its records are as RFC 5518 has them', async () => {
  await lab.list('bank', 'bank.example');
  await publish();
  const zone = readFileSync(join(www, 'vbr.zone'), 'utf8');
  expect(zone).toContain('$ORIGIN _vouch.mediator.example.');
  expect(zone).toContain('bank.example TXT "transaction"');
  await lab.act('revoke', 'bank', '--reason', 'sold', '--now', '--actor', ANN);
  await lab.act('publish', www);
  expect(readFileSync(join(www, 'vbr.zone'), 'utf8')).not.toContain('bank.example TXT');
});

/** Kill the built program at many moments and see that what is there is whole each time. */
async function killedAt(delayMs: number, argv: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [`${root}/bin/run.js`, ...argv], {
    stdio: 'ignore',
    env: { ...process.env },
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), delayMs);
  await ended;
  clearTimeout(timer);
}

describe('killed at any moment', () => {
  const moments = Array.from({ length: 10 }, (_, index) => 60 + index * 22);

  test('sync leaves the old list or the new one', async () => {
    await lab.list('bank', 'bank.example');
    await publish();
    await sync(www, '--root', rootFile());
    for (const [index, moment] of moments.entries()) {
      await publish();
      await killedAt(moment, ['trust', 'sync']);
      expect(await verdictOn('bank.example'), `moment ${index}`).toBe('trusted');
    }
    expect((await sync()).result).toMatchObject({ status: 'ok' });
  });

  test('logo and the fetch of logos leave whole pictures, and none that is named and missing', async () => {
    await lab.list('bank', 'bank.example');
    const picture = readFileSync(`${root}examples/trust/example-bank.svg`, 'utf8');
    const shelf = join(home, 'cache', 'postern', 'trust', '.logos');
    for (const [index, moment] of moments.entries()) {
      const logo = join(home, `${index}.svg`);
      writeFileSync(logo, picture.replace('<title>', `<title>${index} `));
      const argv = ['mediator', 'logo', 'bank', logo, '--actor', ANN, '--folder', lab.folder];
      await killedAt(moment, argv);
      expect((await lab.act('audit')).exit).toBe(0);
      await publish();
      if (index === 0) await sync(www, '--root', rootFile());
      else await killedAt(moment, ['trust', 'sync']);
      for (const name of existsSync(shelf) ? readdirSync(shelf) : [])
        if (/^[0-9a-f]{64}\.svg$/.test(name))
          expect(hash('sha256', readFileSync(join(shelf, name)))).toBe(name.slice(0, 64));
      const { result } = await sync();
      expect(result).toMatchObject({ status: 'ok' });
      expect(JSON.stringify(result)).not.toContain('registry.logo');
    }
  });

  test('sign and publish leave what readers accept', async () => {
    await lab.list('bank', 'bank.example');
    await publish();
    await sync(www, '--root', rootFile());
    for (const moment of moments) {
      await killedAt(moment, ['mediator', 'sign', '--actor', 'timer', '--folder', lab.folder]);
      expect((await lab.act('audit')).exit).toBe(0);
      await killedAt(moment, ['mediator', 'publish', www, '--folder', lab.folder]);
      expect((await sync()).result).toMatchObject({ status: 'ok' });
    }
  });
});

/** Run a command in a pseudo-terminal: each answer is typed when its question stands there. */
async function typed(
  argv: readonly string[],
  answers: readonly (readonly [question: string, answer: string])[],
) {
  const { CI: _, ...env } = process.env;
  const command = [process.execPath, `${root}bin/run.js`, ...argv].map((each) => `'${each}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...env, TERM: 'xterm', COLUMNS: '200' },
  });
  const left = [...answers];
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    const [next] = left;
    if (next === undefined || !screen.includes(next[0])) return;
    left.shift();
    // What was asked is answered; the same words are another question from here on.
    screen += '\n';
    child.stdin.write(`${next[1]}\r`);
  });
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exit, screen, unasked: left.map(([question]) => question) };
}

describe('at a terminal', () => {
  test('vetting and approval ask for what no flag says', async (context) => {
    needs(context, 'script', 'bsdutils');
    const folder = ['--folder', lab.folder];
    const named = [...['mediator', 'challenge', 'bank.example', ...folder]];
    const challenge = await typed(named, [['Your name', ANN]]);
    expect(challenge).toMatchObject({ exit: 0, unasked: [] });
    expect(challenge.screen).toContain('_trust-challenge.bank.example');
    const { result } = await lab.act('challenge', 'bank.example', '--actor', ANN);
    Object.assign(lab.zone, companyZone('bank.example', String(result['value'])));
    await lab.act('add', 'bank', 'bank.example', '--name', 'Example Bank', '--actor', ANN);
    const dns = join(lab.folder, 'dns.json');
    writeFileSync(dns, JSON.stringify(lab.zone));
    const vet = await typed(
      ['mediator', 'vet', 'bank', '--selector', 's1', '--offline', '--dns-cache', dns, ...folder],
      [
        ['Your name', ANN],
        ['What did you make sure of', 'organization'],
        ['alone?', 'yes'],
      ],
    );
    expect(vet.unasked).toEqual([]);
    expect(vet.screen).toContain('a second person may approve it');
    const refused = await typed(
      ['mediator', 'approve', 'bank', ...folder],
      [
        ['Your name', BEN],
        ['Does this show', 'no'],
      ],
    );
    expect(refused).toMatchObject({ exit: 64, unasked: [] });
    expect(refused.screen).toContain('Nothing was noted');
    const approved = await typed(
      ['mediator', 'approve', 'bank', ...folder],
      [
        ['Your name', BEN],
        ['Does this show', 'yes'],
      ],
    );
    expect(approved).toMatchObject({ exit: 0, unasked: [] });
    expect(approved.screen).toContain('vetting.challenge');
    await publish();
    await sync(www, '--root', rootFile());
    expect(await verdictOn('bank.example')).toBe('trusted');
  });
});
