import { Command, can, type SlotNumber } from './commands.ts';
import { type DeviceInfo, parseDeviceInfo } from './device-info.ts';
import type { KeyStatus } from './status.ts';
import { request, type Wire } from './wire.ts';

const NOTHING = new Uint8Array(0);

/** The serial number; null when the key has none or hides it, which it does not tell apart. */
export async function readSerial(wire: Wire): Promise<number | null> {
  const answer = await request(wire, Command.serial, NOTHING, () => 4);
  return answer?.readUInt32BE() ?? null;
}

/** Device information; null from keys that do not give it. */
export async function readDeviceInfo(wire: Wire, { version }: KeyStatus): Promise<DeviceInfo | null> {
  if (!can(version, 'device information')) return null;
  const answer = await request(wire, Command.deviceInfo, Uint8Array.of(0), (bytes) => (bytes[0] ?? 0) + 1);
  return (answer && parseDeviceInfo(answer)) ?? null;
}

/**
 * Let a slot answer a challenge with HMAC-SHA1.
 *
 * A slot that takes short challenges leaves out whatever equal bytes stand at the end, so the filling must differ
 * from the last byte of the challenge.
 *
 * @param challenge  up to 64 bytes
 * @returns 20 bytes; undefined when the key refuses
 */
export async function answerHmac(
  wire: Wire,
  slot: SlotNumber,
  challenge: Uint8Array,
): Promise<Buffer | undefined> {
  const padded = Buffer.alloc(64, challenge.at(-1) === 0 ? 1 : 0);
  padded.set(challenge);
  const command = slot === 1 ? Command.hmacChallenge1 : Command.hmacChallenge2;
  return request(wire, command, padded, () => 20);
}

/**
 * Let a slot answer a challenge of 6 bytes with an encrypted block, as in a Yubico OTP.
 *
 * @returns 16 bytes; undefined when the key refuses
 */
export async function answerYubico(
  wire: Wire,
  slot: SlotNumber,
  challenge: Uint8Array,
): Promise<Buffer | undefined> {
  const command = slot === 1 ? Command.yubicoChallenge1 : Command.yubicoChallenge2;
  return request(wire, command, challenge, () => 16);
}
