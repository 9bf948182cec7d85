import type { SlotContent } from '../../yubikey/slot.ts';
import type { KeyStore, SlotRecord } from '../store.ts';
import type { TransferRecord } from './record.ts';

type Owner = Pick<SlotRecord, 'publicId' | 'serial'>;

/** What a server elsewhere has to know before the key is written; null for what is no Yubico OTP. */
export function handedOver(
  { publicId, serial }: Owner,
  { uid, key }: Pick<SlotContent, 'uid' | 'key'>,
  createdMs: number,
): TransferRecord | null {
  if (publicId === null) return null;
  return { publicId, privateId: uid, aesKey: key, serial: serial > 0 ? serial : null, seen: null, createdMs };
}

/** The same once the key was seen to use it: with the counters of the OTP that it has typed. */
export function seenRecord(store: KeyStore, record: SlotRecord): TransferRecord | null {
  const before = handedOver(record, store.contentOf(record), record.createdMs);
  if (!before) return null;
  const key = store.key(before.publicId);
  return { ...before, seen: key ? { ...key.counters, timestamp: key.timestamp } : null };
}
