import type { KeyRecord, KeyStore } from '../store.ts';

/** What keys can be written as. */
export const EXPORT_FORMATS = ['ykksm', 'yubikey-val', 'pskc'] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const timeOf = (ms: number) => new Date(ms).toISOString().slice(0, 19);

/** serial, public id, private id, AES key, access code, created, accessed: the order of yubikey-ksm. */
function ykksm(store: KeyStore, keys: readonly KeyRecord[]): string {
  const codes = new Map(
    store
      .slots()
      .filter(({ state, publicId }) => state === 'current' && publicId !== null)
      .map((record) => [record.publicId, hex(store.contentOf(record).accessCode)]),
  );
  const rows = keys.map((key) => {
    const secret = store.secretOf(key.publicId);
    if (!secret) return '';
    const { privateId, aesKey } = secret;
    const code = codes.get(key.publicId) ?? '000000000000';
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

function pskc(store: KeyStore, keys: readonly KeyRecord[]): string {
  const packages = keys.map(({ publicId, serial }) => {
    const secret = store.secretOf(publicId);
    if (!secret) return '';
    const { privateId, aesKey } = secret;
    return `  <KeyPackage>
    <DeviceInfo><Manufacturer>oath.UB</Manufacturer><SerialNo>${serial ?? 0}</SerialNo></DeviceInfo>
    <Key Id="${publicId}" Algorithm="http://www.yubico.com/#yubikey-aes">
      <Data><Secret><PlainValue>${Buffer.from(aesKey).toString('base64')}</PlainValue></Secret></Data>
      <UserId>CN=${publicId}, UID=${hex(privateId)}</UserId>
    </Key>
  </KeyPackage>
`;
  });
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
export function exportKeys(store: KeyStore, keys: readonly KeyRecord[], format: ExportFormat): string {
  if (format === 'ykksm') return ykksm(store, keys);
  return format === 'pskc' ? pskc(store, keys) : yubikeyVal(keys);
}
