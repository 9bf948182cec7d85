import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { KeyEntry } from '../../../../src/keys/transfer/entry.ts';
import { containerKey, decryptValue, isAuthentic } from '../../../../src/keys/transfer/pskc-secret.ts';
import { readKeys } from '../../../../src/keys/transfer/read.ts';

const ID = 'cccccccccccb';
const PRIVATE = 'd74fbdf6a890';
const AES = '82211e0854e7369e83d941f24761a84e';

const read = (text: string) => readKeys(Buffer.from(text), 'file', undefined);

const shown = ({ aesKey, privateId, ...entry }: KeyEntry) => ({
  ...entry,
  aesKey: aesKey && Buffer.from(aesKey).toString('hex'),
  privateId: privateId && Buffer.from(privateId).toString('hex'),
});

const whole = { publicId: ID, privateId: PRIVATE, aesKey: AES };
const counters = {
  publicId: ID,
  aesKey: null,
  counters: { useCounter: 2, sessionUse: 1, timestamp: 294_873 },
};

const KSM_DUMP = `CREATE TABLE \`yubikeys\` (
  \`serialnr\` int NOT NULL, \`publicname\` varchar(16) NOT NULL, \`created\` varchar(24) NOT NULL,
  \`internalname\` varchar(12) NOT NULL, \`aeskey\` varchar(32) NOT NULL, \`lockcode\` varchar(12) NOT NULL,
  \`creator\` varchar(8) NOT NULL, \`active\` tinyint DEFAULT 1, \`hardware\` tinyint DEFAULT 1);
INSERT INTO \`yubikeys\` VALUES (1,'${ID}','2009-12-14','${PRIVATE}','${AES}','0','it''s \\'me',1,1),(2,'bad id','','','','','',1,1);`;

const VAL_DUMP = `COPY public.yubikeys (active, created, modified, yk_publicname, yk_counter, yk_use, yk_low, yk_high, nonce, notes) FROM stdin;
t\t1359470658\t1359470658\t${ID}\t2\t1\t32729\t4\taoincuhfuahs\t\\N
\\.
`;

const PSKC = (secret: string, before = '') => `<?xml version="1.0"?>
<pskc:KeyContainer xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Version="1.0">${before}
 <pskc:KeyPackage><pskc:DeviceInfo><pskc:SerialNo>7</pskc:SerialNo></pskc:DeviceInfo>
  <pskc:Key Id="x" Algorithm="http://www.yubico.com/#yubikey-aes"><pskc:Data><pskc:Secret>${secret}</pskc:Secret></pskc:Data>
  <pskc:UserId>CN=${ID}, UID=${PRIVATE}</pskc:UserId></pskc:Key></pskc:KeyPackage></pskc:KeyContainer>`;

const plainSecret = `<pskc:PlainValue>${Buffer.from(AES, 'hex').toString('base64')}</pskc:PlainValue>`;

