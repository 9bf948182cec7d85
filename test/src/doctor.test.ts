import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookAtServices } from '../../src/cli/own-services.ts';
import { examine, type Machine } from '../../src/doctor/examine.ts';
import { openOrCreateStore } from '../../src/keys/open.ts';
import { type Lab, labWorld, startLab } from '../helpers/lab.ts';

const machine: Machine = {
  nodeVersion: 'v24.21.0',
  platform: 'linux',
  hasIpv6Route: true,
  clockSynchronized: true,
  nowMs: Date.UTC(2026, 10, 24),
  builtMs: Date.UTC(2026, 10, 1),
  hidDevices: [],
  services: { throttle: { socket: '/run/t.sock', state: 'absent', countersSavedMs: null }, stores: [] },
};

let lab: Lab;
beforeAll(async () => {
  lab = await startLab(4, { 'good.test': { habit: 'good' } }, { '.': { NS: ['a.root.test'], secure: true } });
});
afterAll(() => lab.close());

const look = (changes: Partial<Machine> = {}, controls = ['good.test']) =>
  examine({ ...machine, ...changes }, controls, {
    ...labWorld(lab),
    connectMs: 500,
    signal: new AbortController().signal,
  });
const state = (result: Awaited<ReturnType<typeof look>>, id: string) =>
  result.checks.find((check) => check.id === id)?.status;

describe('a machine', () => {
  test('that can do the work is told so', async () => {
    const result = await look();
    expect(result).toMatchObject({ status: 'ok', summary: 'This machine can do the work.' });
    expect(result.controls).toMatchObject([{ host: 'mx.good.test', outcome: 'connected' }]);
  });

  test('whose way out is shut is told so, and what works without', async () => {
    const result = await look({}, ['gone.test']);
    expect(state(result, 'local.port25-blocked')).toBe('crit');
    expect(result.checks.find(({ id }) => id === 'local.port25-blocked')?.fix).toContain('message path');
  });

  test('is not accused when one control answers and another does not', async () => {
    expect(state(await look({}, ['gone.test', 'good.test']), 'local.port25')).toBe('ok');
  });

  test('whose resolver knows no control server leaves the way out unknown', async () => {
    expect(state(await look({}, ['nowhere.test']), 'local.port25')).toBe('unknown');
  });

  test.for([
    ['validates', { '.': { NS: ['a.root.test'], secure: true } }, 'local.dnssec', 'ok'],
    ['does not validate', { '.': { NS: ['a.root.test'] } }, 'local.dnssec', 'warn'],
    ['does not answer', { '.': { habit: 'silent' } }, 'local.resolver', 'crit'],
    ['refuses', { '.': { habit: 'REFUSED' } }, 'local.resolver', 'crit'],
  ] as const)('whose resolver %s', async ([, zone, id, status]) => {
    lab.dnsServer.setZone(zone);
    const result = await look();
    lab.dnsServer.setZone(lab.zone);
    expect(state(result, id)).toBe(status);
  });

  test.for([
    ['before this version was made', { nowMs: Date.UTC(2020, 0, 1) }, 'local.clock', 'crit'],
    ['that nobody keeps', { clockSynchronized: null }, 'local.clock', 'ok'],
    ['without an IPv6 route', { hasIpv6Route: false }, 'local.ipv6', 'ok'],
    ['with a locked device', { hidDevices: [{ path: '/dev/hidraw0', usable: false }] }, 'local.hid', 'ok'],
  ] as const)('with a state %s', async ([, changes, id, status]) => {
    const result = await look(changes as Partial<Machine>);
    expect(state(result, id)).toBe(status);
  });
});

describe('our own services', () => {
  const minutesAgo = (count: number) => machine.nowMs - count * 60_000;
  const throttle = (seen: Partial<Machine['services']['throttle']>): Machine['services'] => ({
    throttle: { ...machine.services.throttle, ...seen },
    stores: [],
  });
  const store = (seen: Partial<Machine['services']['stores'][number]>): Machine['services'] => ({
    ...machine.services,
    stores: [
      {
        database: '/s/keys.db',
        mode: 0o600,
        masterKey: { file: '/s/master.key', mode: 0o400 },
        backedUpMs: minutesAgo(60),
        ...seen,
      },
    ],
  });

  test('are not spoken of where there are none', async () => {
    const { checks } = await look();
    expect(checks.filter(({ id }) => /throttle|store|key|backup/.test(id))).toEqual([]);
  });

  test.for([
    [
      'a throttle that runs',
      throttle({ state: 'answers', countersSavedMs: minutesAgo(1) }),
      'local.throttle',
      'ok',
    ],
    ['a throttle that is down', throttle({ state: 'stopped' }), 'local.throttle', 'warn'],
    ['a socket that nobody answers', throttle({ state: 'silent' }), 'local.throttle', 'warn'],
    ['a socket that is not ours', throttle({ state: 'denied' }), 'local.throttle', 'unknown'],
    [
      'counters that are saved no more',
      throttle({ state: 'answers', countersSavedMs: minutesAgo(11) }),
      'local.throttle-counters',
      'warn',
    ],
    ['a store as it should be', store({}), 'local.store', 'ok'],
    ['a store that others read', store({ mode: 0o640 }), 'local.store', 'crit'],
    ['a store behind a wall', store({ mode: null }), 'local.store', 'ok'],
    [
      'a master key that others read',
      store({ masterKey: { file: '/s/master.key', mode: 0o444 } }),
      'local.master-key',
      'crit',
    ],
    ['a store without a backup', store({ backedUpMs: null }), 'local.backup', 'warn'],
    ['a backup of last month', store({ backedUpMs: minutesAgo(60 * 24 * 30) }), 'local.backup', 'warn'],
    ['a backup of an hour ago', store({}), 'local.backup', 'ok'],
  ] as const)('%s', async ([, services, id, status]) => {
    expect(state(await look({ services }), id)).toBe(status);
  });

  test('are looked at where they lie: a socket, its counters, a store and its key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
    const socket = join(folder, 'throttle.sock');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    const { store: opened } = await openOrCreateStore({ folder });
    opened.close();
    chmodSync(join(folder, 'master.key'), 0o444);
    writeFileSync(join(folder, 'throttle.db.counters'), '');
    const seen = await lookAtServices(`unix:${socket}`, [join(folder, 'throttle.db')], [folder]);
    const result = await look({ services: seen });
    server.close();
    expect(state(result, 'local.throttle')).toBe('ok');
    expect(state(result, 'local.store')).toBe('ok');
    expect(state(result, 'local.master-key')).toBe('crit');
    expect(state(result, 'local.backup')).toBe('warn');
    rmSync(folder, { recursive: true });
  });
});
