import { AppError, ExitCode } from '../errors.ts';
import type { Check } from '../report.ts';
import type { SlotNumber } from '../yubikey/commands.ts';
import { refusal, requireAbility, requireCodeUpdate, requireProgrammed } from '../yubikey/refusal.ts';
import { Extended, encodeSlot, isCode, isSimpleCode, type SlotFlags, Ticket } from '../yubikey/slot.ts';
import type { OpenKey } from '../yubikey/survey.ts';
import { type Codes, updateSlot, withCodes } from '../yubikey/write.ts';
import type { KeyStore, SlotRecord } from './store.ts';

/** Flags that an update can turn on or off, by name. */
export const AMENDABLE = {
  enter: { field: 'ticket', bit: Ticket.enter },
  'tab-first': { field: 'ticket', bit: Ticket.tabFirst },
  'tab-after-id': { field: 'ticket', bit: Ticket.tabAfterFixed },
  'serial-by-api': { field: 'extended', bit: Extended.serialByApi },
  'serial-over-usb': { field: 'extended', bit: Extended.serialOverUsb },
  'allow-update': { field: 'extended', bit: Extended.allowUpdate },
  'fast-trigger': { field: 'extended', bit: Extended.fastTrigger },
  dormant: { field: 'extended', bit: Extended.dormant },
} as const;

export type Amendable = keyof typeof AMENDABLE;

/** A change of flags or access code that leaves the secrets alone. */
export type Amendment = {
  readonly slot: SlotNumber;
  readonly turn: Readonly<Partial<Record<Amendable, boolean>>>;
  /** The access code from then on; 6 zero bytes are none. */
  readonly newCode: Uint8Array;
  /** What the slot may have now. */
  readonly codes: Codes;
  readonly record: SlotRecord | undefined;
};

/** What a slot of ours would have, where there is no record of what it has. */
const USUAL: SlotFlags = {
  ticket: Ticket.enter,
  config: 0,
  extended: Extended.serialByApi | Extended.allowUpdate,
};

const sameCode = ({ newCode, codes }: Amendment) => Buffer.from(newCode).equals(codes[0]);

/** The flags that a slot will have: those on record, with what is turned on or off. */
function flagsAfter(store: KeyStore | undefined, { record, turn }: Amendment): SlotFlags {
  const flags = { ...(store && record ? store.contentOf(record) : USUAL) };
  for (const [name, on] of Object.entries(turn)) {
    const { field, bit } = AMENDABLE[name as Amendable];
    flags[field] = on ? flags[field] | bit : flags[field] & ~bit;
  }
  return flags;
}

/** @throws AppError when the key cannot do it: E_FIRMWARE, E_SLOT_EMPTY, E_NO_UPDATE (exit 69) */
export function requireAmendable(
  { status }: OpenKey,
  store: KeyStore | undefined,
  amendment: Amendment,
): void {
  requireAbility(status.version, 'updating a slot');
  requireProgrammed(status, amendment.slot);
  if (!sameCode(amendment)) requireCodeUpdate(status.version);
  const { record } = amendment;
  const extended = store && record ? store.contentOf(record).extended : Extended.allowUpdate;
  if (extended & (Extended.allowUpdate | Extended.dormant)) return;
  throw new AppError(`Slot ${amendment.slot} was written without "allow update".`, {
    code: 'E_NO_UPDATE',
    exit: ExitCode.unavailable,
    hint: 'Write it anew with "postern yubikey program".',
  });
}

/** What an update does beside what was asked for. */
export function amendmentCautions({ record, turn, slot }: Amendment): Check[] {
  const found: Check[] = [];
  if (!record)
    found.push({
      id: 'yubikey.flags-unknown',
      status: 'ok',
      info: true,
      message: `Slot ${slot} was written by another program: flags that are not named become Enter, serial number by API and allow update; all others are cleared.`,
    });
  if (turn['allow-update'] === false)
    found.push({
      id: 'yubikey.last-update',
      status: 'ok',
      info: true,
      message: 'Without "allow update" this is the last change of the slot but for writing it anew.',
    });
  return found;
}

/** Finish a change of the code that was interrupted: from then on it is certain which one the slot has. */
async function settle({ wire }: OpenKey, store: KeyStore, record: SlotRecord, codes: Codes): Promise<void> {
  const { accessCode, ...flags } = store.contentOf(record);
  if (Buffer.from(store.oldCodeOf(record)).equals(accessCode)) return;
  await withCodes(codes, (code) => updateSlot(wire, record.slot, flags, accessCode, code));
}

/**
 * Record a change of flags or access code, then make it. A new code is on our disk before the key has it, and the old
 * one stays beside it: whatever interrupts this, one of the two opens the slot.
 *
 * @throws AppError E_REFUSED (exit 77 or 69); the record is as it was before
 */
export async function amend(
  key: OpenKey,
  store: KeyStore | undefined,
  amendment: Amendment,
  nowMs: number,
): Promise<void> {
  const { slot, newCode, codes, record } = amendment;
  const { wire, status, info } = key;
  const flags = flagsAfter(store, amendment);
  if (store && record) {
    await settle(key, store, record, codes);
    const before = store.contentOf(record);
    const after = encodeSlot({ ...before, ...flags, accessCode: newCode });
    store.willUpdate(record.id, after, before.accessCode, nowMs);
    const change = await withCodes(codes, (code) => updateSlot(wire, slot, flags, newCode, code));
    const settled = change.kind === 'refused' ? before : { ...before, ...flags, accessCode: newCode };
    store.willUpdate(record.id, encodeSlot(settled), settled.accessCode, nowMs);
    if (change.kind !== 'refused') return;
  } else {
    const change = await withCodes(codes, (code) => updateSlot(wire, slot, flags, newCode, code));
    if (change.kind !== 'refused') return;
  }
  throw refusal('update', {
    slot,
    status,
    info,
    codeOffered: isCode(codes[0]),
    simpleCode: isSimpleCode(newCode),
    allowsUpdate: record ? true : undefined,
  });
}
