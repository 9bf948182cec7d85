import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VENDOR } from './models.ts';

/** A device of Yubico as Linux sees it on the USB bus, whoever may open it. */
export type UsbKey = {
  /** Name of the device on the bus, such as 1-2. */
  readonly where: string;
  readonly productId: number;
  readonly release: number;
  /** Device nodes of its HID interfaces; none where another program has taken the driver away. */
  readonly nodes: readonly string[];
};

function attribute(folder: string, name: string): number {
  try {
    return Number.parseInt(readFileSync(join(folder, name), 'latin1'), 16);
  } catch {
    return Number.NaN; // Not a device, or just unplugged.
  }
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** HID nodes below a USB device: interface, HID device, hidraw. */
function nodesOf(device: string): string[] {
  const below = (folder: string, pattern: RegExp) =>
    list(folder)
      .filter(({ name }) => pattern.test(name))
      .map(({ name }) => join(folder, name));
  return below(device, /:\d+\.\d+$/)
    .flatMap((usbInterface) => below(usbInterface, /^[0-9A-F]{4}:[0-9A-F]{4}:[0-9A-F]{4}\./))
    .flatMap((hid) => list(join(hid, 'hidraw')))
    .map(({ name }) => `/dev/${name}`)
    .toSorted();
}

/**
 * Keys on the USB bus of a Linux machine; needs no permission and no library.
 *
 * @param sysfs  where sysfs is mounted
 * @returns undefined where there is no such thing
 */
export function usbKeys(sysfs: string): UsbKey[] | undefined {
  const devices = join(sysfs, 'bus/usb/devices');
  const found = list(devices)
    .map(({ name }) => ({ where: name, folder: join(devices, name) }))
    .filter(({ folder }) => attribute(folder, 'idVendor') === VENDOR)
    .map(({ where, folder }) => ({
      where,
      productId: attribute(folder, 'idProduct'),
      release: attribute(folder, 'bcdDevice'),
      nodes: nodesOf(folder),
    }));
  return list(join(sysfs, 'class')).length === 0 ? undefined : found;
}
