import type { DeviceInfo } from './device-info.ts';
import type { Version } from './version.ts';

/** USB vendor number of Yubico. */
export const VENDOR = 0x1050;

/** An interface over which a key can be spoken to. */
export type KeyInterface = 'OTP' | 'FIDO' | 'CCID';

type Product = { readonly model: string; readonly interfaces: readonly KeyInterface[] };

/** Products by their USB number (Yubico's list of USB ids). */
const PRODUCTS: Readonly<Record<number, Product>> = {
  16: { model: 'YubiKey', interfaces: ['OTP'] },
  272: { model: 'YubiKey NEO', interfaces: ['OTP'] },
  273: { model: 'YubiKey NEO', interfaces: ['OTP', 'CCID'] },
  274: { model: 'YubiKey NEO', interfaces: ['CCID'] },
  275: { model: 'YubiKey NEO', interfaces: ['FIDO'] },
  276: { model: 'YubiKey NEO', interfaces: ['OTP', 'FIDO'] },
  277: { model: 'YubiKey NEO', interfaces: ['FIDO', 'CCID'] },
  278: { model: 'YubiKey NEO', interfaces: ['OTP', 'FIDO', 'CCID'] },
  288: { model: 'Security Key', interfaces: ['FIDO'] },
  1025: { model: 'YubiKey', interfaces: ['OTP'] },
  1026: { model: 'YubiKey', interfaces: ['FIDO'] },
  1027: { model: 'YubiKey', interfaces: ['OTP', 'FIDO'] },
  1028: { model: 'YubiKey', interfaces: ['CCID'] },
  1029: { model: 'YubiKey', interfaces: ['OTP', 'CCID'] },
  1030: { model: 'YubiKey', interfaces: ['FIDO', 'CCID'] },
  1031: { model: 'YubiKey', interfaces: ['OTP', 'FIDO', 'CCID'] },
  1040: { model: 'YubiKey Plus', interfaces: ['OTP', 'FIDO'] },
};

/** Interfaces of a product; empty for one that is not known. */
export function interfacesOf(productId: number): readonly KeyInterface[] {
  return PRODUCTS[productId]?.interfaces ?? [];
}

/** What people call a key: its name and, where that says more, the generation and the form. */
export function modelOf(productId: number, version: Version | null, info: DeviceInfo | null): string {
  const name = PRODUCTS[productId]?.model ?? 'Yubico device';
  if (name !== 'YubiKey' || !version) return name;
  const generation = version[0] >= 4 ? ` ${version[0]}` : version[0] === 3 ? ' NEO' : ` ${version[0]}`;
  const nfc = info && info.nfcSupported.length > 0 ? ' NFC' : '';
  const fips = info?.fips ? ' FIPS' : '';
  return `${name}${generation}${nfc}${fips}`;
}