describe('keys are read from', () => {
  test.for([
    [
      'yubikey-ksm',
      'ykksm',
      `# ykksm 1\r\n1,${ID},${PRIVATE},${AES},881ae7bee927,2009-12-14T16:40:57, # mine\r\n`,
      whole,
    ],
    ['ykman', 'ykksm', `1234,${ID},${PRIVATE},${AES},,2026-01-01T00:00:00,\n`, { ...whole, serial: 1234 }],
    ['an AEAD dump', 'ykksm', `8,${ID},${PRIVATE},${AES},000000000000,,,,,,\n`, whole],
    [
      'the traditional log of the personalization program',
      'gui-traditional',
      `LOGGING START,14.12.2009 16:40\nYubico OTP,14 Dec, 2009 16:41,1,${ID},${PRIVATE},${AES},000000000000,000000000000,0,0,0,0,0,0,0,0,0,0\n`,
      whole,
    ],
    [
      'an export of yubikey-val',
      'yubikey-val',
      `1,1359470658,1359470658,${ID},2,1,32729,4,aoincuhfuahs,\n`,
      counters,
    ],
    [
      'caps lock in the counter, which is masked',
      'yubikey-val',
      `0,1359470658,1359470658,${ID},32770,1,32729,4,aoincuhfuahs,\n`,
      { ...counters, state: 'disabled' },
    ],
    [
      'a token list of privacyIDEA',
      'privacyidea',
      `UBAM00001234_1,${AES},yubikey,44,${ID}\n`,
      { publicId: ID, aesKey: AES, privateId: null, serial: 1234 },
    ],
    [
      'a token export of privacyIDEA with a header',
      'privacyidea',
      `serial,otpkey,tokentype,count,yubikey.prefix,yubikey.tokenid\nUBAM00001234_1,${AES},yubikey,513,${ID},${PRIVATE}\n`,
      { ...whole, serial: 1234, counters: { useCounter: 2, sessionUse: 1, timestamp: null } },
    ],
    ['a dump of MySQL', 'sql-dump', KSM_DUMP, { ...whole, state: 'active', serial: 1 }],
    ['a dump of PostgreSQL', 'sql-dump', VAL_DUMP, { ...counters, state: 'active' }],
    ['a key container in clear', 'pskc', PSKC(plainSecret), { ...whole, serial: 7 }],
  ] as const)('%s', async ([, format, text, expected]) => {
    const found = await read(text);
    expect(found.format).toBe(format);
    expect(found.entries.map(shown)).toMatchObject([expected]);
  });

  test.for([
    [
      'yubikey-ksm',
      `serialnr, publicname, created, internalname, aeskey, active`,
      [1, ID, 0, PRIVATE, AES, 1],
      whole,
    ],
    [
      'yubikey-val',
      'yk_publicname, yk_counter INT, yk_use INT, yk_low INT, yk_high INT, active INT',
      [ID, 2, 1, 32_729, 4, 1],
      counters,
    ],
  ] as const)('the database of %s', async ([format, columns, values, expected]) => {
    const file = join(mkdtempSync(join(tmpdir(), 'postern-import-')), 'db.sqlite');
    const database = new DatabaseSync(file);
    database.exec(`CREATE TABLE yubikeys (${columns})`);
    database.prepare(`INSERT INTO yubikeys VALUES (${values.map(() => '?').join(', ')})`).run(...values);
    database.close();
    const found = await readKeys(Buffer.from('SQLite format 3\0'), file, undefined);
    expect(found.format).toBe(format);
    expect(found.entries.map(shown)).toMatchObject([expected]);
  });
});

test('slots that are no Yubico OTP are left out, with their line and no secret', async () => {
  const found = await read(
    `1,${ID},${PRIVATE},${AES},,,\n2,,0,303132333435363738393a3b3c3d3e3f40414243,,,\n3,zz,${PRIVATE},${AES},,,\n`,
  );
  expect(found.entries).toHaveLength(1);
  expect(found.leftOut.map(({ where }) => where)).toEqual(['line 2', 'line 3']);
  expect(JSON.stringify(found.leftOut)).not.toMatch(/3031323334|82211e/);
});

describe('a hostile file', () => {
  test.for([
    [
      'a document type',
      `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]>${PSKC(plainSecret).slice(21)}`,
      'document type',
    ],
    ['deep nesting', `<KeyContainer>${'<a>'.repeat(100)}`, 'nested deeper'],
    ['another root', '<html/>', 'no KeyContainer'],
    ['an undeclared entity', PSKC('<pskc:PlainValue>&x;</pskc:PlainValue>'), 'entity'],
  ] as const)('with %s is refused', async ([, text, why]) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'E_IMPORT',
      exit: 65,
      message: expect.stringContaining(why),
    });
  });

  test('that is a view instead of a table is refused, and its functions do not run', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'postern-import-')), 'db.sqlite');
    const database = new DatabaseSync(file);
    database.exec(`CREATE VIEW yubikeys AS SELECT '${ID}' AS publicname, zeroblob(1000000000) AS serialnr`);
    database.close();
    await expect(readKeys(Buffer.from('SQLite format 3\0'), file, undefined)).rejects.toMatchObject({
      code: 'E_IMPORT',
    });
  });

  test.for([['noise'], ['INSERT INTO `yubikeys` VALUES ('.repeat(20_000)], ['"'.repeat(100_000)]])(
    'of noise ends soon',
    async ([text = '']) => {
      const found = await read(text).catch(() => undefined);
      expect(found?.entries ?? []).toEqual([]);
    },
  );

  test('that is no database though it says so is refused', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'postern-import-')), 'db.sqlite');
    writeFileSync(file, Buffer.concat([Buffer.from('SQLite format 3\0'), randomBytes(4096)]));
    await expect(readKeys(Buffer.from('SQLite format 3\0'), file, undefined)).rejects.toMatchObject({
      code: 'E_IMPORT',
    });
  });
});

