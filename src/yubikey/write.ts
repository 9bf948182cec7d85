import { Command, type SlotNumber } from './commands.ts';
import { EMPTY_CONFIG, encodeUpdate, type SlotFlags, slotPayload } from './slot.ts';
import { type KeyStatus, sequenceMoved } from './status.ts';
import { exchange, readStatus, type Wire } from './wire.ts';

/** Whether a change was made; the key gives no reason for a refusal. */
export type Change =
  | { readonly kind: 'done'; readonly status: KeyStatus }
  | { readonly kind: 'refused'; readonly before: KeyStatus }
  /** The sequence went on, and yet the slots are not as they should be: another program was at work. */
  | { readonly kind: 'mixed up'; readonly status: KeyStatus };

/** A scan map that no key takes. It makes a NEO read its sequence number again, which it keeps a copy of. */
const IMPOSSIBLE_SCAN_MAP = Buffer.alloc(51, 'c');

async function statusBefore(wire: Wire): Promise<KeyStatus> {
  const status = await readStatus(wire);
  if (status.version[0] !== 3) return status;
  await exchange(wire, Command.scanMap, IMPOSSIBLE_SCAN_MAP);
  return readStatus(wire);
}

/**
 * Send a command that changes slots, and see whether it did. One that a lost report kept from arriving is sent once
 * more: the sequence tells that nothing was changed.
 */
export async function change(
  wire: Wire,
  command: number,
  payload: Uint8Array,
  asExpected: (status: KeyStatus) => boolean,
): Promise<Change> {
  const before = await statusBefore(wire);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const outcome = await exchange(wire, command, payload);
    const status = outcome.kind === 'status' ? outcome.status : await readStatus(wire);
    if (!sequenceMoved(before, status)) continue;
    return asExpected(status) ? { kind: 'done', status } : { kind: 'mixed up', status };
  }
  return { kind: 'refused', before };
}

/** Access codes that a slot may have; usually it is clear which. */
export type Codes = readonly [Uint8Array, ...(readonly Uint8Array[])];

/** Make a change with the first access code that the key takes. It counts no wrong ones. */
export async function withCodes(
  codes: Codes,
  attempt: (code: Uint8Array) => Promise<Change>,
): Promise<Change> {
  const [first, ...others] = codes;
  let change = await attempt(first);
  for (const code of others) {
    if (change.kind !== 'refused') break;
    change = await attempt(code);
  }
  return change;
}

/**
 * Write a slot.
 *
 * @param config  52 bytes
 * @param currentCode  the access code that the slot has now: 6 bytes, zero for none
 */
export function writeSlot(
  wire: Wire,
  slot: SlotNumber,
  config: Uint8Array,
  currentCode: Uint8Array,
): Promise<Change> {
  const command = slot === 1 ? Command.config1 : Command.config2;
  return change(wire, command, slotPayload(config, currentCode), ({ slots }) => slots[slot] !== 'empty');
}

/** Delete a slot; see {@link writeSlot}. An empty one is refused. */
export function deleteSlot(wire: Wire, slot: SlotNumber, currentCode: Uint8Array): Promise<Change> {
  const command = slot === 1 ? Command.config1 : Command.config2;
  return change(
    wire,
    command,
    slotPayload(EMPTY_CONFIG, currentCode),
    ({ slots }) => slots[slot] !== 'programmed',
  );
}

/** Change flags and access code of a slot that allows it; the flags that are not named are cleared by the key. */
export function updateSlot(
  wire: Wire,
  slot: SlotNumber,
  flags: SlotFlags,
  newCode: Uint8Array,
  currentCode: Uint8Array,
): Promise<Change> {
  const command = slot === 1 ? Command.update1 : Command.update2;
  const payload = slotPayload(encodeUpdate(flags, newCode), currentCode);
  return change(wire, command, payload, ({ slots }) => slots[slot] !== 'empty');
}

/** Exchange the two slots; refused when one of them is protected, or both are empty. */
export function swapSlots(wire: Wire): Promise<Change> {
  return change(wire, Command.swap, new Uint8Array(0), () => true);
}
