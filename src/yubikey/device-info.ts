import type { Version } from './version.ts';

/** Interfaces and applications of a key, by their bit. */
const CAPABILITIES = [
  [0x01, 'OTP'],
  [0x02, 'U2F'],
  [0x08, 'OpenPGP'],
  [0x10, 'PIV'],
  [0x20, 'OATH'],
  [0x100, 'HSMAUTH'],
  [0x200, 'FIDO2'],
] as const;

export type Capability = (typeof CAPABILITIES)[number][1];

const FORM_FACTORS: Readonly<Record<number, string>> = {
  1: 'USB-A keychain',
  2: 'USB-A nano',
  3: 'USB-C keychain',
  4: 'USB-C nano',
  5: 'USB-C and Lightning',
  6: 'USB-A Bio',
  7: 'USB-C Bio',
};

/** What a key from 4.1 on tells about itself; null is what it leaves out. */
export type DeviceInfo = {
  readonly serial: number | null;
  readonly version: Version | null;
  readonly formFactor: string | null;
  readonly fips: boolean;
  readonly usbSupported: readonly Capability[];
  /** Not to be believed below 5.0. */
  readonly usbEnabled: readonly Capability[];
  readonly nfcSupported: readonly Capability[];
  readonly nfcEnabled: readonly Capability[];
  /** Seconds that the key waits for a touch; 0 is its own default, 15. */
  readonly touchTimeoutS: number;
  /** The configuration of interfaces is protected by a lock code. */
  readonly locked: boolean;
  /** Codes of one repeated byte are refused. */
  readonly codeComplexity: boolean;
  readonly morePages: boolean;
};

/** Tags of the answer (Yubico's yubikit, management.py). */
const Tag = {
  usbSupported: 0x01,
  serial: 0x02,
  usbEnabled: 0x03,
  formFactor: 0x04,
  version: 0x05,
  touchTimeout: 0x07,
  locked: 0x0a,
  nfcSupported: 0x0d,
  nfcEnabled: 0x0e,
  morePages: 0x10,
  codeComplexity: 0x16,
} as const;

function number(bytes: Uint8Array | undefined): number {
  return [...(bytes ?? [])].reduce((value, byte) => value * 256 + byte, 0);
}

function capabilities(bytes: Uint8Array | undefined): Capability[] {
  const bits = number(bytes);
  return CAPABILITIES.filter(([bit]) => bits & bit).map(([, name]) => name);
}

/** Entries of tag, length, value; undefined when one goes beyond the end. */
function entries(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const [tag, length] = bytes.subarray(at, at + 2);
    if (tag === undefined || length === undefined || at + 2 + length > bytes.length) return undefined;
    found.set(tag, bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

/**
 * Read a page of device information.
 *
 * @param answer  one byte of length and that many bytes of entries; more is ignored
 * @returns undefined when the lengths do not fit
 */
export function parseDeviceInfo(answer: Uint8Array): DeviceInfo | undefined {
  const [length = 0] = answer;
  if (answer.length < length + 1) return undefined;
  const found = entries(answer.subarray(1, length + 1));
  if (!found) return undefined;
  const [major, minor, build] = found.get(Tag.version) ?? [];
  const form = number(found.get(Tag.formFactor));
  return {
    serial: found.has(Tag.serial) ? number(found.get(Tag.serial)) : null,
    version: major === undefined || minor === undefined || build === undefined ? null : [major, minor, build],
    formFactor: FORM_FACTORS[form & 0x0f] ?? null,
    fips: (form & 0x80) !== 0,
    usbSupported: capabilities(found.get(Tag.usbSupported)),
    usbEnabled: capabilities(found.get(Tag.usbEnabled)),
    nfcSupported: capabilities(found.get(Tag.nfcSupported)),
    nfcEnabled: capabilities(found.get(Tag.nfcEnabled)),
    touchTimeoutS: number(found.get(Tag.touchTimeout)),
    locked: number(found.get(Tag.locked)) === 1,
    codeComplexity: number(found.get(Tag.codeComplexity)) === 1,
    morePages: number(found.get(Tag.morePages)) === 1,
  };
}
