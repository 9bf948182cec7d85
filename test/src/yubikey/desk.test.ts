import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AppError, ExitCode } from '../../../src/errors.ts';
import { listResult } from '../../../src/keys/views.ts';
import { blankKey, createSoftwareKey } from '../../../src/lab/software-key.ts';
import type { HidDevice, Place } from '../../../src/yubikey/device.ts';
import { readDesk } from '../../../src/yubikey/hid.ts';
import { lockKey } from '../../../src/yubikey/lock.ts';
import { chooseKey, type Speaking, surveyDesk, withKey } from '../../../src/yubikey/survey.ts';
import { usbKeys } from '../../../src/yubikey/sysfs.ts';

function speaking(): Speaking {
  let now = 0;
  const sleep = async (ms: number) => {
    now += ms;
  };
  const { signal } = new AbortController();
  return { timing: { nowMs: () => now, sleep }, signal, answerMs: 2000, touchMs: 2000, os: process.platform };
}

let nodes = 0;

function place(open: () => Promise<HidDevice>, productId = 0x0401): Place {
  nodes += 1;
  return { node: `/dev/test-${process.pid}-${nodes}`, productId, release: 0x0543, open };
}

const keyPlace = (serial: number, version: readonly [number, number, number] = [5, 4, 3]) =>
  place(async () => createSoftwareKey(blankKey(serial, version), { nowMs: () => 0 }).device);

const forbidden = place(async () => {
  throw new AppError('/dev/hidraw7 may not be opened.', {
    code: 'E_DEVICE_PERMISSION',
    exit: ExitCode.noPermission,
  });
});

describe('the keys on the desk', () => {
  test('are all told, those that cannot be opened with the reason', async () => {
    const strangers = [
      { productId: 0x0402, release: 0x0543, where: '1-4', why: 'no-otp-interface' as const },
      { productId: 0x0401, release: 0x0543, where: '1-5', why: 'no-node' as const },
    ];
    const result = listResult(await surveyDesk({ places: [keyPlace(11), forbidden], strangers }, speaking()));
    expect(result.keys.map(({ serial, version }) => [serial, version])).toEqual([
      [11, '5.4.3'],
      [null, '5.4.3'],
      [null, '5.4.3'],
      [null, '5.4.3'],
    ]);
    expect(result.checks.map(({ id, status }) => [id, status])).toEqual([
      ['yubikey.permission', 'warn'],
      ['yubikey.otp-interface', 'ok'],
      ['yubikey.node', 'warn'],
    ]);
    expect(result.status).toBe('warn');
  });

  test('a key without a serial number is told, and is meant by 0', async () => {
    const surveyed = await surveyDesk(
      { places: [keyPlace(11), keyPlace(5, [2, 0, 0])], strangers: [] },
      speaking(),
    );
    expect(surveyed.map(({ view }) => view.serial)).toEqual([11, null]);
    expect(chooseKey(surveyed, 0).view.version).toBe('2.0.0');
  });

  test.for([
    ['none', [], undefined, 'E_NO_DEVICE', 69],
    ['two and no serial number', [keyPlace(1), keyPlace(2)], undefined, 'E_SEVERAL_KEYS', 64],
    ['another one', [keyPlace(1)], 2, 'E_NO_DEVICE', 69],
    ['one that may not be opened', [forbidden], undefined, 'E_DEVICE_PERMISSION', 77],
    [
      'one that may not be opened and is perhaps meant',
      [keyPlace(1), forbidden],
      2,
      'E_DEVICE_PERMISSION',
      77,
    ],
  ] as const)('%s: the command ends with its cause', async ([, places, serial, code, exit]) => {
    const surveyed = await surveyDesk({ places, strangers: [] }, speaking());
    expect(() => chooseKey(surveyed, serial)).toThrow(expect.objectContaining({ code, exit }));
  });

  test('the device is closed and the lock given back, also after a failure', async () => {
    let closed = 0;
    const { device } = createSoftwareKey(blankKey(3), { nowMs: () => 0 });
    const one = place(async () => ({
      ...device,
      close: async () => {
        closed += 1;
      },
    }));
    const desk = { places: [one], strangers: [] };
    const failing = withKey(desk, 3, speaking(), async () => Promise.reject(new Error('stopped')));
    await expect(failing).rejects.toThrow('stopped');
    expect(closed).toBe(2);
    await withKey(desk, 3, speaking(), async ({ view }) => expect(view.serial).toBe(3));
  });
});

test('a key is for one program at a time, until that one ends', async () => {
  const { sleep } = speaking().timing;
  const release = await lockKey('/dev/test-lock', process.platform, sleep);
  await expect(lockKey('/dev/test-lock', process.platform, sleep)).rejects.toMatchObject({
    code: 'E_DEVICE_BUSY',
  });
  (await lockKey('/dev/test-other', process.platform, sleep))();
  release();
  (await lockKey('/dev/test-lock', process.platform, sleep))();
});

describe('the USB bus of Linux', () => {
  function bus(devices: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
    const sysfs = mkdtempSync(join(tmpdir(), 'postern-sysfs-'));
    mkdirSync(join(sysfs, 'class/hidraw'), { recursive: true });
    for (const [name, attributes] of Object.entries(devices)) {
      const folder = join(sysfs, 'bus/usb/devices', name);
      mkdirSync(folder, { recursive: true });
      for (const [attribute, value] of Object.entries(attributes)) {
        if (attribute === 'node')
          mkdirSync(join(folder, `${name}:1.0`, '0003:1050:0401.0001', 'hidraw', value), { recursive: true });
        else writeFileSync(join(folder, attribute), `${value}\n`);
      }
    }
    return sysfs;
  }

  const KEY = { idVendor: '1050', idProduct: '0401', bcdDevice: '0543' };

  test('shows keys with their nodes, and those without', () => {
    const sysfs = bus({ '1-1': { ...KEY, node: 'hidraw3' }, '1-2': KEY, '1-3': { idVendor: '046d' } });
    expect(usbKeys(sysfs)).toEqual([
      { where: '1-1', productId: 0x0401, release: 0x0543, nodes: ['/dev/hidraw3'] },
      { where: '1-2', productId: 0x0401, release: 0x0543, nodes: [] },
    ]);
  });

  test('without a key nothing is loaded, and the desk is empty', async () => {
    expect(await readDesk({ os: 'linux', sysfs: bus({}) })).toEqual({ places: [], strangers: [] });
  });

  test('where there is none, that is not taken for an empty one', () => {
    expect(usbKeys('/nonexistent')).toBeUndefined();
  });
});
