import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { needs, needsRoot } from '../helpers/debian.ts';
import { freePort } from '../helpers/ports.ts';
import { type LabClient, type LabServer, type SoftKey, ValidationLab } from '../helpers/validation-lab.ts';

/**
 * The clients that people have, from Debian's packages and as they are, against our server: another URL is all that
 * they are given.
 */

const MODULE = '/lib/security/pam_yubico.so';
const RLM = '/usr/lib/freeradius/rlm_yubikey.so';
const PASSWORD = 'correct horse';

const lab = new ValidationLab();
const folder = mkdtempSync(join(tmpdir(), 'postern-clients-'));
const keys: SoftKey[] = [];
let client: LabClient;
let server: LabServer;
let key: SoftKey;

beforeAll(async () => {
  keys.push(...(await lab.keys(40)));
  client = await lab.client();
  server = await lab.serve();
});
beforeEach(() => {
  const next = keys.pop();
  if (!next) throw new Error('there are no keys left');
  key = next;
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const verifyUrl = () => `${server.url}/wsapi/2.0/verify`;
const oldTemplate = () => `${verifyUrl()}?id=%d&otp=%s`;
/** With its last letter changed. */
const wrong = (otp: string) => otp.replace(/.$/, (end) => (end === 'c' ? 'b' : 'c'));
const apiKey = () => client.apiKey.toString('base64');

/** Run a program to its end with something to read. @returns its exit code and all that it said */
async function run(argv: readonly string[], input = ''): Promise<{ exit: number | null; said: string }> {
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  child.stdin.on('error', () => undefined).end(input);
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, said };
}

describe('ykclient', () => {
  beforeEach((context) => needs(context, 'ykclient', 'libykclient-dev'));

  /** 0 is OK, 2 a replay, 3 another OTP that is not taken, 1 everything else. */
  const ykclient = (otp: string, form: readonly string[]) =>
    run(['ykclient', ...form, String(client.id), otp]);

  const forms: readonly (readonly [string, () => string[]])[] = [
    ['unsigned', () => ['--url', verifyUrl()]],
    ['signed', () => ['--url', verifyUrl(), '--apikey', apiKey()]],
    ['with the template of old', () => ['--url', oldTemplate()]],
    ['with the template of old, signed', () => ['--url', oldTemplate(), '--apikey', apiKey()]],
  ];
  test.each(forms)('%s', async (_, form) => {
    const otp = key.otp(1);
    expect(await ykclient(otp, form())).toMatchObject({ exit: 0 });
    expect(await ykclient(otp, form())).toMatchObject({ exit: 2 });
    expect(await ykclient(wrong(key.otp(2)), form())).toMatchObject({ exit: 3 });
    expect(await ykclient(key.otp(2).toUpperCase(), form())).toMatchObject({ exit: 0 });
  });

  test('with another key than its own it is refused', async () => {
    const form = ['--url', verifyUrl(), '--apikey', Buffer.alloc(20).toString('base64')];
    expect((await ykclient(key.otp(1), form)).exit).not.toBe(0);
    expect(await ykclient(key.otp(1), ['--url', verifyUrl()])).toMatchObject({ exit: 0 });
  });
});

describe('pam_yubico', () => {
  beforeEach((context) => {
    needs(context, 'pamtester', 'pamtester');
    needs(context, 'test', 'libpam-yubico', ['-e', MODULE]);
    // Its folder of services stands over /etc/pam.d for one process alone; the machine's own is not touched.
    needsRoot(context, 'a mount namespace takes the rights of root');
  });

  /** A PAM service of its own: the OTP, and then the password that stands before it. */
  function service(options: string, { withPassword = false } = {}): string {
    const own = mkdtempSync(join(folder, 'pam-'));
    writeFileSync(join(own, 'keys'), `ada:${key.publicId}\n`);
    const check = join(own, 'check');
    writeFileSync(check, `#!/bin/sh\n[ "$(tr -d '\\000')" = '${PASSWORD}' ]\n`);
    chmodSync(check, 0o755);
    const lines = [
      `auth required ${MODULE} id=${client.id} authfile=${join(own, 'keys')} ${options}`,
      ...(withPassword ? [`auth required pam_exec.so expose_authtok quiet ${check}`] : []),
    ];
    writeFileSync(join(own, 'postern'), `${lines.join('\n')}\n`);
    return own;
  }

  async function logIn(own: string, typed: string): Promise<boolean> {
    const inside = 'mount --bind "$0" /etc/pam.d && exec pamtester postern ada authenticate';
    const { said } = await run(
      ['unshare', '-m', '--propagation', 'private', 'sh', '-c', inside, own],
      `${typed}\n`,
    );
    if (said.includes('successfully authenticated')) return true;
    // Refused, and not that the server could not be asked; a wrong password is the other module's to refuse.
    expect(said).toMatch(/Authentication failure|System error/);
    return false;
  }

  const forms: readonly (readonly [string, () => string])[] = [
    ['urllist', () => `urllist=${verifyUrl()}`],
    ['urllist, with a key', () => `urllist=${verifyUrl()} key=${apiKey()}`],
    ['url', () => `url=${oldTemplate()}`],
    ['url, with a key', () => `url=${oldTemplate()} key=${apiKey()}`],
  ];
  test.each(forms)('%s', async (_, form) => {
    const own = service(form());
    const otp = key.otp(1);
    expect(await logIn(own, otp)).toBe(true);
    expect(await logIn(own, otp)).toBe(false);
    expect(await logIn(own, wrong(key.otp(2)))).toBe(false);
    expect(await logIn(own, key.otp(2))).toBe(true);
  });

  test('a list of two servers with one store is one server: an OTP counts once', async () => {
    const other = await lab.serve();
    const own = service(`urllist=${verifyUrl()};${other.url}/wsapi/2.0/verify key=${apiKey()}`);
    const otp = key.otp(1);
    expect(await logIn(own, otp)).toBe(true);
    expect(await logIn(own, otp)).toBe(false);
  });

  test('with a password before the OTP, both have to be right', async () => {
    const own = service(`urllist=${verifyUrl()} key=${apiKey()}`, { withPassword: true });
    expect(await logIn(own, `${PASSWORD}${key.otp(1)}`)).toBe(true);
    expect(await logIn(own, `${PASSWORD}${key.otp(1)}`)).toBe(false);
    expect(await logIn(own, `something else${key.otp(2)}`)).toBe(false);
    expect(await logIn(own, `${PASSWORD}${key.otp(3)}`)).toBe(true);
  });
});

describe('FreeRADIUS with rlm_yubikey', () => {
  const secret = 'between-us';
  let radius: ChildProcess | undefined;
  let port = 0;

  beforeEach((context) => {
    needs(context, 'freeradius', 'freeradius');
    needs(context, 'radclient', 'freeradius-utils');
    needs(context, 'test', 'freeradius-yubikey', ['-e', RLM]);
  });
  afterAll(async () => {
    if (!radius || radius.exitCode !== null) return;
    const gone = once(radius, 'exit');
    radius.kill('SIGKILL');
    await gone;
  });

  /** The password is split from the OTP; one module looks at the one, one at the other. */
  const config = (own: string) => `
prefix = /usr
logdir = ${own}
raddbdir = ${own}
radacctdir = ${own}
run_dir = ${own}
libdir = /usr/lib/freeradius
pidfile = ${own}/pid
log {
  destination = stdout
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
}
client here {
  ipaddr = 127.0.0.1
  secret = ${secret}
}
modules {
  pap {
  }
  yubikey {
    id_length = 12
    split = yes
    decrypt = no
    validate = yes
    validation {
      servers {
        uri = '${oldTemplate()}'
      }
      client_id = ${client.id}
      api_key = '${apiKey()}'
      pool {
        start = 1
        min = 1
        max = 2
        spare = 1
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
    update control {
      Cleartext-Password := '${PASSWORD}'
    }
    yubikey
    pap
    if (&Yubikey-OTP) {
      update control {
        Auth-Type := yubikey
      }
    }
    else {
      update control {
        Auth-Type := Reject
      }
    }
  }
  authenticate {
    Auth-Type yubikey {
      pap
      yubikey
    }
  }
}
`;

  async function startRadius(): Promise<void> {
    const own = join(folder, 'radius');
    mkdirSync(own);
    port = await freePort();
    writeFileSync(join(own, 'dictionary'), '$INCLUDE /usr/share/freeradius/dictionary\n');
    writeFileSync(join(own, 'radiusd.conf'), config(own));
    const child = spawn('freeradius', ['-f', '-l', 'stdout', '-d', own, '-n', 'radiusd'], { stdio: 'pipe' });
    radius = child;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('Ready to process requests')) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', () => reject(new Error(`freeradius ended: ${said}`)));
    });
  }

  async function accepts(typed: string): Promise<boolean> {
    const { said } = await run(
      ['radclient', '-x', '-r', '1', '-t', '20', `127.0.0.1:${port}`, 'auth', secret],
      `User-Name = "ada", User-Password = "${typed}"\n`,
    );
    expect(said).toMatch(/Received Access-(Accept|Reject)/);
    return said.includes('Received Access-Accept');
  }

  test('password and OTP, a replay, a wrong password and a wrong OTP', async () => {
    await startRadius();
    expect(await accepts(`${PASSWORD}${key.otp(1)}`)).toBe(true);
    expect(await accepts(`${PASSWORD}${key.otp(1)}`)).toBe(false);
    expect(await accepts(`something else${key.otp(2)}`)).toBe(false);
    expect(await accepts(`${PASSWORD}${wrong(key.otp(3))}`)).toBe(false);
    expect(await accepts(PASSWORD)).toBe(false);
    expect(await accepts(`${PASSWORD}${key.otp(3)}`)).toBe(true);
  });
});
