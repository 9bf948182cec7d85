import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { databaseOf, masterKeyOf, openOrCreateStore } from '../../src/keys/open.ts';
import { newSite } from '../../src/throttle/site.ts';
import { openAdministration } from '../../src/validation/clients.ts';
import { standInFirefox, startPracticeDav } from './browser-samples.ts';
import { companyZone, mediatorLab } from './mediator.ts';
import { practiceKey } from './practice-key.ts';
import { publication, ring } from './registry.ts';
import { root } from './run.ts';
import { startThrottleLab } from './throttle-lab.ts';

// A world with something in it for every command, made anew for each test file that imports this one.

/** Files of which each run gets its own, or that nobody else may read, which no file of a checkout is. */
const folder = mkdtempSync(join(tmpdir(), 'postern-surface-'));
export const EMPTY_FOLDER = mkdtempSync(join(folder, 'empty-'));
const GOOD_CONFIG = join(folder, 'config.json');
writeFileSync(GOOD_CONFIG, '{"timeout-dns": "5s", "commands": {"mx probe": {"parallel": 16}}}', {
  mode: 0o600,
});
const secretFile = `${folder}/secret`;
writeFileSync(secretFile, 'a secret\n', { mode: 0o600 });
const tokenFile = `${folder}/token`;
writeFileSync(tokenFile, 'a token of more than 22 characters\n'.replaceAll(' ', '-'), { mode: 0o600 });
writeFileSync(
  `${folder}/roboform.csv`,
  'Name,Url,Login,Pwd,Note,Folder\nBank,https://bank.example/,me,x,,\n',
);
mkdirSync(`${folder}/undone/20261125T081500Z-0a1b`, { recursive: true });
writeFileSync(
  `${folder}/undone/20261125T081500Z-0a1b/manifest.json`,
  JSON.stringify({ version: 1, id: '20261125T081500Z-0a1b', folder, addons: [], files: [], state: 'undone' }),
);

/** A key in software, its AES key in slot 1, and a challenge, for commands that need a key on the desk. */
const KEY = practiceKey();
const touchFile = `${folder}/touch`;
writeFileSync(touchFile, `${KEY.otp}\n`);
/** A NEO, which telephones can read. */
const RADIO = practiceKey({ version: [3, 4, 0] });
const ON_KEY = ['--software-key', KEY.file];
/** What a mediator publishes, for those who read it. */
const publishedFolder = `${folder}/published`;
mkdirSync(`${publishedFolder}/lists`, { recursive: true });
for (const [name, bytes] of publication({ keys: ring(), nowMs: Date.now() }))
  writeFileSync(`${publishedFolder}/${name}`, bytes);

/** Mediators at different points of their work; each run gets a copy. */
const templates = `${folder}/mediators`;
beforeAll(async () => {
  const lab = await mediatorLab();
  await lab.list('bank', 'bank.example');
  await lab.act('sign', '--actor', 'Ann');
  cpSync(lab.folder, `${templates}/listed`, { recursive: true });
  await lab.vet('bank', 'Ann');
  cpSync(lab.folder, `${templates}/renewing`, { recursive: true });
  const other = await mediatorLab();
  const { result } = await other.act('challenge', 'bank.example', '--actor', 'Ann');
  Object.assign(other.zone, companyZone('bank.example', String(result['value'])));
  await other.act('add', 'bank', 'bank.example', '--name', 'Bank', '--actor', 'Ann');
  await other.vet('bank', 'Ann');
  cpSync(other.folder, `${templates}/vetted`, { recursive: true });
});

function copyOf(template: string | null): string {
  const copy = `${folder}/${randomUUID()}`;
  if (template !== null && existsSync(`${templates}/${template}`))
    cpSync(`${templates}/${template}`, copy, { recursive: true });
  return copy;
}

function office(template: string): readonly string[] {
  return ['--folder', copyOf(template)];
}

/** A throttle whose sites come back when they are removed, and go when they are added: samples run again and again. */
const throttle = await startThrottleLab({
  onEvent: ({ event, subject }) => {
    const { warden } = throttle.daemon;
    if (event === 'site removed' && subject === 'old.example.org')
      setImmediate(() => warden.saveSite(newSite(2, 'old.example.org'), '', ''));
    if (event === 'site added') setImmediate(() => warden.removeSite(warden.sites.named(String(subject))));
  },
});
afterAll(() => throttle.close());
throttle.daemon.warden.saveSite(newSite(1, 'www.example.org'), '', '');
throttle.daemon.warden.saveSite(newSite(2, 'old.example.org'), '', '');
/** A store of a validation server, with a client and a key. */
const STORE = ['--store', await storeWithKey(`${folder}/validation`)];

