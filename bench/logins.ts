// Logins among ten thousand accounts: what one costs beside Argon2, and how long somebody waits while others fail in
// crowds. Start-up of postern-checkpassword beside that of a bare Node.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashPassword, passwordFits } from '../src/logins/password.ts';
import { loginLab } from '../test/helpers/logins.ts';

const ACCOUNTS = 10_000;
const LOGINS = 300;
const PASSWORD = 'correct horse';

const lab = await loginLab({ failureMs: 0.001 });
const nameOf = (number: number) => `user${number}@example.org`;
const say = (text: string) => process.stdout.write(`${text}\n`);

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((one, two) => one - two);
  return (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function several(times: number, work: (round: number) => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let round = 0; round < times; round += 1) found.push(await timed(() => work(round)));
  return found;
}

const line = (name: string, values: readonly number[]) =>
  say(`${name.padEnd(44)} median ${quantile(values, 0.5)} ms, p99 ${quantile(values, 0.99)} ms`);

try {
  const keys = await Promise.all(Array.from({ length: 50 }, (_, index) => lab.key(index + 1)));
  const password = await hashPassword(PASSWORD);
  for (let number = 0; number < ACCOUNTS; number += 1) {
    const key = {
      publicId: keys[number % keys.length]?.publicId ?? '',
      validator: { kind: 'local' } as const,
      counters: { useCounter: -1, sessionUse: -1 },
    };
    const both = number % 2 === 1;
    await lab.logins.add(
      {
        account: nameOf(number),
        kind: both ? 'password+otp' : 'otp',
        label: '',
        services: [],
        expiresMs: null,
        password: both ? password : null,
      },
      key,
      0,
    );
  }
  const press = (number: number) => keys[number % keys.length]?.press() ?? '';
  const otp = await several(LOGINS, (round) => lab.login(nameOf(round * 20), press(round * 20)));
  line(`a touch, ${ACCOUNTS} accounts`, otp);
  const argon = await several(50, () => passwordFits(PASSWORD, password));
  line('Argon2id alone', argon);
  const both = await several(50, (round) =>
    lab.login(nameOf(round * 20 + 1), PASSWORD + press(round * 20 + 1)),
  );
  line('base password and touch', both);

  // Two hundred failures from one address, and one honest login from another in their midst.
  const crowd = Array.from({ length: 200 }, (_, index) =>
    lab.login(`nobody${index}@example.org`, 'x', { address: '192.0.2.66' }),
  );
  const honest = await timed(() => lab.login(nameOf(1), PASSWORD + press(1), { address: '192.0.2.7' }));
  const all = await timed(() => Promise.all(crowd));
  say(
    `beside 200 failures of one address            ${honest.toFixed(0)} ms; the failures take ${all.toFixed(0)} ms more`,
  );

  const program = fileURLToPath(new URL('../bin/postern-checkpassword.cjs', import.meta.url));
  const fields = join(lab.folder, 'fields');
  const token = join(lab.folder, 'token');
  writeFileSync(fields, 'ann@example.org\0x\0Y\0');
  writeFileSync(token, 'none');
  const start = async (argv: readonly string[]) => {
    const input = openSync(fields, 'r');
    spawnSync(process.execPath, [...argv], { stdio: ['ignore', 'ignore', 'ignore', input] });
    closeSync(input);
  };
  const bare: number[] = [];
  const own: number[] = [];
  // In turns: what else the machine does falls on both.
  for (let round = 0; round < 25; round += 1) {
    bare.push(await timed(() => start(['-e', '0'])));
    own.push(await timed(() => start([program, '--socket', '/nonexistent', '--token-file', token, 'true'])));
  }
  line('a bare Node', bare);
  line('postern-checkpassword, to its question', own);
} finally {
  await lab.close();
  rmSync(lab.folder, { recursive: true, force: true });
}
