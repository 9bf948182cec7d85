import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { parseRedisUrl } from '../../../src/redis/place.ts';
import { reachServer } from '../../../src/redis/server.ts';

// What Debian's Redis does not have yet: WAITAOF, since 7.2. A server of a few lines says what it was asked, and answers.

const SCRIPT = { name: 'posternTry', lua: 'return 1' };

let fake: TcpServer | undefined;
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => fake?.close(resolve));
});

/** Commands in the form of the protocol: arrays of strings. */
function commandsIn(text: string): string[][] {
  return text
    .split(/^\*\d+\r\n/m)
    .filter((part) => part !== '')
    .map((part) => part.split('\r\n').filter((_, index) => index % 2 === 1));
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** @param copies  how many disks have the write, as WAITAOF tells; null for a server without it */
function answerTo([name = '', ...rest]: string[], copies: number | null): string {
  switch (`${name} ${rest[0] ?? ''}`.toUpperCase().trim()) {
    case 'INFO':
    case 'INFO REPLICATION':
      return bulk('role:master\r\nconnected_slaves:0\r\nloading:0\r\n');
    case 'CONFIG GET': {
      const pairs = ['appendonly', 'yes', 'appendfsync', 'always', 'maxmemory-policy', 'noeviction'];
      return `*${pairs.length}\r\n${pairs.map(bulk).join('')}`;
    }
    case 'COMMAND INFO':
      return copies === null ? '*1\r\n*-1\r\n' : `*1\r\n*1\r\n${bulk('waitaof')}`;
    case 'WAITAOF 1':
      return `*2\r\n:${copies ?? 0}\r\n:0\r\n`;
    default:
      return /^EVAL/i.test(name) ? ':1\r\n' : '+OK\r\n';
  }
}

async function fakeServer(copies: number | null) {
  const asked: string[] = [];
  fake = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      for (const command of commandsIn(chunk.toString())) {
        asked.push(command.join(' '));
        socket.write(answerTo(command, copies));
      }
    });
  });
  await new Promise<void>((resolve) => fake?.listen(0, '127.0.0.1', resolve));
  const { port } = fake.address() as { port: number };
  const server = await reachServer({
    server: parseRedisUrl(`redis://127.0.0.1:${port}`, 'store'),
    mayForget: false,
  });
  return { server, asked };
}

test('a server that can tell is asked after each write whether it is on the disk', async () => {
  const { server, asked } = await fakeServer(1);
  expect(await server.write(SCRIPT, [], [])).toBe(1);
  expect(asked.filter((each) => each.startsWith('WAITAOF'))).toEqual(['WAITAOF 1 0 2000']);
  await server.close();
});

test('a write that it does not have on its disk is none', async () => {
  const { server } = await fakeServer(0);
  await expect(server.write(SCRIPT, [], [])).rejects.toMatchObject({
    code: 'E_STORE',
    cause: { code: 'ENOTDURABLE' },
  });
  await server.close();
});

test('one that cannot tell is not asked', async () => {
  const { server, asked } = await fakeServer(null);
  expect(await server.write(SCRIPT, [], [])).toBe(1);
  expect(asked.filter((each) => each.startsWith('WAITAOF'))).toEqual([]);
  await server.close();
});
