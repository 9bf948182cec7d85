// What the fuzzer starts from: the examples, the conformance data where it is there, and a whole input of each form.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipOf } from '../../src/lab/zip.ts';

const root = join(import.meta.dirname, '../..');
const MOST = 200;
const LONGEST = 32_768;

/** Files below the project. */
export function filesOf(pattern: string): readonly Buffer[] {
  return globSync(pattern, { cwd: root })
    .sort()
    .slice(0, MOST)
    .map((file) => readFileSync(join(root, file)).subarray(0, LONGEST));
}

function conformanceOf(pattern: string): readonly Buffer[] {
  const folder = process.env['POSTERN_CONFORMANCE'];
  if (!folder || !existsSync(folder)) return [];
  return globSync(pattern, { cwd: folder })
    .sort()
    .slice(0, MOST)
    .map((file) => readFileSync(join(folder, file)).subarray(0, LONGEST));
}

/** Received fields and whole messages. */
export const messages = (): readonly Buffer[] => [
  ...filesOf('examples/**/*.eml'),
  ...filesOf('test/fixtures/received/*.eml'),
  ...conformanceOf('received/**/*.eml'),
  ...conformanceOf('received/**/*.txt').map((text) =>
    Buffer.concat([Buffer.from('Received: '), text, Buffer.from('\r\n')]),
  ),
];

export const texts = (...all: readonly string[]): readonly Buffer[] =>
  all.map((text) => Buffer.from(text, 'latin1'));

/** Reports as they are, packed, and attached. */
export function reports(): readonly Buffer[] {
  const plain = filesOf('examples/reports/*');
  const packed = plain.map((report) => gzipSync(report));
  const zipped = plain.map((report) => zipOf({ 'report.xml': report.toString('utf8') }));
  const mails = [...packed, ...zipped].map((report) =>
    Buffer.from(
      'From: r@receiver.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n' +
        'Content-Type: application/gzip; name=r.gz\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
        `${report.toString('base64').replaceAll(/.{76}/g, '$&\r\n')}\r\n--b--\r\n`,
    ),
  );
  return [...plain, ...packed, ...zipped, ...mails];
}

const ID = 'cccccccccccb';
const PRIVATE = 'd74fbdf6a890';
const AES = '82211e0854e7369e83d941f24761a84e';

/** Files of keys in each format; the ids and secrets are those of yubikey-ksm's documentation. */
export const keyFiles = (): readonly Buffer[] => [
  ...filesOf('test/fixtures/keys/*.csv'),
  ...texts(
    `# ykksm 1\r\n1,${ID},${PRIVATE},${AES},881ae7bee927,2009-12-14T16:40:57, # mine\r\n`,
    `LOGGING START,14.12.2009 16:40\nYubico OTP,14 Dec,16:41,1,${ID},${PRIVATE},${AES},000000000000,000000000000,0,0,0,0,0,0,0,0,0,0\n`,
    `1,1359470658,1359470658,${ID},2,1,32729,4,aoincuhfuahs,\n`,
    `UBAM00001234_1,${AES},yubikey,44,${ID}\n`,
    `INSERT INTO \`yubikeys\` VALUES (1,'${ID}','2009-12-14','${PRIVATE}','${AES}','0','it''s \\'me',1,1),(2,'bad','','','','','',1,1);`,
    `COPY public.yubikeys (active, created, modified, yk_publicname, yk_counter, yk_use, yk_low, yk_high, nonce, notes) FROM stdin;\nt\t1\t1\t${ID}\t2\t1\t32729\t4\tx\t\\N\n\\.\n`,
    `<?xml version="1.0"?><KeyContainer xmlns="urn:ietf:params:xml:ns:keyprov:pskc" Version="1.0"><KeyPackage><DeviceInfo><SerialNo>7</SerialNo></DeviceInfo><Key Id="x" Algorithm="http://www.yubico.com/#yubikey-aes"><Data><Secret><PlainValue>giEeCFTnNp6D2UHyR2GoTg==</PlainValue></Secret></Data><UserId>CN=${ID}, UID=${PRIVATE}</UserId></Key></KeyPackage></KeyContainer>`,
  ),
];
