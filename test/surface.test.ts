import { randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { globalFlags } from '../src/cli/flags.ts';
import { EXIT_MEANINGS } from '../src/cli/help-topics.ts';
import { BY_HAND } from '../src/cli/settings.ts';
import { ExitCode } from '../src/errors.ts';
import { databaseOf, masterKeyOf, openOrCreateStore } from '../src/keys/open.ts';
import { documents, failedRow } from '../src/schema/documents.ts';
import { newSite } from '../src/throttle/site.ts';
import { openAdministration } from '../src/validation/clients.ts';
import { standInFirefox, startPracticeDav } from './helpers/browser-samples.ts';
import { companyZone, mediatorLab } from './helpers/mediator.ts';
import { practiceKey } from './helpers/practice-key.ts';
import { publication, ring } from './helpers/registry.ts';
import { commandIds, loadCommand, root, run, runBuilt, shell } from './helpers/run.ts';
import { startThrottleLab } from './helpers/throttle-lab.ts';

type Flag = {
  readonly type: string;
  readonly options?: readonly string[];
  readonly env?: string;
  readonly summary?: string;
};

/** Files of which each run gets its own, or that nobody else may read, which no file of a checkout is. */
const folder = mkdtempSync(join(tmpdir(), 'postern-surface-'));
const EMPTY_FOLDER = mkdtempSync(join(folder, 'empty-'));
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
const SAMPLES: Readonly<Record<string, readonly [argv: readonly string[], exit: number]>> = {
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
  'login list': [[], 0],
  'login passwd': [['0000000000', '--password-file', secretFile], 2],
  'login remove': [['0000000000'], 2],
  'login serve': [['--check', '--token-file', tokenFile], 0],
  'login session end': [['0000000000'], 2],
  'login session list': [[], 0],
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

const MANY = `${root}examples/forwarded.eml ${root}examples/forwarded.eml`;

test('the command line changes only on purpose', async () => {
  const surface: string[] = [];
  for (const id of commandIds) {
    const { args, flags } = await loadCommand(id);
    const lines = Object.entries((flags ?? {}) as Record<string, Flag>)
      .filter(([name, flag]) => (globalFlags as unknown as Record<string, Flag>)[name] !== flag)
      .map(
        ([name, { type, options }]) =>
          `  --${name}${type === 'option' ? `=${options?.join('|') ?? 'value'}` : ''}`,
      );
    surface.push(
      [id, ...Object.keys(args).map((name) => `  <${name}>`), ...lines.sort((a, b) => (a < b ? -1 : 1))].join(
        '\n',
      ),
    );
  }
  const common = Object.entries(globalFlags as unknown as Record<string, Flag>).map(
    ([name, { type, options }]) =>
      `  --${name}${type === 'option' ? `=${options?.join('|') ?? 'value'}` : ''}`,
  );
  await expect(`every command\n${common.join('\n')}\n${surface.join('\n')}\n`).toMatchFileSnapshot(
    'surface.txt',
  );
});

describe.for(commandIds)('%s', (id) => {
  test('has a summary, an example that parses to it, and a sample in this test', async () => {
    const command = await loadCommand(id);
    expect(command.summary).toMatch(/^[A-Z].*\.$/);
    const examples = command.examples as readonly string[];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(example).toMatch(/^<%= config\.bin %> (<%= command\.id %>|help )/);
    expect(SAMPLES).toHaveProperty([id]);
  });

  test('tells what each flag does, and reads each from its variable but for those only a person may give', async () => {
    const { flags } = await loadCommand(id);
    for (const [name, flag] of Object.entries({ ...globalFlags, ...flags } as unknown as Record<
      string,
      Flag
    >)) {
      expect(flag.summary, name).toMatch(/\.$/);
      const variable = `POSTERN_${name.replaceAll('-', '_').toUpperCase()}`;
      expect(flag.env, name).toBe(BY_HAND.has(name) && name !== 'config' ? undefined : variable);
    }
  });

  test('exits as it should and prints its result on standard output alone', async () => {
    const [argv, exit] = SAMPLES[id] ?? [[], -1];
    const ran = await run(id, argv);
    expect(ran.exit).toBe(exit);
    expect(ran.stdout).not.toBe('');
    expect(ran.stderr).toBe('');
  });

  test('prints JSON that its schema describes, strictly and by a validator that is not ours', async () => {
    const [argv] = SAMPLES[id] ?? [[]];
    const { stdout } = await run(id, [...argv, '--json']);
    const document: unknown = JSON.parse(stdout);
    const schemaId = `postern/${id.replaceAll(' ', '-')}/1` as keyof typeof documents;
    expect(document).toMatchObject({ schema: schemaId });
    documents[schemaId].parse(document);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const published = JSON.parse(
      readFileSync(`${root}schemas/${schemaId.replaceAll('/', '-')}.json`, 'utf8'),
    );
    expect(ajv.validate(published, document), ajv.errorsText()).toBe(true);
  });

  test('refuses a flag it does not know with 64, in text and in JSON', async () => {
    const text = await run(id, ['--frobnicate']);
    expect(text.exit).toBe(ExitCode.usage);
    expect(text.stderr.split('\n')).toHaveLength(2);
    const json = await run(id, ['--frobnicate', '--json']);
    expect(json.exit).toBe(ExitCode.usage);
    documents['postern/error/1'].parse(JSON.parse(json.stdout));
    expect(json.stderr).toBe('');
  });

  test('writes its result to a file when asked to, and nothing else', async () => {
    const [argv] = SAMPLES[id] ?? [[]];
    const file = `${root}coverage/out.json`;
    const ran = await shell(
      `mkdir -p ${root}coverage && $POSTERN ${id} ${argv.join(' ')} --json --output ${file}; cat ${file}; rm ${file}`,
    );
    expect(JSON.parse(ran.stdout)).toHaveProperty('schema');
  });
});

describe('in a terminal', () => {
  const inTerminal = (command: string, env: Readonly<Record<string, string>>) =>
    shell(`script -qec "$POSTERN ${command}" /dev/null`, { TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env });
  const csi = '\x1b[';

  test.for(commandIds.filter((id) => id !== 'completion'))(
    '%s has colour, and none with NO_COLOR, --color never or TERM=dumb',
    async (id) => {
      const command = `${id} ${(SAMPLES[id]?.[0] ?? []).join(' ')}`;
      expect((await inTerminal(command, {})).stdout).toContain(csi);
      expect((await inTerminal(command, { NO_COLOR: '1' })).stdout).not.toContain(csi);
      expect((await inTerminal(command, { TERM: 'dumb' })).stdout).not.toContain(csi);
      expect((await inTerminal(`${command} --color never`, {})).stdout).not.toContain(csi);
    },
  );

  test('a script for a shell has no colour, whoever asks for it', async () => {
    expect((await inTerminal('completion bash --color always', {})).stdout).not.toContain(csi);
  });

  test('the bare program has colour, and none with NO_COLOR', async () => {
    expect((await inTerminal('', {})).stdout).toContain(csi);
    expect((await inTerminal('', { NO_COLOR: '1' })).stdout).not.toContain(csi);
    expect((await inTerminal('mx probe --help', { NO_COLOR: '1' })).stdout).not.toContain(csi);
  });

  test('a missing address is asked for, and Ctrl-C ends with 130', async () => {
    const ran = await shell(
      `(sleep 1; printf '\\003') | script -qec "$POSTERN send --to b@example.org --offline" /dev/null`,
      { TERM: 'xterm' },
    );
    expect(ran.stdout).toContain('Envelope sender');
    expect(ran.exit).toBe(130);
  });
});

describe('the built program', () => {
  let sample: (id: string) => string;
  beforeAll(() => {
    sample = (id) => `$POSTERN ${id} ${(SAMPLES[id]?.[0] ?? []).join(' ')}`;
  });

  test.for(commandIds)('%s ends at once without a terminal and without input', async (id) => {
    const ran = await shell(`${sample(id)} </dev/null`);
    expect(ran.exit).toBe(SAMPLES[id]?.[1]);
  });

  test.for(commandIds)('%s survives a reader that leaves early', async (id) => {
    const ran = await shell(`(${sample(id)}; echo "exit $?" >&2) | head -1`);
    expect(ran.stderr).toMatch(/^exit [02]\n$/);
    expect(ran.stdout.split('\n')).toHaveLength(2);
  });

  test('prints more than 64 KiB into a pipe whole', async () => {
    const hops = Array.from(
      { length: 300 },
      (_, index) =>
        `Received: from h${index}.example ([192.0.2.1]) by h${index + 1}.example with ESMTPS id ${index};\r\n Tue, 24 Nov 2026 09:00:00 +0000\r\n`,
    ).join('');
    const ran = await runBuilt(['message', 'path', '-', '--json'], { input: `${hops}Subject: x\r\n\r\n` });
    expect(ran.stdout.length).toBeGreaterThan(200_000);
    expect(JSON.parse(ran.stdout).hops).toHaveLength(300);
  });

  test.for([
    ['an unknown command', ['frobnicate'], 127, /^postern: There is no command 'frobnicate'\./],
    [
      'an unknown command below a topic',
      ['mx', 'prob', 'x'],
      127,
      /'mx prob'\. Did you mean "postern mx probe"\?/,
    ],
    ['two words that are mistyped', ['mxx', 'prob', 'x'], 127, /'mxx'\. Did you mean "postern mx probe"\?/],
    ['a command the other way round', ['probe', 'mx'], 127, /Did you mean "postern mx probe"\?/],
    ['a verb alone', ['probe', 'x.test'], 127, /Did you mean "postern mx probe"\?/],
    ['a mistyped flag', ['mx', 'probe', 'x.test', '--jsno'], 64, /--jsno\. Did you mean --json\?/],
    [
      'the beginning of several flags',
      ['mx', 'probe', 'x.test', '--timeout'],
      64,
      /Did you mean --timeout-dns, --timeout-connect or --timeout-banner\?/,
    ],
    ['a flag like none', ['mx', 'probe', 'x.test', '--xyzzy'], 64, /--xyzzy\. "postern mx probe --help"/],
    ['a mistyped choice', ['mx', 'probe', 'x.test', '--fail-on=wran'], 64, /Did you mean --fail-on warn\?/],
    ['a mistyped story', ['demo', 'transprt'], 64, /Did you mean transport\?/],
    ['a missing target', ['mx', 'probe'], 64, /^postern: There is no target\./],
    ['a wrong value', ['mx', 'probe', 'x.test', '--port', 'many'], 64, /--port/],
    ['a wrong choice', ['mx', 'probe', 'x.test', '--color', 'blue'], 64, /auto, always, never/],
    ['a domain that is none', ['mx', 'probe', 'not a domain'], 64, /'not a domain' has spaces/],
    ['a wrong duration', ['mx', 'probe', 'x.test', '--timeout-dns', 'soon'], 64, /'soon' is not a duration/],
    ['a wrong resolver', ['mx', 'probe', 'x.test', '--resolver', 'http://x'], 64, /DNS server/],
    ['a missing configuration', ['mx', 'probe', 'x.test', '--config', '/nonexistent'], 78, /\/nonexistent/],
    ['an authority that is no file', ['mx', 'probe', 'x.test', '--ca', '/nonexistent'], 64, /--ca/],
    ['a wrong time', ['mx', 'probe', 'x.test', '--as-of', 'tomorrow'], 64, /--as-of/],
    ['a missing file', ['message', 'path', '/nonexistent'], 65, /'\/nonexistent': there is no such file/],
    ['a folder without a message', ['message', 'path', EMPTY_FOLDER], 65, /a folder without a message/],
    ['an empty file', ['message', 'path', '/dev/null'], 65, /is empty/],
    ['a program in place of a message', ['message', 'path', process.execPath], 65, /is /],
    ['an output that cannot be written', ['help', '--output', '/nonexistent/x'], 73, /Cannot write/],
    ['questions without a terminal', ['send'], 64, /--from is missing/],
    ['a wrong limit', ['throttle', 'policy', 'set', 'a.test', '20'], 64, /'20' is no limit/],
    ['a policy for no site', ['throttle', 'policy', 'set'], 64, /There is no site/],
    [
      'a service that is not there',
      ['throttle', 'blocks', '--service', 'unix:/nonexistent/x'],
      69,
      /no such socket/,
    ],
    [
      'a front with nothing behind it',
      ['throttle', 'serve', '--front', '127.0.0.1:0'],
      64,
      /nothing behind it/,
    ],
    ['an API over TCP without a token', ['throttle', 'serve', '--listen', '127.0.0.1:0'], 64, /need a token/],
    [
      'a file that is no message',
      ['send', '--from', 'a@x.test', '--to', 'b@x.test', '--file', '/dev/null'],
      65,
      /header/,
    ],
  ] as const)('%s is one clear line and its code', async ([, argv, exit, message]) => {
    const text = await runBuilt(argv);
    expect(text.exit).toBe(exit);
    expect(text.stderr).toMatch(message);
    expect(text.stderr.split('\n')).toHaveLength(2);
    expect(text.stdout).toBe('');
    const json = await runBuilt([...argv, '--json']);
    expect(json.exit).toBe(exit);
    documents['postern/error/1'].parse(JSON.parse(json.stdout));
  });

  test('a full disk is 73', async () => {
    expect((await shell('$POSTERN help exit-codes > /dev/full')).exit).toBe(73);
  });

  test('50 MB of one line are answered from the first megabyte', async () => {
    const ran = await shell("head -c 50000000 /dev/zero | tr '\\0' 'x' | $POSTERN message path -");
    expect(ran.exit).toBe(65);
    expect(ran.stderr).toMatch(/^postern: '-' is no message/);
  });

  test('several targets are rows, the failed ones too, and the worst decides', async () => {
    const ran = await shell(`$POSTERN message path ${MANY} /nonexistent --json`);
    const rows = ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'ok', 'unknown']);
    failedRow.parse(rows[2]);
    expect(ran.exit).toBe(3);
    expect((await shell(`$POSTERN message path ${MANY} /nonexistent --unknown ok`)).exit).toBe(0);
  });

  test('flags come from the environment and from the configuration, in this order', async () => {
    const probe = ['mx', 'probe', 'null.example', '--json'];
    const cache = `${root}test/fixtures/dns/null-mx.json`;
    const env = { POSTERN_OFFLINE: '1', POSTERN_DNS_CACHE: cache };
    expect((await runBuilt(probe, { env })).exit).toBe(0);
    expect(
      (await runBuilt(['mx', 'probe', 'null.example'], { env: { ...env, POSTERN_JSON: '1' } })).stdout,
    ).toContain('"schema"');
    const ran = await shell(
      `printf '{"commands": {"mx probe": {"offline": true, "dns-cache": "${cache}"}}}' > $DIR/c.json; $POSTERN ${probe.join(' ')} --config $DIR/c.json`,
      { DIR: '/tmp' },
    );
    expect(ran.exit).toBe(0);
    const wrong = await shell(
      `printf '{"port": "many"}' > /tmp/w.json; $POSTERN mx probe x.test --config /tmp/w.json`,
    );
    expect(wrong).toMatchObject({ exit: 78, stderr: expect.stringContaining('"port" is "many"') });
  });

  test('--version is answered with name, version and platform', async () => {
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    expect((await runBuilt(['--version'])).stdout).toMatch(new RegExp(`^postern/${version} \\S+ node-v`));
  });

  test('help is there for every command and topic, with the exit codes', async () => {
    for (const id of commandIds) {
      const { stdout, exit } = await runBuilt([...id.split(' '), '--help']);
      expect(exit).toBe(0);
      expect(stdout).toContain('EXIT CODES');
      expect((await runBuilt(['help', ...id.split(' ')])).stdout).toBe(stdout);
    }
    expect((await runBuilt(['mx'])).stdout).toContain('mx probe');
    expect((await runBuilt([])).stdout).toContain('postern mx probe example.org');
  });
});

test('README and the help page list every exit code with the same words', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  expect(EXIT_MEANINGS.map(([code]) => code)).toEqual(Object.values(ExitCode));
  for (const [code, meaning] of EXIT_MEANINGS) expect(readme).toContain(`| ${code} | ${meaning} |`);
});

test('schemas/ holds the documents and nothing else', () => {
  const files = readdirSync(`${root}schemas`).sort((a, b) => (a < b ? -1 : 1));
  expect(files).toEqual(Object.keys(documents).map((id) => `${id.replaceAll('/', '-')}.json`));
});
