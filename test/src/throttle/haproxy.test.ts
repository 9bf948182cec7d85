import { describe, expect, test } from 'vitest';
import { exemptPairs } from '../../../src/throttle/exempt-pairs.ts';
import { ClientFigures, MOST_CLIENTS, SiteFigures } from '../../../src/throttle/haproxy/figures.ts';
import { haproxyMaps, tableName } from '../../../src/throttle/haproxy/maps.ts';
import { parseCounts, usedOf } from '../../../src/throttle/haproxy/runtime.ts';

const SHOWN = `# table: throttle_window, type: string, size:2097152, used:2
0x55d0c8a0: key=www.example.org|192.0.2.1|2983333 use=0 exp=600123 shard=0 http_req_cnt=21 bytes_out_cnt=5120
0x55d0c9b0: key=other|2001:db8:0:1::|2983333 use=1 exp=1 http_req_cnt=3 bytes_out_cnt=99

`;

const row = (key: string, requests: number, bytes = 0) => ({ key, requests, bytes });

test('a table is read as HAProxy shows it, half a line and all', () => {
  const rows = [
    row('www.example.org|192.0.2.1|2983333', 21, 5120),
    row('other|2001:db8:0:1::|2983333', 3, 99),
  ];
  expect(parseCounts(SHOWN)).toEqual(rows);
  expect(parseCounts(SHOWN.slice(0, -12))).toEqual(rows.slice(0, 1));
  expect([usedOf(SHOWN), usedOf('No such table\n')]).toEqual([2, 0]);
});

describe('the figures of sites', () => {
  test('are what was added since they were read last, by what became of the requests', () => {
    const figures = new SiteFigures();
    expect(figures.take([row('a.example', 100, 5000)])).toEqual([]);
    const added = figures.take([
      row('a.example', 103, 5600),
      row('a.example|refused', 2, 900),
      row('a.example|over', 1, 450),
      row('a.example|dry', 4, 40),
      row('b.example|free', 7, 70),
    ]);
    const none = { served: 0, bytes: 0, refused: 0, wouldRefuse: 0, overBudget: 0, free: 0, freeBytes: 0 };
    expect(added).toEqual([
      ['a.example', { ...none, served: 3, bytes: 600 }],
      ['a.example', { ...none, refused: 2 }],
      ['a.example', { ...none, refused: 1, overBudget: 1 }],
      ['a.example', { ...none, free: 4, freeBytes: 40, wouldRefuse: 4 }],
      ['b.example', { ...none, free: 7, freeBytes: 70 }],
    ]);
  });

  test('begin anew with another HAProxy, and with an entry that was forgotten', () => {
    const figures = new SiteFigures();
    figures.take([row('a.example', 100)]);
    figures.restart();
    expect(figures.take([row('a.example', 4)])).toMatchObject([['a.example', { served: 4 }]]);
    expect(figures.take([row('a.example', 1)])).toMatchObject([['a.example', { served: 1 }]]);
    expect(figures.take([row('a.example', 1)])).toEqual([]);
  });
});

describe('the figures of clients', () => {
  test('are those of windows that are not over, and say when they are all that there is', () => {
    const figures = new ClientFigures();
    const key = (client: string, window: number) => `a.example|${client}|${window}`;
    const first = figures.take([row(key('192.0.2.1', 3), 5, 50), row(key('192.0.2.1', 2), 9)], 600, 2000);
    expect(first).toEqual([
      { site: 'a.example', client: '192.0.2.1', windowStart: 1800, requests: 5, bytes: 50, isFirst: true },
    ]);
    const next = [row(key('192.0.2.1', 3), 8, 50), row('nonsense', 3), row('a|b|c', 3)];
    expect(figures.take(next, 600, 2001)).toMatchObject([{ requests: 3, bytes: 0, isFirst: false }]);
    expect(figures.take(next, 600, 2002)).toEqual([]);
  });

  test('of a flood are read above a floor that follows its size, and of few all of them', () => {
    const figures = new ClientFigures();
    const floors: (string | undefined)[] = [];
    for (const [used, read, isWhole] of [
      [MOST_CLIENTS, 10, true],
      [1_000_000, 0, false],
      [1_000_000, 0, false],
      [1_000_000, 5000, true],
      [1_000_000, 100, true],
      [5, 5, true],
    ] as const) {
      figures.adjust(used, read, isWhole);
      floors.push(figures.filters()[0]);
    }
    const gt = (floor: number) => ` data.http_req_cnt gt ${floor}`;
    expect(floors).toEqual(['', gt(10), gt(20), gt(20), gt(10), '']);
  });
});

test('the name of a site in a table leaves room for a client, and is another one for another site', () => {
  const long = `shop.${'x'.repeat(60)}.example`;
  expect(tableName('www.example.org')).toBe('www.example.org');
  expect(tableName(long)).toHaveLength(29);
  expect(tableName(`${long}.org`)).not.toBe(tableName(long));
  const longest = `${tableName(long)}|2001:db8:1111:2222:3333:4444:5555:6666|99999999`;
  expect(longest.length).toBeLessThan(80);
});

describe('an exemption for one site', () => {
  test('holds in narrower networks that are exempt elsewhere, and in no wider one', () => {
    const pairs = exemptPairs([
      { network: '192.0.2.0/24', site: 'a.example' },
      { network: '192.0.2.8/29', site: 'b.example' },
      { network: '198.51.100.7', site: 'a.example' },
      { network: '2001:db8::/32', site: null },
    ]);
    expect(new Set(pairs.map(({ network, site }) => `${network} ${site}`))).toEqual(
      new Set([
        '192.0.2.0/24 a.example',
        '192.0.2.8/29 a.example',
        '192.0.2.8/29 b.example',
        '198.51.100.7 a.example',
      ]),
    );
  });

  test('stands in the maps of HAProxy beside those for all, and a site that waits has its end there', () => {
    const site = { aliases: [], limits: { requests: 20, bytes: 2e6 }, refusal: 429 };
    const maps = haproxyMaps(
      [
        { ...site, name: 'a.example', mode: 'enforce', shedUntil: 1_800_000_000 },
        { ...site, name: 'b.example', mode: 'dry', shedUntil: 1_800_000_000 },
      ],
      [
        { network: '192.0.2.0/24', site: 'a.example' },
        { network: '127.0.0.0/8', site: null },
      ],
    );
    const rows = (name: string) => Object.fromEntries(maps.get(name) ?? []);
    expect(rows('exempt.lst')).toEqual({ '127.0.0.0/8': '' });
    expect(rows('exempt-networks.map')).toEqual({ '192.0.2.0/24': '192.0.2.0/24' });
    expect(rows('exempt-pairs.lst')).toEqual({ '192.0.2.0/24|a.example': '' });
    expect(rows('shed.map')).toEqual({ 'a.example': '1800000000' });
    expect(rows('mode.map')).toEqual({ 'a.example': 'shed', 'b.example': 'dry' });
  });
});
