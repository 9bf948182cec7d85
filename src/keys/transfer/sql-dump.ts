import { collector, type Found, rawFromRow } from './entry.ts';

type Columns = readonly string[];

const KSM: Columns = [
  'serialnr',
  'publicname',
  'created',
  'internalname',
  'aeskey',
  'lockcode',
  'creator',
  'active',
  'hardware',
];
const VAL: Columns = [
  'active',
  'created',
  'modified',
  'yk_publicname',
  'yk_counter',
  'yk_use',
  'yk_low',
  'yk_high',
  'nonce',
  'notes',
];
const YUBISERVER: Columns = [
  'nickname',
  'publicname',
  'created',
  'internalname',
  'aeskey',
  'active',
  'counter',
  'time',
];

/** Longest row of a dump, in characters. */
const MAX_ROW = 8192;

const TABLE = String.raw`["'\x60]?(?:\w{1,64}["'\x60]?\.["'\x60]?)?yubikeys["'\x60]?`;
const INSERT = new RegExp(String.raw`INSERT\s+INTO\s+${TABLE}\s*(?:\(([^)]{1,500})\))?\s*VALUES\s*`, 'gi');
const COPY = new RegExp(String.raw`^COPY\s+${TABLE}\s*(?:\(([^)]{1,500})\))?\s+FROM\s+stdin;\r?\n`, 'gim');
const CREATE = new RegExp(
  String.raw`CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?${TABLE}\s*\(([^;]{1,4000})`,
  'i',
);

const names = (list: string) => list.split(',').map((name) => name.replaceAll(/["'`\s]/g, '').toLowerCase());

/** Columns in the order of the table, where the dump says so. */
function declaredColumns(text: string): Columns | undefined {
  const body = CREATE.exec(text)?.[1];
  if (body === undefined) return undefined;
  return body
    .split(',')
    .map((part) => /^\s*["'`]?(\w+)/.exec(part)?.[1]?.toLowerCase() ?? '')
    .filter((name) => [...KSM, ...VAL, ...YUBISERVER].includes(name));
}

const usualColumns = (count: number): Columns => [KSM, VAL, YUBISERVER].find((c) => c.length === count) ?? [];

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/** Values of one row, from behind its parenthesis; `end` is behind the closing one. */
function readRow(text: string, start: number): { values: string[]; end: number } | undefined {
  const values: string[] = [];
  let value = '';
  let quoted = false;
  for (let at = start; at < text.length && at - start < MAX_ROW; at += 1) {
    const char = text[at] ?? '';
    if (quoted) {
      if (char === '\\') {
        at += 1;
        value += ESCAPED[text[at] ?? ''] ?? text[at] ?? '';
      } else if (char !== "'") value += char;
      else if (text[at + 1] === "'") {
        value += "'";
        at += 1;
      } else quoted = false;
    } else if (char === "'") quoted = true;
    else if (char === ',' || char === ')') {
      values.push(value.trim() === 'NULL' ? '' : value.trim());
      value = '';
      if (char === ')') return { values, end: at + 1 };
    } else value += char;
  }
  return undefined;
}

function* insertedRows(text: string): Generator<{ at: number; columns: string; values: string[] }> {
  for (const match of text.matchAll(INSERT)) {
    let at = match.index + match[0].length;
    while (text[at] === '(') {
      const row = readRow(text, at + 1);
      // A row without an end: the dump is damaged from here on.
      if (!row) return;
      yield { at, columns: match[1] ?? '', values: row.values };
      at = row.end;
      while (/[\s,]/.test(text[at] ?? '')) at += 1;
    }
  }
}

function* copiedRows(text: string): Generator<{ at: number; columns: string; values: string[] }> {
  for (const match of text.matchAll(COPY)) {
    let at = match.index + match[0].length;
    while (at < text.length && !text.startsWith('\\.', at)) {
      const end = text.indexOf('\n', at);
      const row = text.slice(at, end === -1 ? text.length : end).replace(/\r$/, '');
      const values = row.slice(0, MAX_ROW).split('\t');
      yield {
        at,
        columns: match[1] ?? '',
        values: values.map((value) => (value === '\\N' ? '' : value)),
      };
      at = end === -1 ? text.length : end + 1;
    }
  }
}

/**
 * Keys from what mysqldump, pg_dump or sqlite3's .dump makes of the table `yubikeys` of yubikey-ksm, yubikey-val or
 * yubiserver. Nothing of it is executed.
 *
 * @returns undefined when it has no such table
 */
export function keysFromSqlDump(text: string): Found | undefined {
  const declared = declaredColumns(text);
  const { add, found } = collector('sql-dump');
  let rows = 0;
  for (const { at, columns, values } of [...insertedRows(text), ...copiedRows(text)]) {
    rows += 1;
    const order =
      columns !== ''
        ? names(columns)
        : declared?.length === values.length
          ? declared
          : usualColumns(values.length);
    add(
      `row ${rows} at character ${at}`,
      rawFromRow(Object.fromEntries(order.map((name, i) => [name, values[i] ?? '']))),
    );
  }
  return rows > 0 || declared ? found() : undefined;
}
