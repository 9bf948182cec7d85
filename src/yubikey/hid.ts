import type { Device, HIDAsync } from 'node-hid';
import { AppError, ExitCode } from '../errors.ts';
import type { Desk, HidDevice, Place, Stranger } from './device.ts';
import { REPORT_SIZE } from './frame.ts';
import { interfacesOf, VENDOR } from './models.ts';
import { type UsbKey, usbKeys } from './sysfs.ts';
import { StallError } from './wire.ts';

/** The OTP application is behind the keyboard of a key; page 0xF1D0 is FIDO and is never opened. */
const KEYBOARD = { usagePage: 1, usage: 6 } as const;

/** What lets the person at the machine open the key: a file whose name sorts before 73. */
export const UDEV_RULE = 'KERNEL=="hidraw*", SUBSYSTEM=="hidraw", ATTRS{idVendor}=="1050", TAG+="uaccess"';

type Hid = typeof import('node-hid');

/** Systems that this adapter knows the habits of. */
export type Platform = { readonly os: string; readonly sysfs: string };

function doesNotLoad(cause: unknown): AppError {
  return new AppError('USB devices cannot be reached: the package node-hid does not load.', {
    code: 'E_HID',
    exit: ExitCode.unavailable,
    hint: 'On Debian: apt-get install libusb-1.0-0 libudev1. Elsewhere: npm install node-hid.',
    cause,
  });
}

async function load(): Promise<Hid> {
  try {
    const module = await import('node-hid');
    module.setDriverType('hidraw');
    return module;
  } catch (cause) {
    throw doesNotLoad(cause);
  }
}

/** The library loads its native part when it is first asked: then it turns out that a system library is missing. */
async function devices(hid: Hid): Promise<Device[]> {
  return hid.devicesAsync().catch((cause: unknown) => {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED' ? doesNotLoad(cause) : cause;
  });
}

const PERMISSION_HINTS: Readonly<Record<string, string>> = {
  linux: `Write this line to /etc/udev/rules.d/70-yubikey.rules, then plug the key in again: ${UDEV_RULE}`,
  darwin: 'Allow your terminal under System Settings, Privacy & Security, Input Monitoring.',
  win32: 'Close other programs that use the key.',
};

/** Tell the ways in which the library fails apart; it has words only. */
function translate(error: unknown, node: string, os: string): Error {
  const text = error instanceof Error ? error.message : String(error);
  if (/Broken pipe|Protocol error|timed out/i.test(text)) return new StallError(text, { cause: error });
  if (/Permission denied|not permitted|access/i.test(text)) {
    return new AppError(`${node} may not be opened.`, {
      code: 'E_DEVICE_PERMISSION',
      exit: ExitCode.noPermission,
      hint: PERMISSION_HINTS[os] ?? 'Ask who looks after this machine for permission to use it.',
      cause: error,
    });
  }
  if (/busy|sharing violation/i.test(text)) {
    return new AppError(`${node} is in use by another program.`, {
      code: 'E_DEVICE_BUSY',
      exit: ExitCode.unavailable,
      hint: 'End it and run the command again.',
      cause: error,
    });
  }
  return new AppError('The key is not there any more.', {
    code: 'E_DEVICE_GONE',
    exit: ExitCode.unavailable,
    hint: 'Plug it in again and repeat the command; what was begun with "yubikey program" goes on with --resume.',
    cause: error,
  });
}

function deviceOf(handle: HIDAsync, node: string, os: string): HidDevice {
  const told = (error: unknown) => {
    throw translate(error, node, os);
  };
  return {
    // The library puts the report id, 0, before the 8 bytes, and wants it there.
    receive: async () => {
      const report = await handle.getFeatureReport(0, REPORT_SIZE + 1).catch(told);
      return report.subarray(1, REPORT_SIZE + 1);
    },
    send: async (report) => {
      await handle.sendFeatureReport(Buffer.concat([Uint8Array.of(0), report])).catch(told);
    },
    close: () => handle.close(),
  };
}

async function open(hid: Hid, node: string, os: string): Promise<HidDevice> {
  const options = os === 'darwin' ? { nonExclusive: true } : {};
  const handle = await hid.HIDAsync.open(node, options).catch((error: unknown) => {
    throw translate(error, node, os);
  });
  return deviceOf(handle, node, os);
}

function isOtpInterface({ vendorId, usagePage, usage, path }: Device): boolean {
  return (
    vendorId === VENDOR && usagePage === KEYBOARD.usagePage && usage === KEYBOARD.usage && path !== undefined
  );
}

/** Keys on the bus that none of the places belongs to. */
function strangersAmong(usb: readonly UsbKey[], places: readonly Place[]): Stranger[] {
  const nodes = new Set(places.map(({ node }) => node));
  return usb
    .filter((key) => !key.nodes.some((node) => nodes.has(node)))
    .map(({ productId, release, where }) => {
      const interfaces = interfacesOf(productId);
      const none = interfaces.length > 0 && !interfaces.includes('OTP');
      return { productId, release, where, why: none ? 'no-otp-interface' : 'no-node' };
    });
}

/**
 * What is plugged into this machine. On Linux the library is only loaded when there is a key at all.
 *
 * @throws AppError E_HID (exit 69) when the library does not load
 */
export async function readDesk({ os, sysfs }: Platform): Promise<Desk> {
  const usb = os === 'linux' ? usbKeys(sysfs) : undefined;
  if (usb?.length === 0) return { places: [], strangers: [] };
  const hid = await load();
  const places = (await devices(hid))
    .filter(isOtpInterface)
    .map(({ path = '', productId, release }) => ({
      node: path,
      productId,
      release,
      open: () => open(hid, path, os),
    }))
    .toSorted((one, other) => one.node.localeCompare(other.node, 'en', { numeric: true }));
  return { places, strangers: strangersAmong(usb ?? [], places) };
}
