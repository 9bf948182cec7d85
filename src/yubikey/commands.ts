import { atLeast, type Version, versionText } from './version.ts';

/** The two slots of a key. */
export type SlotNumber = 1 | 2;

/** Command bytes of the OTP application, by Yubico's names (ykdef.h). */
export const Command = {
  config1: 0x01,
  config2: 0x03,
  update1: 0x04,
  update2: 0x05,
  swap: 0x06,
  ndef1: 0x08,
  ndef2: 0x09,
  serial: 0x10,
  scanMap: 0x12,
  deviceInfo: 0x13,
  yubicoChallenge1: 0x20,
  yubicoChallenge2: 0x28,
  hmacChallenge1: 0x30,
  hmacChallenge2: 0x38,
} as const;

/** What a command does, in words for people, with the firmware from which on a key can do it. */
const ABILITIES = {
  'a second slot': [2, 0, 0],
  'OATH-HOTP': [2, 1, 0],
  'challenge and response': [2, 2, 0],
  'reading the serial number': [2, 2, 0],
  'updating a slot': [2, 3, 0],
  'swapping the slots': [2, 3, 0],
  'device information': [4, 1, 0],
} as const satisfies Readonly<Record<string, Version>>;

export type Ability = keyof typeof ABILITIES;

/** Whether a firmware has an ability. */
export function can(version: Version, ability: Ability): boolean {
  return atLeast(version, ABILITIES[ability]);
}

/** Why a key cannot do something, as a sentence; null when it can. */
export function whyNot(version: Version, ability: Ability): string | null {
  if (can(version, ability)) return null;
  const words = `${ability[0]?.toUpperCase()}${ability.slice(1)}`;
  return `${words} needs firmware ${versionText(ABILITIES[ability])}; this key has ${versionText(version)}, and firmware cannot be changed.`;
}