const CBC = 'http://www.w3.org/2001/04/xmlenc#aes128-cbc';
const HMAC = 'http://www.w3.org/2000/09/xmldsig#hmac-sha1';

describe('an encrypted key container', () => {
  // RFC 6030, §6.1 and §6.2: the key that was agreed upon, and the one that "qwerty" makes.
  const derivation = {
    salt: Buffer.from('Ej7/PEpyEpw=', 'base64'),
    iterations: 1000,
    length: 16,
    hash: 'sha1',
  };
  test.for([
    [
      'pre-shared key',
      { key: Buffer.from('12345678901234567890123456789012', 'hex') },
      'ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX',
      'AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv',
      'Su+NvtQfmvfJzF6bmQiJqoLRExc=',
    ],
    [
      'passphrase',
      { passphrase: 'qwerty' },
      '2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx',
      'oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f',
      'LP6xMvjtypbfT9PdkJhBZ+D6O4w=',
    ],
  ] as const)('of the RFC opens with its %s', ([, given, macKeyText, valueText, mac]) => {
    const key = containerKey(given, derivation);
    if (typeof key === 'string') throw new Error(key);
    const value = Buffer.from(valueText, 'base64');
    const macKey = decryptValue({ algorithm: CBC, value: Buffer.from(macKeyText, 'base64') }, key);
    if (!macKey) throw new Error('the key of the code does not open');
    expect(isAuthentic(value, Buffer.from(mac, 'base64'), HMAC, macKey)).toBe(true);
    expect(decryptValue({ algorithm: CBC, value }, key)?.toString()).toBe('12345678901234567890');
  });

  const key = randomBytes(16);
  const macKey = randomBytes(20);
  const encrypt = (plain: Uint8Array) => {
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-128-cbc', key, iv);
    return Buffer.concat([iv, cipher.update(plain), cipher.final()]);
  };
  const node = (value: Uint8Array) =>
    `<xenc:EncryptionMethod Algorithm="${CBC}"/><xenc:CipherData><xenc:CipherValue>${Buffer.from(value).toString('base64')}</xenc:CipherValue></xenc:CipherData>`;
  const value = encrypt(Buffer.from(AES, 'hex'));
  const mac = createHmac('sha1', macKey).update(value).digest('base64');
  const head = `<pskc:EncryptionKey><KeyName>k</KeyName></pskc:EncryptionKey><pskc:MACMethod Algorithm="${HMAC}"><pskc:MACKey>${node(encrypt(macKey))}</pskc:MACKey></pskc:MACMethod>`;
  const container = (code: string) =>
    Buffer.from(
      PSKC(
        `<pskc:EncryptedValue>${node(value)}</pskc:EncryptedValue><pskc:ValueMAC>${code}</pskc:ValueMAC>`,
        head,
      ),
    );

  test('gives its keys to whoever has the key, and to nobody else', async () => {
    const opened = await readKeys(container(mac), 'file', { key });
    expect(opened.entries.map(shown)).toMatchObject([whole]);
    for (const [code, given] of [
      [mac, { key: randomBytes(16) }],
      [mac, undefined],
      [randomBytes(20).toString('base64'), { key }],
    ] as const) {
      const found = await readKeys(container(code), 'file', given);
      expect(found).toMatchObject({ entries: [], leftOutCount: 1 });
    }
  });
});
