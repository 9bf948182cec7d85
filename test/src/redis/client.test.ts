import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/lab/certificates.ts';
import { makeClient, runScript } from '../../../src/redis/client.ts';
import { parseRedisUrl } from '../../../src/redis/place.ts';
import { freePort } from '../../helpers/ports.ts';
import { hasRedis, RedisLab } from '../../helpers/redis.ts';

// Over TLS the server has to be the one that was named.

describe.runIf(hasRedis())('over TLS', () => {
  let lab: RedisLab;
  let port = 0;
  const file = (name: string) => join(lab.folder, name);

  beforeAll(async () => {
    lab = await RedisLab.start();
    const authority = await createAuthority('Authority of the store', Date.now());
    const other = await createAuthority('Somebody else', Date.now());
    const issued = await authority.issue({ names: ['localhost'] });
    for (const [name, text] of [
      ['ca.pem', authority.certificatePem],
      ['other.pem', other.certificatePem],
      ['server.pem', issued.chainPem],
      ['server.key', issued.keyPem],
    ] as const)
      writeFileSync(file(name), text, { mode: 0o600 });
    port = await freePort();
    await lab.end();
    await lab.up({
      'tls-port': String(port),
      'tls-cert-file': file('server.pem'),
      'tls-key-file': file('server.key'),
      'tls-auth-clients': 'no',
    });
  });

  afterAll(() => lab.close());

  async function ask(host: string, ca: string): Promise<unknown> {
    const client = await makeClient({
      server: parseRedisUrl(
        `rediss://${host}:${port}/1?sslrootcert=${encodeURIComponent(file(ca))}`,
        'share',
      ),
      password: () => lab.password,
      flag: 'share',
      connectMs: 5000,
      answerMs: 5000,
      againMs: null,
    });
    let last: Error | undefined;
    client.on('error', (error) => {
      last = error;
    });
    try {
      await client.connect();
      return await runScript(client, { name: 'posternTry', lua: 'return ARGV[1]' }, [], ['there']);
    } catch (error) {
      throw last ?? error;
    } finally {
      client.disconnect();
    }
  }

  test('one with a certificate of the authority that was named is spoken to', async () => {
    expect(await ask('localhost', 'ca.pem')).toBe('there');
  });

  test.for([
    ['of another authority', 'localhost', 'other.pem', /certificate/],
    ['for another name', '127.0.0.1', 'ca.pem', /does not match/],
  ] as const)('one with a certificate %s is not', async ([, host, ca, reason]) => {
    await expect(ask(host, ca)).rejects.toThrow(reason);
  });

  test('an authority that cannot be read is told', async () => {
    await expect(ask('localhost', 'none.pem')).rejects.toMatchObject({ code: 'E_STORE_URL' });
  });
});
