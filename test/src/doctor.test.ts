import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examine, type Machine } from '../../src/doctor/examine.ts';
import { type Lab, labWorld, startLab } from '../helpers/lab.ts';

const machine: Machine = {
  nodeVersion: 'v24.21.0',
  platform: 'linux',
  hasIpv6Route: true,
  clockSynchronized: true,
  nowMs: Date.UTC(2026, 10, 24),
  builtMs: Date.UTC(2026, 10, 1),
  hidDevices: [],
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
