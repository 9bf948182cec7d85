import { AppError, ExitCode } from '../errors.ts';
import type { Check } from '../report.ts';
import type { Desk, Place, Stranger } from './device.ts';
import type { DeviceInfo } from './device-info.ts';
import { lockKey } from './lock.ts';
import { interfacesOf, type KeyInterface, modelOf } from './models.ts';
import { readDeviceInfo, readSerial } from './read.ts';
import type { KeyStatus, SlotState } from './status.ts';
import { type Version, versionOfRelease, versionText } from './version.ts';
import { readStatus, type Wire } from './wire.ts';

/** How to speak to keys: everything of a {@link Wire} but the device, and the system's name. */
export type Speaking = Omit<Wire, 'device'> & { readonly os: string };

/** A key as `yubikey list` shows it; null is what could not be read. */
export type KeyView = {
  readonly serial: number | null;
  readonly model: string;
  readonly version: string;
  readonly formFactor: string | null;
  readonly interfaces: readonly KeyInterface[];
  readonly slots: { readonly 1: SlotState; readonly 2: SlotState };
  /** Device node; without one, where the system has it. */
  readonly node: string;
};

/** What was found out about one key. */
export type Surveyed = {
  readonly view: KeyView;
  /** Where it can be opened; absent for a key that can only be seen. */
  readonly place?: Place;
  readonly status?: KeyStatus;
  readonly info?: DeviceInfo | null;
  readonly checks: readonly Check[];
  /** What kept it from being read. */
  readonly error?: unknown;
};

/** A key that is open, with what it has said about itself. */
export type OpenKey = {
  readonly wire: Wire;
  readonly view: KeyView;
  readonly status: KeyStatus;
  readonly info: DeviceInfo | null;
  /** What our records know it by: its serial number, or a negative one of ours for a key that shows none. */
  readonly owner: number;
};

const UNKNOWN_SLOTS = { 1: 'unknown', 2: 'unknown' } as const;

function viewFromBus(productId: number, release: number, node: string): KeyView {
  const version = versionOfRelease(release);
  return {
    serial: null,
    model: modelOf(productId, version, null),
    version: versionText(version),
    formFactor: null,
    interfaces: interfacesOf(productId),
    slots: UNKNOWN_SLOTS,
    node,
  };
}

/** Open a key for a while, by itself; it is closed and given back whatever happens. */
async function withWire<T>(place: Place, speaking: Speaking, work: (wire: Wire) => Promise<T>): Promise<T> {
  const release = await lockKey(place.node, speaking.os, speaking.timing.sleep);
  try {
    const device = await place.open();
    try {
      return await work({ ...speaking, device });
    } finally {
      await device.close();
    }
  } finally {
    release();
  }
}

async function readKey(place: Place, wire: Wire): Promise<Omit<OpenKey, 'wire' | 'owner'>> {
  const status = await readStatus(wire);
  const info = await readDeviceInfo(wire, status);
  // The information tells the serial number even where no slot shows it.
  const serial = info?.serial ?? (await readSerial(wire));
  const version: Version = info?.version ?? status.version;
  const view: KeyView = {
    serial,
    model: modelOf(place.productId, version, info),
    version: versionText(version),
    formFactor: info?.formFactor ?? null,
    interfaces: interfacesOf(place.productId),
    slots: status.slots,
    node: place.node,
  };
  return { view, status, info };
}

/** Whether a failure belongs to one key, so that the others are told all the same. */
function checkFor({ node }: KeyView, error: unknown): Check {
  if (!(error instanceof AppError)) throw error;
  const { message, hint, code } = error;
  const fix = hint === undefined ? {} : { fix: hint };
  if (code === 'E_DEVICE_PERMISSION') return { id: 'yubikey.permission', status: 'warn', message, ...fix };
  if (code === 'E_DEVICE_BUSY') return { id: 'yubikey.busy', status: 'unknown', message, ...fix };
  return { id: 'yubikey.answer', status: 'unknown', message: `${node}: ${message}`, ...fix };
}

