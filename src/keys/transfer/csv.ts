import { collector, countOf, type Found, NOT_OURS, type RawEntry, rawFromRow } from './entry.ts';

/** Longest line; a key takes about a hundred and fifty characters. */
const MAX_LINE = 4096;

/** Fields of a line: comma or semicolon between them, quoted or not (RFC 4180). */
export function splitFields(line: string, separator = ','): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at];
    if (char === '"' && quoted && line[at + 1] === '"') {
      field += '"';
      at += 1;
    } else if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) {
      fields.push(field.trim());
      field = '';
    } else field += char;
  }
  return [...fields, field.trim()];
}

type Layout = (fields: readonly string[]) => RawEntry | string;

const isHex = (text: string | undefined, digits: number) =>
  text !== undefined && text.length === digits && /^[0-9a-f]+$/i.test(text);

/** serial, public id, private id, AES key, access code, created, accessed, flags: ykksm, ykman, personalization GUI. */
const keyProvisioning: Layout = ([serial, publicId, privateId, aesKey]) => {
  if (aesKey === undefined) return 'it has fewer than four fields';
  // The GUI writes its other slots in the same columns: their third field is a moving factor or empty.
  if (!isHex(privateId, 12)) return `${NOT_OURS}: it has no private id`;
  return { serial, publicId, privateId, aesKey };
};

/** "Yubico OTP", date, slot, public id, private id, AES key, two access codes, ten flags; a date may hold commas. */
const traditional: Layout = (fields) => {
  const at = fields.findIndex((field, index) => isHex(field, 32) && isHex(fields[index - 1], 12));
  if (at < 2) return `${NOT_OURS}: it has no AES key behind a private id`;
  return { publicId: fields[at - 2], privateId: fields[at - 1], aesKey: fields[at] };
};

const VAL_COLUMNS = [
  'active',
  'created',
  'modified',
  'yk_publicname',
  'yk_counter',
  'yk_use',
  'yk_low',
  'yk_high',
];

/** The export of yubikey-val: counters without secrets. */
const validation: Layout = (fields) =>
  rawFromRow(Object.fromEntries(VAL_COLUMNS.map((name, index) => [name, fields[index] ?? ''])));

/** privacyIDEA names a token by letters, the serial number of the key, and its slot. */
const serialOfToken = (token = '') => /^[A-Z]+0*(\d+)_\d$/i.exec(token)?.[1];

/** serial of the token, AES key, "yubikey", length of the OTP, public id: the token list of privacyIDEA. */
const tokenList: Layout = ([token, aesKey, , , publicId]) => ({
  serial: serialOfToken(token),
  publicId,
  aesKey,
});

/** A header of privacyIDEA, whose columns stand in any order. */
function namedColumns(names: readonly string[]): Layout | undefined {
  const lower = names.map((name) => name.toLowerCase().replace(/^yubikey\./, ''));
  const column = (...wanted: readonly string[]) => lower.findIndex((name) => wanted.includes(name));
  const at = {
    aesKey: column('otpkey', 'seed', 'key', 'aeskey'),
    type: column('tokentype', 'type'),
    publicId: column('prefix', 'publicname', 'public_id', 'publicid'),
    privateId: column('tokenid', 'private_id', 'privateid', 'internalname'),
    count: column('count', 'counter'),
    active: column('active'),
    token: column('serial'),
  };
  if (at.aesKey < 0 || at.type < 0) return undefined;
  return (fields) => {
    if (fields[at.type]?.toLowerCase() !== 'yubikey') return NOT_OURS;
    const count = countOf(fields[at.count], 0xff_ffff);
    const counters = count ? { useCounter: String(count >> 8), sessionUse: String(count & 0xff) } : {};
    return {
      serial: serialOfToken(fields[at.token]),
      publicId: fields[at.publicId],
      aesKey: fields[at.aesKey],
      privateId: fields[at.privateId],
      active: fields[at.active],
      ...counters,
    };
  };
}

type Dialect = { readonly name: string; readonly layout: Layout; readonly separator: string };

/** Which of the formats a file has, from the first of its lines that says so. */
function dialectOf(lines: readonly string[]): Dialect | undefined {
  for (const line of lines.slice(0, 50)) {
    const separator = line.includes(';') && !line.includes(',') ? ';' : ',';
    const fields = splitFields(line, separator);
    if (/^logging start/i.test(line)) return { name: 'gui-traditional', layout: traditional, separator };
    const named = namedColumns(fields);
    if (named) return { name: 'privacyidea', layout: named, separator };
    if (fields[2]?.toLowerCase() === 'yubikey' && isHex(fields[1], 32))
      return { name: 'privacyidea', layout: tokenList, separator };
    if (/^[01tf]$/i.test(fields[0] ?? '') && /^\d+$/.test(fields[1] ?? '') && /^\d+$/.test(fields[2] ?? ''))
      if (fields.length >= 8 && /^\d+$/.test(fields[4] ?? ''))
        return { name: 'yubikey-val', layout: validation, separator };
    if (/^\d*$/.test(fields[0] ?? '') && fields.length >= 4 && /^[cbdefghijklnrtuv]*$/i.test(fields[1] ?? ''))
      return { name: 'ykksm', layout: keyProvisioning, separator };
    if (fields.length >= 16) return { name: 'gui-traditional', layout: traditional, separator };
  }
  return undefined;
}

/**
 * Keys from comma-separated values of any of the programs that write them.
 *
 * @returns undefined when it is none of them
 */
export function keysFromCsv(text: string): Found | undefined {
  const lines = text.split(/\r\n|\n|\r/).map((line, index) => ({ number: index + 1, line }));
  const rows = lines.filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
  const named = /^# ykksm/.test(text)
    ? { name: 'ykksm', layout: keyProvisioning, separator: ',' }
    : undefined;
  const dialect = dialectOf(rows.map(({ line }) => line)) ?? named;
  if (!dialect) return undefined;
  const { add, leave, found } = collector(dialect.name);
  for (const { number, line } of rows) {
    const where = `line ${number}`;
    if (/^(logging start|active,|"?serial"?[,;])/i.test(line)) continue;
    if (line.length > MAX_LINE) {
      leave(where, `it is longer than ${MAX_LINE} characters`);
      continue;
    }
    const plain = dialect.name === 'ykksm' ? line.replace(/\s+#.*$/, '') : line;
    const raw = dialect.layout(splitFields(plain, dialect.separator));
    if (typeof raw === 'string') leave(where, raw);
    else add(where, raw);
  }
  return found();
}
