import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { forwardSrs } from '../../../src/srs/forward.ts';
import { reverseSrs } from '../../../src/srs/reverse.ts';
import { needs, output } from '../../helpers/debian.ts';

const SENDERS = ['joe@example.org', 'a=b+c-d.e@Example.Org', "o'neill/x@mail.example.net", 'x@a.b.c.example'];
const secrets = ['a secret with blanks', 'former'] as const;

const options = () => ({
  domain: 'forwarder.example',
  own: [],
  secrets,
  nowMs: Date.now(),
  separator: '=' as const,
  hashLength: 4,
});
const back = () => ({ secrets, nowMs: Date.now(), maxAgeDays: 21, minHashLength: 4 });
const plain = (address: string) => address.toLowerCase();

/** What Mail::SRS says to a list of calls. */
function mailSrs(calls: readonly (readonly ['forward' | 'reverse', ...string[]])[]): string[] {
  const program = `use Mail::SRS; my $srs = new Mail::SRS(Secret => [${secrets.map((each) => `'${each}'`).join(', ')}]);
    while (<STDIN>) { chomp; my ($call, @with) = split /\\t/; my $said = eval { $srs->$call(@with) }; print $said // "refused: $@" =~ s/\\n//gr, "\\n"; }`;
  return output('perl', ['-e', program], calls.map((call) => `${call.join('\t')}\n`).join(''))
    .trim()
    .split('\n');
}

test('Mail::SRS writes the same addresses, and reads ours', (context) => {
  needs(context, 'perl', 'libmail-srs-perl', ['-MMail::SRS', '-e', '1']);
  const ours = SENDERS.map((sender) => forwardSrs(sender, options()).address);
  const theirs = mailSrs(SENDERS.map((sender) => ['forward', sender, 'forwarder.example']));
  expect(ours.map(plain)).toEqual(theirs.map(plain));
  expect(mailSrs(ours.map((address) => ['reverse', address])).map(plain)).toEqual(SENDERS.map(plain));

  const again = ours.map(
    (address) => forwardSrs(address, { ...options(), domain: 'second.example' }).address,
  );
  expect(again).toEqual(mailSrs(ours.map((address) => ['forward', address, 'second.example'])));
  expect(mailSrs(again.map((address) => ['reverse', address]))).toEqual(ours);

  const further = again.map(
    (address) => forwardSrs(address, { ...options(), domain: 'third.example' }).address,
  );
  expect(further).toEqual(mailSrs(again.map((address) => ['forward', address, 'third.example'])));
  for (const [index, address] of theirs.entries()) {
    const { next, verified } = reverseSrs(address, back());
    expect([verified, plain(next)]).toEqual([true, plain(SENDERS[index] ?? '')]);
  }
});

test.for(['-', '+'] as const)('Mail::SRS agrees with the separator %s', (separator, context) => {
  needs(context, 'perl', 'libmail-srs-perl', ['-MMail::SRS', '-e', '1']);
  const { address } = forwardSrs('joe@example.org', { ...options(), separator });
  const again = forwardSrs(address, { ...options(), domain: 'second.example' }).address;
  expect(mailSrs([['reverse', address]])).toEqual(['joe@example.org']);
  expect(mailSrs([['forward', address, 'second.example']])).toEqual([again]);
  expect(reverseSrs(again, back())).toMatchObject({ verified: true, next: address });
});

/** Ask a table of postsrsd, in the protocol of Postfix's tcp_table(5). */
async function lookUp(port: number, key: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`get ${encodeURIComponent(key)}\n`);
  return decodeURIComponent((await text(socket)).trim());
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function startPostsrsd(): Promise<{ forward: number; reverse: number; child: ChildProcess }> {
  const file = join(mkdtempSync(join(tmpdir(), 'postern-srs-')), 'secret');
  writeFileSync(file, `${secrets.join('\n')}\n`, { mode: 0o600 });
  const [forward, reverse] = [await freePort(), await freePort()];
  const child = spawn(
    'postsrsd',
    ['-4', `-s${file}`, '-dforwarder.example', '-l127.0.0.1', `-f${forward}`, `-r${reverse}`],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn');
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await lookUp(reverse, 'x').catch(() => null);
    if (answer !== null) break;
    await sleep(50);
  }
  return { forward, reverse, child };
}

test('postsrsd writes the same addresses, and reads ours', async (context) => {
  needs(context, 'postsrsd', 'postsrsd');
  const { forward, reverse, child } = await startPostsrsd();
  context.onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
  });
  for (const sender of ['joe@example.org', 'a=b+c-d.e@example.net']) {
    const { address } = forwardSrs(sender, options());
    expect(await lookUp(forward, sender)).toBe(`200 ${address}`);
    expect(await lookUp(reverse, address)).toBe(`200 ${sender}`);
  }
  const elsewhere = { ...options(), domain: 'first.example', secrets: ['of another host'] as const };
  const other = forwardSrs('joe@example.org', elsewhere).address;
  const again = forwardSrs(other, options()).address;
  expect(await lookUp(forward, other)).toBe(`200 ${again}`);
  expect(await lookUp(reverse, again)).toBe(`200 ${other}`);
  expect(reverseSrs(again, back())).toMatchObject({ verified: true, next: other });
});
