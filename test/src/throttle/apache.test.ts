import { spawnSync } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { formatAddress } from '../../../src/net/address.ts';
import { parseNetwork } from '../../../src/net/network.ts';
import { clientKey, clientPattern } from '../../../src/throttle/apache/client-key.ts';
import { networkKeys } from '../../../src/throttle/apache/maps.ts';
import { encodeSdbm } from '../../../src/throttle/apache/sdbm.ts';
import { ApacheWriter } from '../../../src/throttle/apache/writer.ts';
import { clientOf } from '../../../src/throttle/client.ts';
import { replaceFile } from '../../../src/throttle/publisher.ts';
import { needs } from '../../helpers/debian.ts';
import { startThrottleLab } from '../../helpers/throttle-lab.ts';

/** The captures of a pattern in each text, joined as the configuration joins them. */
function captured(pattern: string, texts: readonly string[]): string[] {
  const script =
    'my $p = shift; while (<STDIN>) { chomp; my @c = /$p/; print join(":", map { $_ // "" } @c), "\\n" }';
  const ran = spawnSync('perl', ['-e', script, pattern], {
    input: `${texts.join('\n')}\n`,
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout.split('\n').slice(0, -1);
}

/** As inet_ntop of the C library writes it, with an IPv4 address at the end of ::/96. */
function ofLibrary(bytes: Uint8Array): string {
  const embedded = bytes.subarray(0, 12).every((byte) => byte === 0) && (bytes[12] || bytes[13]);
  return embedded ? `::${bytes.subarray(12).join('.')}` : formatAddress(bytes);
}

/** The gap in place of any run of zeros, and in place of none. */
function spellings(bytes: Uint8Array): string[] {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  const found = [groups.join(':')];
  for (let from = 0; from < 8; from += 1)
    for (let to = from; to < 8 && groups[to] === '0'; to += 1)
      found.push(`${groups.slice(0, from).join(':')}::${groups.slice(to + 1).join(':')}`);
  return found;
}

/** Every set of groups that are nought, with small and large groups in the other places. */
function shapes(): Uint8Array[] {
  const values = [1, 0x12, 0x123, 0xabcd, 0x100, 0xff00, 0xffff];
  return Array.from({ length: 256 * values.length }, (_, number) => {
    const bytes = new Uint8Array(16);
    for (let index = 0; index < 8; index += 1) {
      const value =
        (number >> index) & 1 ? (values[(Math.floor(number / 256) + index) % values.length] ?? 1) : 0;
      bytes.set([value >> 8, value & 255], index * 2);
    }
    return bytes;
  });
}

test.for([64, 56, 48, 60, 32, 80, 96, 4])(
  'every spelling of an IPv6 address gives the key of its /%i',
  (bits, context) => {
    needs(context, 'perl', 'perl-base');
    // An IPv4 address in IPv6 is always written with dots.
    const texts = shapes().flatMap((bytes) => [
      ofLibrary(bytes),
      ...(formatAddress(bytes).startsWith('::ffff:') ? [] : spellings(bytes)),
    ]);
    const expected = texts.map((text) => clientKey(clientOf(text, bits) ?? expect.fail(text), bits));
    const found = captured(clientPattern(bits), texts);
    expect(texts.filter((_, index) => found[index] !== expected[index]).slice(0, 5)).toEqual([]);
    expect(texts.length).toBeGreaterThan(10_000);
  },
);

/** Look keys up with APR's own functions. */
function lookedUp(name: string, keys: readonly string[]): (string | null)[] {
  const script = `import ctypes,json,sys
apr, util = ctypes.CDLL('libapr-1.so.0'), ctypes.CDLL('libaprutil-1.so.0')
apr.apr_initialize()
class Datum(ctypes.Structure): _fields_ = [('at', ctypes.POINTER(ctypes.c_char)), ('size', ctypes.c_int)]
pool, table, found = ctypes.c_void_p(), ctypes.c_void_p(), Datum()
apr.apr_pool_create_ex(ctypes.byref(pool), None, None, None)
assert util.apr_sdbm_open(ctypes.byref(table), sys.argv[1].encode(), 1, 0xfff, pool) == 0
util.apr_sdbm_fetch.argtypes = [ctypes.c_void_p, ctypes.POINTER(Datum), Datum]
def fetch(key):
    text = ctypes.create_string_buffer(key.encode())
    assert util.apr_sdbm_fetch(table, ctypes.byref(found), Datum(ctypes.cast(text, ctypes.POINTER(ctypes.c_char)), len(key))) == 0
    return found.at[:found.size].decode() if found.at else None
print(json.dumps([fetch(key) for key in json.load(sys.stdin)]))`;
  const ran = spawnSync('python3', ['-c', script, name], {
    input: JSON.stringify(keys),
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as (string | null)[];
}

/** A table on disk, as the service writes it. */
async function written(rows: readonly (readonly [string, string])[]) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-sdbm-'));
  const { pag, dir, dropped } = encodeSdbm(rows);
  await replaceFile(folder, 'table.pag', pag);
  await replaceFile(folder, 'table.dir', [{ at: 0, bytes: dir }]);
  return { table: join(folder, 'table'), dropped };
}

const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, index): [string, string] => [
    `site-${index % 7}.example 10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:::`,
    `429 ${new Date(index * 1000).toUTCString()}`,
  ]);

describe('a table for Apache', () => {
  test.for([0, 1, 9, 12, 100, 5000, 60_000])(
    'with %i rows has each of them, and no other',
    async (count, context) => {
      needs(context, 'apache2', 'apache2-bin');
      needs(context, 'python3', 'python3');
      const rows = rowsOf(count);
      const { table, dropped } = await written(rows);
      const others = [
        'other',
        'site-1.example 10.0.0.0:::',
        ...rowsOf(count + 50)
          .slice(count)
          .map(([key]) => key),
      ];
      expect(dropped).toBe(0);
      expect(lookedUp(table, [...rows.map(([key]) => key), ...others])).toEqual([
        ...rows.map(([, value]) => value),
        ...others.map(() => null),
      ]);
    },
  );

  test('keys that are chosen so that their hashes are alike crowd out only one another', async (context) => {
    needs(context, 'apache2', 'apache2-bin');
    needs(context, 'python3', 'python3');
    // 65,599 is its own square modulo a low power of two, so many short texts have the same low bits.
    const low = (text: string) =>
      [...text].reduce((hash, char) => (char.charCodeAt(0) + Math.imul(65_599, hash)) | 0, 0) & 0xf_ffff;
    const alike: [string, string][] = [];
    const wanted = low('aaaaaa');
    for (let number = 0; alike.length < 20 && number < 60_000_000; number += 1) {
      const text = number.toString(36).padStart(6, 'a');
      if (low(text) === wanted) alike.push([text, 'x'.repeat(100)]);
    }
    const rows = rowsOf(500);
    const { table, dropped } = await written([...alike, ...rows]);
    expect(dropped).toBeGreaterThan(5);
    expect(
      lookedUp(
        table,
        rows.map(([key]) => key),
      ),
    ).toEqual(rows.map(([, value]) => value));
    const kept = lookedUp(
      table,
      alike.map(([key]) => key),
    ).filter((value) => value !== null);
    expect(kept).toHaveLength(alike.length - dropped);
  });
});

test('each version of a map has a time of its own, whatever the clock does, and a next life goes on from there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-apache-'));
  const lab = await startThrottleLab();
  onTestFinished(async () => {
    vi.useRealTimers();
    await lab.close();
  });
  const { warden } = lab.daemon;
  const times = () => ['blocks.pag', 'blocks.dir'].map((name) => statSync(join(folder, name)).mtimeMs);
  const seen: number[] = [];
  const { other } = warden.sites;
  vi.useFakeTimers({ toFake: ['Date'], now: 1_900_000_000_000 });
  for (const [life, clockMs] of [
    [0, 1_900_000_000_000],
    [1, 1_800_000_000_000],
  ] as const) {
    vi.setSystemTime(clockMs);
    const writer = new ApacheWriter(folder);
    await writer.prepare();
    for (let turn = 0; turn < 3; turn += 1) {
      warden.block(other, warden.clientNamed(`192.0.2.${life * 3 + turn + 1}`), 60_000, '');
      await writer.write(warden);
      seen.push(...times());
    }
  }
  expect(seen[0]).toBeGreaterThanOrEqual(1_900_000_000_000);
  expect(seen).toEqual([...new Set(seen)].sort((one, other) => one - other));
});

test.for([
  ['192.0.2.0/24', ['4/192.0.2']],
  ['192.0.2.64/26', Array.from({ length: 64 }, (_, index) => `4/192.0.2.${64 + index}`)],
  ['10.0.0.0/7', ['4/10', '4/11']],
  ['2001:db8::/32', ['6/2001:db8']],
  ['2001:db8:0:10::/63', ['6/2001:db8::10', '6/2001:db8::11']],
  ['2001:db8::1', ['6/2001:db8::']],
] as const)('%s is looked up as %j', ([network, expected]) => {
  expect(networkKeys(parseNetwork(network) ?? expect.fail())).toEqual(expected);
});
