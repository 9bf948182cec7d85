import { Parser } from 'htmlparser2';
import { badExport, MAX_ENTRIES } from './csv.ts';
import { type Entry, emptyEntry } from './entry.ts';

/** Most text of one cell, in UTF-16 units. */
const MAX_CELL = 100_000;

type Cell = { readonly kind: 'caption' | 'subcaption' | 'label' | 'value'; readonly text: string };

/** RoboForm sprinkles places where a line may break through its values. */
const tidy = (text: string) =>
  text
    .replaceAll(/[\u00ad\u200b]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** What a cell is by its class; the list of Windows 7 calls labels and values both `field`. */
function kindOf(className: string): Cell['kind'] | 'field' | null {
  const names = className.toLowerCase().split(/\s+/);
  if (names.includes('caption')) return 'caption';
  if (names.includes('subcaption')) return 'subcaption';
  if (names.includes('wordbreakfield')) return 'value';
  return names.includes('field') ? 'field' : null;
}

/** Cells with a class that RoboForm's lists have, in order; scripts, styles and everything else are passed over. */
function cellsOf(html: string): readonly Cell[] {
  const cells: Cell[] = [];
  let open: { kind: Cell['kind'] | 'field'; text: string } | null = null;
  let silent = 0;
  let inRow = 0;
  const close = () => {
    if (!open) return;
    const kind = open.kind === 'field' ? (inRow % 2 === 0 ? 'label' : 'value') : open.kind;
    inRow = kind === 'label' ? 1 : 0;
    cells.push({ kind, text: tidy(open.text) });
    open = null;
  };
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        if (name === 'script' || name === 'style') silent += 1;
        if (name === 'tr') inRow = 0;
        if (name !== 'td' && name !== 'th') return;
        close();
        const kind = kindOf(attributes['class'] ?? '');
        open = kind && { kind, text: '' };
      },
      ontext: (text) => {
        if (!open || silent > 0) return;
        if (open.text.length + text.length > MAX_CELL) throw badExport('A cell of this list is too long.');
        open.text += text;
      },
      onclosetag: (name) => {
        if (name === 'script' || name === 'style') silent = Math.max(0, silent - 1);
        if (name === 'td' || name === 'th' || name === 'tr' || name === 'table') close();
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  );
  parser.end(html);
  close();
  return cells;
}

/** Labels of passwords and of names, in the languages that RoboForm's lists are seen in. */
const PASSWORD =
  /pass|pwd|kennwort|contrase|mot de passe|senha|wachtwoord|lösen|парол|密码|パスワード|^pin$/i;
const USER =
  /user|login|e-?mail|benutzer|account|konto|usuario|utilisateur|identifiant|utente|gebruiker|логин|имя/i;
const ONE_TIME = /totp|one.?time|einmal/i;
const NOTE = /^(?:note|notes|notiz|notizen|nota|notas)\b/i;

type Pair = { readonly label: string; readonly value: string };

/** Which of an entry's pairs is what: by label, and by place where no label says so. */
function withPairs(entry: Entry, pairs: readonly Pair[]): Entry {
  const oneTime = pairs.filter(({ label }) => ONE_TIME.test(label));
  const rest = pairs.filter((pair) => !oneTime.includes(pair));
  const notes = rest.filter(({ label }) => NOTE.test(label));
  const fields = rest.filter((pair) => !notes.includes(pair));
  const passwords = fields.filter(({ label }) => PASSWORD.test(label));
  const guessed = passwords[0] ?? (fields.length === 2 && entry.url !== '' ? fields[1] : undefined);
  const users = fields.filter(
    (pair) => !passwords.includes(pair) && pair !== guessed && USER.test(pair.label),
  );
  const user = users[0] ?? fields.find((pair) => pair !== guessed && !passwords.includes(pair));
  const others = fields.filter((pair) => pair !== guessed && pair !== user);
  const alternates = passwords.slice(1).map(({ value }, index) => ({
    username: users[index + 1]?.value ?? user?.value ?? '',
    password: value,
  }));
  return {
    ...entry,
    username: guessed ? (user?.value ?? '') : '',
    password: guessed?.value ?? '',
    note: notes.map(({ value }) => value).join('\n'),
    oneTimeSecrets: oneTime.map(({ value }) => value),
    alternates,
    fields: (guessed ? others : fields).filter((pair) => !passwords.includes(pair)),
  };
}

/** A title holds the folder, too. */
function titled(number: number, title: string): Entry {
  const at = Math.max(title.lastIndexOf('/'), title.lastIndexOf('\\'));
  return {
    ...emptyEntry(number),
    name: title.slice(at + 1).trim(),
    folder: at > 0 ? title.slice(0, at).trim() : '',
  };
}

/**
 * Entries of RoboForm's printed list (versions 6 and 7, Mac). It is cut into cells and never run.
 *
 * @throws {AppError} E_EXPORT, exit 65, when it is none
 */
export function readHtmlExport(html: string): readonly Entry[] {
  const entries: Entry[] = [];
  let current = null as Entry | null;
  let pairs: Pair[] = [];
  let label = '';
  const finish = () => {
    if (current) entries.push(withPairs(current, pairs));
    if (entries.length > MAX_ENTRIES) throw badExport(`There are more than ${MAX_ENTRIES} entries.`);
    pairs = [];
    label = '';
  };
  for (const { kind, text } of cellsOf(html)) {
    if (kind === 'caption') {
      finish();
      current = titled(entries.length + 1, text);
    } else if (kind === 'subcaption' && current)
      current = { ...current, url: current.url || text.replaceAll(' ', '') };
    else if (kind === 'label') label = text.replace(/:$/, '');
    else if (kind === 'value' && current && text !== '') {
      pairs.push({ label, value: text });
      label = '';
    }
  }
  finish();
  if (entries.length === 0)
    throw badExport('This is no printed list of RoboForm: no entry can be found in it.');
  return entries;
}
