import { AppError, ExitCode } from '../../errors.ts';
import { type Entry, emptyEntry } from './entry.ts';

/** Most entries of one export that are taken. */
export const MAX_ENTRIES = 100_000;

/** Most fields of one row. */
const MAX_FIELDS = 2000;

/** What is wrong with an export, in one line; never with anything out of it. */
export function badExport(message: string): AppError {
  return new AppError(message, {
    code: 'E_EXPORT',
    exit: ExitCode.input,
    hint: 'Export once more from RoboForm: Options, Account & Data, Export, as a CSV file.',
  });
}

/**
 * Rows of a CSV text (RFC 4180): quoted fields may hold anything, a quote in them is doubled. A quote within an
 * unquoted field stands for itself.
 *
 * @throws {AppError} E_EXPORT, exit 65, for a quote that is never closed, or too many rows or fields
 */
export function parseCsv(text: string, comma = ','): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const endField = (value: string) => {
    row.push(value);
    if (row.length > MAX_FIELDS)
      throw badExport(`Row ${rows.length + 1} has more than ${MAX_FIELDS} fields.`);
  };
  const endRow = () => {
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
    if (rows.length > MAX_ENTRIES + 1) throw badExport(`There are more than ${MAX_ENTRIES} entries.`);
  };
  const plain = new RegExp(`[${comma}\r\n]|$`, 'g');
  while (at < text.length) {
    let value = '';
    if (text[at] === '"') {
      at += 1;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote < 0) throw badExport(`A quote in row ${rows.length + 1} is never closed.`);
        value += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        value += '"';
        at += 1;
      }
    }
    plain.lastIndex = at;
    const end = plain.exec(text)?.index ?? text.length;
    endField(value + text.slice(at, end));
    at = end;
    if (text[at] === comma) {
      at += 1;
      if (at === text.length) endField('');
      continue;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at += 1;
    at += 1;
    endRow();
  }
  if (row.length > 0) endRow();
  return rows;
}

/** RoboForm puts a quote before a value that begins with `@` or a quote, and nothing else. */
const unescaped = (value: string) => (/^'[@']/.test(value) ? value.slice(1) : value);

type Field = { readonly label: string; readonly type: string; readonly value: string };

/** A captured field, `Key$,,,type,value`, in one column of its own. */
function fieldOf(column: string): Field {
  const [label = '', , , type, ...value] = column.split(',');
  return type === undefined
    ? { label: '', type: 'txt', value: column }
    : { label: label.replace(/\$$/, ''), type, value: unescaped(value.join(',')) };
}

const isUser = ({ label }: Field) => /^user\s*id$/i.test(label);
const isPassword = ({ label, type }: Field) => /^password$/i.test(label) || type === 'pwd';
const isOneTime = ({ label }: Field) => /^(?:totp(?:\s*key)?|otp)$/i.test(label);

/** Further pairs: what the first pair has is no alternate. */
function alternatesOf(
  fields: readonly Field[],
  first: { username: string; password: string },
): Entry['alternates'] {
  const users = fields.filter(isUser);
  const passwords = fields.filter((field) => isPassword(field) && !isOneTime(field));
  const count = Math.max(users.length, passwords.length);
  const pairs = Array.from({ length: count }, (_, index) => ({
    username: users[index]?.value ?? first.username,
    password: passwords[index]?.value ?? first.password,
  }));
  return pairs.filter(({ username, password }) => username !== first.username || password !== first.password);
}

const known = (field: Field) => isUser(field) || isPassword(field) || isOneTime(field);

/** Names of columns, as they have been called. */
const COLUMNS = {
  name: ['name'],
  url: ['url'],
  matchUrl: ['matchurl'],
  username: ['login', 'username'],
  password: ['pwd', 'password'],
  note: ['note'],
  folder: ['folder'],
} as const;

function columnsOf(header: readonly string[]) {
  const names = header.map((name) => name.trim().toLowerCase());
  const at = (key: keyof typeof COLUMNS) =>
    names.findIndex((name) => (COLUMNS[key] as readonly string[]).includes(name));
  const extra = names.findIndex((name) => /^rf_?fields(?:v2)?$/.test(name));
  return { at, extra };
}

/**
 * Entries of RoboForm's CSV export. The last named column is the first of many: each further one is a captured field.
 *
 * @throws {AppError} E_EXPORT, exit 65, when it is none
 */
export function readCsvExport(text: string): readonly Entry[] {
  const [header = [], ...rows] = parseCsv(text);
  const { at, extra } = columnsOf(header);
  if (at('name') < 0 || at('password') < 0 || at('url') < 0)
    throw badExport('This is no CSV export of RoboForm: it has no columns Name, Url and Pwd.');
  return rows.map((row, index) => entryOf(row, index + 1, at, extra < 0 ? header.length : extra));
}

function entryOf(
  row: readonly string[],
  number: number,
  at: (key: keyof typeof COLUMNS) => number,
  extra: number,
): Entry {
  const value = (key: keyof typeof COLUMNS) => unescaped(row[at(key)] ?? '');
  const fields = row
    .slice(extra)
    .filter((column) => column !== '')
    .map(fieldOf);
  const first = {
    username: value('username') || (fields.find(isUser)?.value ?? ''),
    password:
      value('password') || (fields.find((field) => isPassword(field) && !isOneTime(field))?.value ?? ''),
  };
  return {
    ...emptyEntry(number),
    name: value('name'),
    url: value('url'),
    matchUrl: value('matchUrl'),
    note: value('note'),
    folder: value('folder'),
    ...first,
    oneTimeSecrets: fields.filter(isOneTime).map((field) => field.value),
    alternates: alternatesOf(fields, first),
    fields: fields.filter((field) => !known(field)).map(({ label, value: text }) => ({ label, value: text })),
  };
}
