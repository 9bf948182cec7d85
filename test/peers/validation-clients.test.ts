import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { needs, needsRoot } from '../helpers/debian.ts';
import { type LabClient, type LabServer, type SoftKey, ValidationLab } from '../helpers/validation-lab.ts';

// Programs that ask YubiCloud, unchanged, asking our server: they have its URL and nothing else of it.

const PASSWORD = 'correct horse';

const lab = new ValidationLab();
const folder = mkdtempSync(join(tmpdir(), 'postern-clients-'));
let server: LabServer;
let client: LabClient;
let keys: SoftKey[];
let url: string;

function freshKey(): SoftKey {
  const key = keys.pop();
  if (!key) throw new Error('there are no keys left');
  return key;
}

const apiKey = () => client.apiKey.toString('base64');

beforeAll(async () => {
  chmodSync(folder, 0o755);
  keys = await lab.keys(30);
  client = await lab.client();
  server = await lab.serve();
  url = `${server.url}/wsapi/2.0/verify`;
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

type Ended = { readonly exit: number | null; readonly text: string };

/** Run a program with a line on its standard input; the server answers meanwhile. */
function ended(program: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, text }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

describe('ykclient', () => {
  const OLD = '?id=%d&otp=%s';
  const ways: readonly (readonly [string, () => string[]])[] = [
    ['unsigned', () => ['--url', url]],
    ['signed', () => ['--url', url, '--apikey', apiKey()]],
    ['by the old template', () => ['--url', url + OLD]],
    ['by the old template, signed', () => ['--url', url + OLD, '--apikey', apiKey()]],
  ];
  test.for(ways)('takes an OTP once, %s', async ([_, flags], context) => {
    needs(context, 'ykclient', 'libykclient-dev');
    const key = freshKey();
    const otp = key.otp(1);
    const ask = (code: string) => ended('ykclient', [...flags(), String(client.id), code]);
    expect(await ask(otp)).toMatchObject({ exit: 0 });
    expect(await ask(otp)).toMatchObject({ exit: 2 });
    expect(await ask(key.otp(2).replace(/^....../, 'vvvvvv'))).toMatchObject({ exit: 3 });
    expect(await ask(key.otp(2).toUpperCase())).toMatchObject({ exit: 0 });
  });
});

describe('pam_yubico', () => {
  /** Authenticate by a PAM configuration of the test's own, in a mount namespace of its own. */
  async function authenticate(flags: string, typed: string, below = ''): Promise<boolean> {
    const pam = mkdtempSync(join(folder, 'pam-'));
    writeFileSync(
      join(pam, 'postern'),
      `auth required /usr/lib/security/pam_yubico.so ${flags}\n${below}account required pam_permit.so\n`,
    );
    const line = `mount --bind '${pam}' /etc/pam.d && exec pamtester postern root authenticate`;
    const { text } = await ended('unshare', ['-m', 'sh', '-c', line], `${typed}\n`);
    return text.includes('successfully authenticated');
  }

  function mayAuthenticate(context: TestContext): void {
    needs(context, 'pamtester', 'pamtester');
    needs(context, 'test', 'libpam-yubico', ['-e', '/usr/lib/security/pam_yubico.so']);
    needsRoot(context, 'a mount namespace takes the rights of root');
  }

  function mapping(key: SoftKey): string {
    const file = join(mkdtempSync(join(folder, 'map-')), 'keys');
    writeFileSync(file, `root:${key.publicId}\n`);
    return `id=${client.id} authfile=${file}`;
  }

  /** A module below it that knows the base password, as pam_unix would. */
  function passwordBelow(): string {
    const script = join(folder, 'password');
    writeFileSync(script, `#!/bin/sh\nread -r given\n[ "$given" = '${PASSWORD}' ]\n`);
    chmodSync(script, 0o755);
    return `auth required pam_exec.so expose_authtok quiet ${script}\n`;
  }

  const ways: readonly (readonly [string, () => string])[] = [
    ['urllist, unsigned', () => `urllist=${url}`],
    ['urllist, signed', () => `urllist=${url} key=${apiKey()}`],
    ['url, unsigned', () => `url=${url}?id=%d&otp=%s`],
    ['url, signed', () => `url=${url}?id=%d&otp=%s key=${apiKey()}`],
  ];

  test.for(ways)('lets somebody in once, by %s', async ([_, how], context) => {
    mayAuthenticate(context);
    const key = freshKey();
    const flags = `${mapping(key)} ${how()}`;
    const otp = key.otp(1);
    expect(await authenticate(flags, otp)).toBe(true);
    expect(await authenticate(flags, otp)).toBe(false);
    expect(await authenticate(flags, freshKey().otp(1))).toBe(false);
    expect(await authenticate(flags, key.otp(2))).toBe(true);
  });

  test('hands the base password on to the next module', async (context) => {
    mayAuthenticate(context);
    const key = freshKey();
    const flags = `${mapping(key)} urllist=${url} key=${apiKey()}`;
    const below = passwordBelow();
    expect(await authenticate(flags, PASSWORD + key.otp(1), below)).toBe(true);
    expect(await authenticate(flags, `wrong${key.otp(2)}`, below)).toBe(false);
    expect(await authenticate(flags, PASSWORD + key.otp(2), below)).toBe(false);
    expect(await authenticate(flags, PASSWORD + key.otp(3), below)).toBe(true);
  });
});

describe('FreeRADIUS', () => {
  const SECRET = 'testing123';
  let daemon: ChildProcess;
  let port: number;

  function configuration(): string {
    return `
name = freeradius
prefix = /usr
logdir = ${folder}/radius
run_dir = ${folder}/radius
raddbdir = ${folder}/radius
libdir = /usr/lib/freeradius
pidfile = ${folder}/radius/pid
max_requests = 1024
security {
  allow_vulnerable_openssl = yes
}
client near {
  ipaddr = 127.0.0.1
  secret = ${SECRET}
}
thread pool {
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 2
  max_requests_per_server = 0
}
modules {
  pap { }
  files { usersfile = ${folder}/radius/users }
  yubikey {
    split = yes
    decrypt = no
    validate = yes
    validation {
      servers {
        uri = '${url}?id=%d&otp=%s'
      }
      client_id = ${client.id}
      api_key = '${apiKey()}'
      pool {
        start = 1
        min = 1
        max = 4
        spare = 1
        uses = 0
        retry_delay = 1
        lifetime = 0
        idle_timeout = 60
        spread = no
      }
    }
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    files
    yubikey
  }
  authenticate {
    Auth-Type yubikey {
      yubikey {
        ok = 1
        reject = return
        fail = return
        invalid = return
        noop = return
      }
      pap
    }
  }
}
`;
  }

  async function freeUdpPort(): Promise<number> {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const address = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    return typeof address === 'object' && address ? address.port : 0;
  }

  beforeAll(async () => {
    port = await freeUdpPort();
    mkdirSync(join(folder, 'radius'));
    writeFileSync(join(folder, 'radius/users'), `ann Cleartext-Password := "${PASSWORD}"\n`);
    writeFileSync(join(folder, 'radius/radiusd.conf'), configuration());
    daemon = spawn('freeradius', ['-f', '-l', 'stdout', '-d', join(folder, 'radius')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      let text = '';
      const look = (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('Ready to process requests')) resolve();
      };
      daemon.stdout?.on('data', look);
      daemon.stderr?.on('data', look);
      daemon.once('error', reject);
      daemon.once('exit', () => reject(new Error(`freeradius ended: ${text}`)));
    });
  });
  afterAll(() => daemon?.kill());

  async function logIn(password: string): Promise<boolean> {
    const request = `User-Name = "ann", User-Password = "${password}"`;
    const { text } = await ended(
      'radclient',
      ['-x', '-r', '1', '-t', '20', `127.0.0.1:${port}`, 'auth', SECRET],
      request,
    );
    if (text.includes('Received Access-Accept')) return true;
    if (text.includes('Received Access-Reject')) return false;
    throw new Error(`no answer: ${text}`);
  }

  test('takes base password and OTP once, and burns the OTP of a wrong password', async () => {
    const key = freshKey();
    expect(await logIn(PASSWORD + key.otp(1))).toBe(true);
    expect(await logIn(PASSWORD + key.otp(1))).toBe(false);
    expect(await logIn(`wrong${key.otp(2)}`)).toBe(false);
    expect(await logIn(PASSWORD + key.otp(2))).toBe(false);
    expect(await logIn(PASSWORD + key.otp(3))).toBe(true);
    expect(await logIn(PASSWORD)).toBe(false);
  });
});
