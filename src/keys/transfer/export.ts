import { NO_CODE } from '../../yubikey/slot.ts';
import type { ServedKeys } from '../served.ts';
import type { KeyRecord, OtpSecret } from '../store.ts';

/** What keys can be written as. */
export const EXPORT_FORMATS = ['ykksm', 'yubikey-val', 'pskc'] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A key with its secrets. */
type Whole = KeyRecord & OtpSecret;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const timeOf = (ms: number) => new Date(ms).toISOString().slice(0, 19);

/** serial, public id, private id, AES key, access code, created, accessed: the order of yubikey-ksm. */
function ykksm(keys: readonly Whole[], codes: ReadonlyMap<string, Uint8Array>): string {
  const rows = keys.map(({ privateId, aesKey, ...key }) => {
    const code = hex(codes.get(key.publicId) ?? NO_CODE);
    const created = timeOf(key.createdMs);
    return `${key.serial ?? 0},${key.publicId},${hex(privateId)},${hex(aesKey)},${code},${created},\n`;
  });
  return `# ykksm 1\n${rows.join('')}`;
}

/** active, created, modified, public id, counters, timestamp, nonce, notes: the order of yubikey-val. */
function yubikeyVal(keys: readonly KeyRecord[]): string {
  const rows = keys.map(({ publicId, state, counters, timestamp, createdMs, seenMs }) => {
    const created = Math.floor(createdMs / 1000);
    const modified = Math.floor((seenMs ?? createdMs) / 1000);
    const { useCounter, sessionUse } = counters;
    const low = timestamp === null ? -1 : timestamp & 0xffff;
    const high = timestamp === null ? -1 : timestamp >> 16;
    return `${state === 'active' ? 1 : 0},${created},${modified},${publicId},${useCounter},${sessionUse},${low},${high},,\n`;
  });
  return rows.join('');
}

function pskc(keys: readonly Whole[]): string {
  const packages = keys.map(
    ({ publicId, serial, privateId, aesKey }) => `  <KeyPackage>
    <DeviceInfo><Manufacturer>oath.UB</Manufacturer><SerialNo>${serial ?? 0}</SerialNo></DeviceInfo>
    <Key Id="${publicId}" Algorithm="http://www.yubico.com/#yubikey-aes">
      <Data><Secret><PlainValue>${Buffer.from(aesKey).toString('base64')}</PlainValue></Secret></Data>
      <UserId>CN=${publicId}, UID=${hex(privateId)}</UserId>
    </Key>
  </KeyPackage>
`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
${packages.join('')}</KeyContainer>
`;
}

/**
 * Keys with their secrets, for another server.
 *
 * @returns in clear: it goes into a file that is encrypted
 */
export async function exportKeys(
  store: ServedKeys,
  keys: readonly KeyRecord[],
  format: ExportFormat,
): Promise<string> {
  if (format === 'yubikey-val') return yubikeyVal(keys);
  const whole: Whole[] = [];
  for (const key of keys) {
    const secret = await store.secretOf(key.publicId);
    if (secret) whole.push({ ...key, ...secret });
  }
  return format === 'pskc' ? pskc(whole) : ykksm(whole, await store.accessCodes());
}