async function storeWithKey(place: string): Promise<string> {
  const { store } = await openOrCreateStore({ folder: place });
  const secret = { privateId: Buffer.alloc(6), aesKey: Buffer.alloc(16) };
  store.add({ publicId: 'vvccccccccct', state: 'active', serial: null, secret, counters: null }, Date.now());
  store.close();
  const office = await openAdministration(databaseOf({ folder: place }), masterKeyOf({ folder: place }));
  const client = { id: null, label: 'mail', apiKey: null, mustSign: false, publicIds: [], networks: [] };
  await office.addClient(client, { actor: 'test', nowMs: Date.now() }, () => undefined);
  await office.close();
  return place;
}

const AT = ['--service', `unix:${throttle.socket.path}`];

/** A WebDAV folder with a backup, and what is started in place of Firefox, each time on a profile of its own. */
const dav = await startPracticeDav(`${folder}/age-key`);
afterAll(() => dav.close());
const standIn = standInFirefox(`${folder}/firefox`);
function onProfile(): readonly string[] {
  const profile = `${folder}/${randomUUID()}`;
  mkdirSync(profile);
  return ['--profile-dir', profile, '--firefox', standIn];
}

/** Each command once, in a way that needs no network, and the exit code it ends with. */
export const SAMPLES: Readonly<Record<string, readonly [argv: readonly string[], exit: number]>> = {
  'browser backup list': [[dav.url], 0],
  get 'browser backup push'() {
    return [[dav.url, ...onProfile(), '--recipient', dav.recipient], 0] as const;
  },
  get 'browser backup restore'() {
    return [[dav.url, ...onProfile(), '--identity-file', `${folder}/age-key`], 0] as const;
  },
  'browser diagnose': [['--profile-dir', EMPTY_FOLDER], 0],
  'browser disable': [['--profile-dir', EMPTY_FOLDER, '--edit-files'], 0],
  'browser passwords': [[`${folder}/roboform.csv`], 0],
  'browser undo': [['20261125T081500Z-0a1b', '--backup-folder', `${folder}/undone`], 0],
  completion: [['bash'], 0],
  'config check': [['--config', GOOD_CONFIG], 0],
  'config show': [['mx', 'probe'], 0],
  demo: [[], 0],
  // A key is never overwritten, so each run gets a file of its own.
  get 'dkim key make'() {
    return [['example.org', '--type', 'ed25519', '--key-file', `${folder}/${randomUUID()}.pem`], 0] as const;
  },
  'dnsbl check': [
    ['192.0.2.1', '--list', 'bl.example', '--offline', '--dns-cache', `${root}test/fixtures/dns/sender.json`],
    0,
  ],
  'domain check': [['sender.example', '--offline', '--dns-cache', `${root}test/fixtures/dns/sender.json`], 0],
  doctor: [['--offline', '--dns-cache', `${root}test/fixtures/dns/null-mx.json`], 2],
  explain: [['smtp.starttls.offered'], 0],
  help: [['exit-codes'], 0],
  // An act is done once, so each run gets a mediator of its own.
  get 'mediator init'() {
    const argv = ['mediator.example', '--name', 'Mediator', '--actor', 'Ann', '--folder', copyOf(null)];
    return [argv, 0] as const;
  },
  get 'mediator challenge'() {
    return [['bank.example', '--actor', 'Ann', ...office('listed')], 0] as const;
  },
  get 'mediator add'() {
    return [['shop', 'shop.example', '--name', 'Shop', '--actor', 'Ann', ...office('listed')], 0] as const;
  },
  get 'mediator vet'() {
    const said = ['--level', 'organization', '--single-company', '--actor', 'Ann', '--selector', 's1'];
    const dns = [
      '--offline',
      '--dns-cache',
      `${templates}/listed/dns.json`,
      '--second-resolver',
      '192.0.2.53',
    ];
    return [['bank', ...said, ...dns, ...office('listed')], 0] as const;
  },
  get 'mediator approve'() {
    return [['bank', '--actor', 'Ben', '--yes', ...office('vetted')], 0] as const;
  },
  get 'mediator renew'() {
    return [['bank', '--actor', 'Ben', '--yes', ...office('renewing')], 0] as const;
  },
  get 'mediator logo'() {
    return [
      ['bank', `${root}examples/trust/example-bank.svg`, '--actor', 'Ann', ...office('listed')],
      0,
    ] as const;
  },
  get 'mediator suspend'() {
    return [['bank', '--reason', 'sold', '--actor', 'Ann', ...office('listed')], 0] as const;
  },
  get 'mediator revoke'() {
    return [['bank', '--reason', 'sold', '--now', '--actor', 'Ann', ...office('listed')], 0] as const;
  },
  get 'mediator list'() {
    return [office('listed'), 0] as const;
  },
  get 'mediator diff'() {
    return [office('listed'), 0] as const;
  },
  get 'mediator sign'() {
    return [['--actor', 'timer', ...office('listed')], 0] as const;
  },
  get 'mediator open-signup'() {
    const file = `${folder}/names.txt`;
    writeFileSync(file, 'free.example\n');
    return [[file, '--actor', 'Ann', ...office('listed')], 0] as const;
  },
  get 'mediator publish'() {
    return [[`${folder}/${randomUUID()}`, ...office('listed')], 0] as const;
  },
  get 'mediator rotate'() {
    return [['list', '--actor', 'Ann', ...office('listed')], 0] as const;
  },
  get 'mediator audit'() {
    return [office('listed'), 0] as const;
  },
  get 'mediator watch'() {
    const dns = ['--offline', '--dns-cache', `${templates}/listed/dns.json`, '--selector', 's1'];
    return [[...dns, ...office('listed')], 0] as const;
  },
  'message check': [
    [
      `${root}examples/trust/listed.eml`,
      '--registry',
      `${root}examples/trust/local.json`,
      '--dns-cache',
      `${root}examples/trust/dns.json`,
      '--offline',
    ],
    0,
  ],
  'message path': [[`${root}examples/forwarded.eml`], 0],
  'message view': [
    [
      `${root}examples/trust/listed.eml`,
      '--registry',
      `${root}examples/trust/local.json`,
      '--dns-cache',
      `${root}examples/trust/dns.json`,
      '--offline',
    ],
    0,
  ],
  'mx diff': [[`${root}test/fixtures/mx/before.json`, `${root}test/fixtures/mx/after.json`], 2],
  'mx policy': [['null.example', '--offline', '--dns-cache', `${root}test/fixtures/dns/null-mx.json`], 0],
  'mx worker': [['--queue', 'redis://127.0.0.1', '--check'], 0],
  'mx tlsa check': [
    [
      'mx.example',
      '--cert',
      `${root}test/fixtures/tls/mx.example.pem`,
      '--offline',
      '--dns-cache',
      `${root}test/fixtures/dns/bogus-tlsa.json`,
    ],
    2,
  ],
  'mx tlsa make': [['--cert', `${root}test/fixtures/tls/mx.example.pem`], 0],
  'mx probe': [['null.example', '--offline', '--dns-cache', `${root}test/fixtures/dns/null-mx.json`], 0],
  'otp decode': [[KEY.otp, '--key-file', KEY.aesKeyFile], 0],
  'otp generate': [ON_KEY, 0],
  'otp verify': [[KEY.otp], 2],
  'otp modhex': [['b565716f'], 0],
  get 'validation backup'() {
    return [[`${folder}/${randomUUID()}.db`, ...STORE], 0] as const;
  },
  // Each run adds one, and needs a file of its own.
  get 'validation client add'() {
    return [['mail', '--write-key', `${folder}/${randomUUID()}.key`, ...STORE], 0] as const;
  },
  'validation client disable': [['1', ...STORE], 0],
  'validation client enable': [['1', ...STORE], 0],
  'validation client list': [STORE, 0],
  get 'validation client rotate'() {
    return [['1', '--write-key', `${folder}/${randomUUID()}.key`, ...STORE], 0] as const;
  },
  'validation key disable': [['vvccccccccct', ...STORE], 0],
  'validation key enable': [['vvccccccccct', ...STORE], 0],
  'validation key list': [STORE, 0],
  'validation move': [['--to', 'postgresql://postern@127.0.0.1/otp', '--store', '/nonexistent/store'], 2],
  'validation serve': [['--check', ...STORE], 0],
  'validation status': [STORE, 0],
  'validation export': [['--to', '/nonexistent/keys.age', '--recipient', 'age1'], 2],
  'validation import': [[`${root}test/fixtures/keys/gui-yubico.csv`, '--dry-run'], 0],
  'login add': [['ann@example.org', '--otp-file', touchFile], 2],
  'login list': [STORE, 0],
  'login passwd': [['0000000000', '--password-file', secretFile], 2],
  'login remove': [['0000000000'], 2],
  'login serve': [['--check', '--token-file', tokenFile], 0],
  'login session end': [['0000000000'], 2],
  'login session list': [STORE, 0],
  'login session new': [['ann@example.org'], 2],
  'login verify': [['ann@example.org', '--password-file', secretFile], 2],
  'yubikey access-code change': [
    [...ON_KEY, '--slot', '1', '--new-access-code-file', KEY.codeFile, '--dry-run'],
    0,
  ],
  'yubikey access-code remove': [[...ON_KEY, '--slot', '1', '--dry-run'], 0],
  'yubikey access-code set': [
    [...ON_KEY, '--slot', '1', '--new-access-code-file', KEY.codeFile, '--dry-run'],
    0,
  ],
  'yubikey calculate': [[...ON_KEY, '--slot', '2', '--challenge-file', KEY.challengeFile], 0],
  'yubikey delete': [[...ON_KEY, '--slot', '1', '--dry-run'], 0],
  'yubikey info': [ON_KEY, 0],
  'yubikey inventory': [[], 0],
  'yubikey list': [ON_KEY, 0],
  'yubikey lost': [['99999999'], 2],
  'yubikey ndef': [['--software-key', RADIO.file, '--slot', '1', '--dry-run'], 0],
  'yubikey program': [[...ON_KEY, '--slot', '1', '--dry-run'], 0],
  'yubikey swap': [[...ON_KEY, '--dry-run'], 0],
  'yubikey update': [[...ON_KEY, '--slot', '1', '--no-enter', '--dry-run'], 0],
  'report dmarc': [[`${root}examples/reports/dmarc.xml`], 2],
  'report tls': [[`${root}examples/reports/tls.json`], 2],
  send: [
    [
      '--from',
      'a@example.com',
      '--to',
      'b@null.example',
      '--offline',
      '--dns-cache',
      `${root}test/fixtures/dns/null-mx.json`,
    ],
    2,
  ],
  'spf check': [
    [
      'sender.example',
      '--ip',
      '192.0.2.25',
      '--offline',
      '--dns-cache',
      `${root}test/fixtures/dns/sender.json`,
    ],
    0,
  ],
  'srs forward': [['joe@example.net', '--domain', 'forwarder.example', '--secret-file', secretFile], 0],
  'srs reverse': [['SRS0=kSoM=JO=example.net=joe@forwarder.example', '--explain'], 0],
  'trust list': [[], 0],
  'trust override': [[], 0],
  'trust show': [['gmail.com'], 0],
  'throttle block': [['192.0.2.66', '--site', 'www.example.org', ...AT], 0],
  'throttle blocks': [AT, 0],
  'throttle compile': [['nginx', '--out', `${folder}/nginx`, ...AT], 0],
  'throttle dashboard': [AT, 0],
  'throttle exempt': [['192.0.2.0/24', ...AT], 0],
  'throttle explain': [['192.0.2.66', ...AT], 0],
  'throttle policy list': [AT, 0],
  'throttle policy set': [['www.example.org', '500/20M', ...AT], 0],
  'throttle serve': [['--check'], 0],
  'throttle simulate': [[`${root}examples/access.log`], 0],
  'throttle site add': [['new.example.org', ...AT], 0],
  'throttle site edit': [['www.example.org', '--note', 'main', ...AT], 0],
  'throttle site list': [AT, 0],
  'throttle site remove': [['old.example.org', ...AT], 0],
  'throttle site show': [['www.example.org', ...AT], 0],
  'throttle status': [AT, 0],
  'throttle top': [['--no-watch', ...AT], 0],
  'throttle unblock': [['192.0.2.66', ...AT], 0],
  'trust sync': [[publishedFolder, '--root', `${publishedFolder}/1.root.json`], 0],
};
