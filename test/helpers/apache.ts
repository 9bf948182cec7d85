import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { scratch } from './firefox.ts';

const MODULES = '/usr/lib/apache2/modules';

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function configuration(folder: string, port: number): string {
  const modules = [
    'mpm_event',
    'authn_core',
    'authn_file',
    'authz_core',
    'authz_user',
    'auth_basic',
    'dav',
    'dav_fs',
  ];
  return `${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
User www-data
Group www-data
DocumentRoot ${folder}/files
DavLockDB ${folder}/locks/db
<Directory ${folder}/files>
  Dav On
  AuthType Basic
  AuthName dav
  AuthUserFile ${folder}/users
  Require valid-user
</Directory>
`;
}

/** A WebDAV folder on Apache’s mod_dav, which the user `me` may enter. */
export type DavLab = {
  readonly url: string;
  /** The folder of its files. */
  readonly files: string;
  readonly passwordFile: string;
  close(): void;
};

export async function startApache(): Promise<DavLab> {
  const folder = scratch();
  execFileSync('chmod', ['755', folder]);
  for (const name of ['files', 'locks']) mkdirSync(join(folder, name), { mode: 0o777 });
  execFileSync('chmod', ['777', join(folder, 'files'), join(folder, 'locks')]);
  const hash = execFileSync('openssl', ['passwd', '-apr1', 'dav-secret'], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, 'users'), `me:${hash}\n`);
  writeFileSync(join(folder, 'password'), 'dav-secret\n', { mode: 0o600 });
  const port = await freePort();
  writeFileSync(join(folder, 'apache.conf'), configuration(folder, port));
  const child: ChildProcess = spawn('/usr/sbin/apache2', ['-X', '-f', join(folder, 'apache.conf')], {
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}/`;
  while ((await fetch(url).catch(() => undefined)) === undefined) {
    if (child.exitCode !== null) throw new Error(`Apache ended: see ${folder}/error.log`);
    await sleep(50);
  }
  return {
    url,
    files: join(folder, 'files'),
    passwordFile: join(folder, 'password'),
    close: () => child.kill(),
  };
}
