import { type Check, worst } from '../report.ts';
import type {
  SlotRecordView,
  YubikeyInfoResult,
  YubikeyInventoryResult,
  YubikeyListResult,
  YubikeyLostResult,
} from '../schema/yubikey.ts';
import type { SlotNumber } from '../yubikey/commands.ts';
import type { OpenKey, Surveyed } from '../yubikey/survey.ts';
import type { ServedKeys } from './served.ts';
import type { KeyStore, SlotRecord } from './store.ts';

const timeOf = (ms: number) => new Date(ms).toISOString();

/** A record as it is shown. */
export function viewOf({ createdMs, changedMs, ...record }: SlotRecord): SlotRecordView {
  return { ...record, created: timeOf(createdMs), changed: timeOf(changedMs) };
}

/** What is recorded to be in a slot now. */
export function recordIn(
  store: KeyStore | undefined,
  serial: number,
  slot: SlotNumber,
): SlotRecord | undefined {
  return store
    ?.slots(serial)
    .find((record) => record.slot === slot && (record.state === 'current' || record.state === 'written'));
}

/** What was begun with a key and is not finished, the latest first. */
export function unfinished(store: KeyStore | undefined, serial: number | undefined): SlotRecord[] {
  const records = store?.slots(serial) ?? [];
  return records.filter(({ state }) => state === 'pending' || state === 'written');
}

/** All keys that are plugged in. */
export function listResult(surveyed: readonly Surveyed[]): YubikeyListResult {
  const checks = surveyed.flatMap((key) => key.checks);
  const count = surveyed.length;
  return {
    target: null,
    status: worst(checks.map(({ status }) => status)),
    summary:
      count === 0
        ? 'No YubiKey is plugged in.'
        : `${count === 1 ? 'One key is' : `${count} keys are`} plugged in.`,
    checks,
    keys: surveyed.map(({ view }) => view),
  };
}

function slotWords(slot: SlotNumber, { status }: OpenKey, records: readonly SlotRecord[]): string {
  const state = status.slots[slot];
  const record = records.find(
    (each) => each.slot === slot && each.state !== 'past' && each.state !== 'refused',
  );
  const known = record ? ` (${record.kind}${record.publicId === null ? '' : ` ${record.publicId}`})` : '';
  return `slot ${slot} ${state}${state === 'programmed' ? known : ''}`;
}

/** A record that the key contradicts. */
function contradictions({ status, view }: OpenKey, records: readonly SlotRecord[]): Check[] {
  return records
    .filter(({ slot, state }) => state === 'current' && status.slots[slot] === 'empty')
    .map(({ slot }) => ({
      id: 'yubikey.record',
      status: 'warn' as const,
      message: `Slot ${slot} of ${view.serial ?? view.node} is empty, though our records have something in it.`,
      fix: 'Somebody has deleted it with another program. Write it anew, or delete it here, too.',
    }));
}

function openEnds(records: readonly SlotRecord[]): Check[] {
  return records
    .filter(({ state }) => state === 'pending' || state === 'written')
    .map(({ slot, state }) => ({
      id: 'yubikey.unfinished',
      status: 'warn' as const,
      message: `Programming of slot ${slot} is not finished: ${state === 'pending' ? 'it was interrupted' : 'no touch was seen'}.`,
      fix: 'Go on with "postern yubikey program --resume".',
    }));
}

/** Everything that is known of one key. */
export function infoResult(key: OpenKey, store: KeyStore | undefined): YubikeyInfoResult {
  const { view, status, info } = key;
  const records = view.serial === null ? [] : (store?.slots(view.serial) ?? []);
  const checks = [...contradictions(key, records), ...openEnds(records)];
  const name = view.serial === null ? view.node : String(view.serial);
  return {
    target: name,
    status: worst(checks.map((check) => check.status)),
    summary: `${view.model} ${view.version}: ${slotWords(1, key, records)}, ${slotWords(2, key, records)}.`,
    checks,
    ...view,
    sequence: status.sequence,
    touch: status.touch,
    fips: info?.fips ?? null,
    locked: info?.locked ?? null,
    usb: info?.usbSupported ?? [],
    nfc: info?.nfcSupported ?? [],
    records: records.map(viewOf),
  };
}

/** What was written where, and what is served. */
export function inventoryResult(
  store: KeyStore | undefined,
  serial: number | undefined,
): YubikeyInventoryResult {
  const records = store?.slots(serial) ?? [];
  const keys = (store?.keys() ?? []).filter((key) => serial === undefined || key.serial === serial);
  const checks = openEnds(records);
  const current = records.filter(({ state }) => state === 'current').length;
  return {
    target: serial === undefined ? null : String(serial),
    status: worst(checks.map(({ status }) => status)),
    summary: `${current} ${current === 1 ? 'slot is' : 'slots are'} in use, ${keys.length} public ${keys.length === 1 ? 'id is' : 'ids are'} on record.`,
    checks,
    slots: records.map(viewOf),
    keys: keys.map(({ publicId, state, serial: owner, counters, seenMs }) => ({
      publicId,
      state,
      serial: owner,
      ...counters,
      seen: seenMs === null ? null : timeOf(seenMs),
    })),
  };
}

/** Secrets of a slot, in hexadecimal. */
export type SlotSecrets = Pick<SlotRecord, 'slot' | 'kind' | 'state' | 'publicId'> & {
  readonly privateId: string;
  readonly key: string;
  readonly accessCode: string;
};

/** The secrets that are recorded to be in the slots of a key, or were begun to be written. */
export function secretsOf(store: KeyStore, serial: number | undefined): SlotSecrets[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return store
    .slots(serial)
    .filter(({ state }) => state !== 'past' && state !== 'refused')
    .map((record) => {
      const { slot, kind, state, publicId } = record;
      const { uid, key, accessCode } = store.contentOf(record);
      return { slot, kind, state, publicId, privateId: hex(uid), key: hex(key), accessCode: hex(accessCode) };
    });
}

/** Take no OTP of a lost key any more. */
export async function loseKey(
  store: ServedKeys | undefined,
  serial: number,
  nowMs: number,
): Promise<Omit<YubikeyLostResult, 'logins' | 'sessionsEnded'>> {
  const known = (await store?.isKnown(serial)) ?? false;
  const disabled = [...((await store?.disable(serial, nowMs)) ?? [])];
  const check: Check = !known
    ? {
        id: 'yubikey.lost',
        status: 'crit',
        message: `Nothing is known here of a key with the serial number ${serial}.`,
        fix: 'Look for it with "postern yubikey inventory", and in the store of the server.',
      }
    : {
        id: 'yubikey.lost',
        status: 'ok',
        message:
          disabled.length === 0
            ? `No OTP of key ${serial} was taken before either.`
            : `OTPs of ${disabled.join(', ')} are refused from now on.`,
      };
  return {
    target: String(serial),
    status: check.status,
    summary: check.message,
    checks: [check],
    serial,
    disabled,
  };
}