function serialCheck({ serial, node }: KeyView): Check[] {
  if (serial !== null) return [];
  return [
    {
      id: 'yubikey.serial',
      status: 'ok',
      info: true,
      message: `${node} shows no serial number: it has none, or its slots were written without "serial by API".`,
    },
  ];
}

async function surveyPlace(place: Place, speaking: Speaking): Promise<Surveyed> {
  try {
    const { view, status, info } = await withWire(place, speaking, (wire) => readKey(place, wire));
    return { view, place, status, info, checks: serialCheck(view) };
  } catch (error) {
    speaking.signal.throwIfAborted();
    const view = viewFromBus(place.productId, place.release, place.node);
    return { view, place, checks: [checkFor(view, error)], error };
  }
}

function surveyStranger({ productId, release, where, why }: Stranger): Surveyed {
  const view = viewFromBus(productId, release, where);
  const check: Check =
    why === 'no-otp-interface'
      ? {
          id: 'yubikey.otp-interface',
          status: 'ok',
          info: true,
          message: `${view.model} at ${where} has no OTP interface: it is a security key for browsers, or OTP is switched off.`,
        }
      : {
          id: 'yubikey.node',
          status: 'warn',
          message: `${view.model} at ${where} is on the bus, but has no device node: another program has taken the keyboard driver away.`,
          fix: 'Unplug it and plug it in again.',
        };
  return { view, checks: [check] };
}

/** Ask every key that is plugged in, all at the same time. One that cannot be asked is told, with the cause. */
export async function surveyDesk({ places, strangers }: Desk, speaking: Speaking): Promise<Surveyed[]> {
  const keys = await Promise.all(places.map((place) => surveyPlace(place, speaking)));
  return [...keys, ...strangers.map(surveyStranger)];
}

const NO_KEY_HINT = 'Plug one in and run the command again; "postern yubikey list" shows what is seen.';

function noKey(message: string, hint = NO_KEY_HINT): AppError {
  return new AppError(message, { code: 'E_NO_DEVICE', exit: ExitCode.unavailable, hint });
}

const nameOf = ({ view: { serial, node } }: Surveyed) => (serial === null ? node : String(serial));

/**
 * The one key that is meant.
 *
 * @param serial  as it was given; 0 is a key that shows none, a negative one is the same, as our records know it
 * @throws AppError E_NO_DEVICE (exit 69) when it is not there, E_SEVERAL_KEYS (exit 64) when it is not clear which
 */
export function chooseKey(surveyed: readonly Surveyed[], serial: number | undefined): Surveyed {
  const usable = surveyed.filter(({ place }) => place);
  const [stranger] = surveyed;
  if (usable.length === 0) {
    const [check] = stranger?.checks ?? [];
    throw check ? noKey(check.message, check.fix) : noKey('No YubiKey is plugged in.');
  }
  const wanted = serial !== undefined && serial <= 0 ? null : serial;
  const fitting = serial === undefined ? usable : usable.filter(({ view }) => view.serial === wanted);
  const [chosen, another] = fitting;
  const seen = usable.map(nameOf).join(', ');
  if (!chosen) {
    const unread = usable.find(({ error }) => error !== undefined);
    if (unread) throw unread.error;
    throw noKey(`No YubiKey with the serial number ${serial} is plugged in.`, `Plugged in: ${seen}.`);
  }
  if (another) {
    throw new AppError('Several YubiKeys are plugged in.', {
      code: 'E_SEVERAL_KEYS',
      exit: ExitCode.usage,
      hint: `Say which with --serial: ${seen}.`,
    });
  }
  if (chosen.error !== undefined) throw chosen.error;
  return chosen;
}

/** Work with one key, by itself; see {@link chooseKey} for which one. */
export async function withKey<T>(
  desk: Desk,
  serial: number | undefined,
  speaking: Speaking,
  work: (key: OpenKey) => Promise<T>,
): Promise<T> {
  const { place } = chooseKey(await surveyDesk(desk, speaking), serial);
  if (!place) throw noKey('No YubiKey is plugged in.');
  return withWire(place, speaking, async (wire) => {
    const read = await readKey(place, wire);
    return work({ wire, ...read, owner: read.view.serial ?? serial ?? 0 });
  });
}
