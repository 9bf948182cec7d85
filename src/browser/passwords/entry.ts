/** One entry of a password manager's export, before anything is decided about it. */
export type Entry = {
  /** Its place in the export, counted from 1: the row of a table, or the entry of a list. */
  readonly number: number;
  readonly name: string;
  /** The page it leads to. */
  readonly url: string;
  /** The page it is filled in on, where that is told apart. */
  readonly matchUrl: string;
  readonly username: string;
  readonly password: string;
  readonly note: string;
  readonly folder: string;
  /** Seeds of one-time passwords. */
  readonly oneTimeSecrets: readonly string[];
  /** Further pairs for the same site. */
  readonly alternates: readonly { readonly username: string; readonly password: string }[];
  /** Whatever else was captured, by label. */
  readonly fields: readonly { readonly label: string; readonly value: string }[];
};

/** An export as it was read. */
export type Export = {
  readonly format: 'csv' | 'html';
  readonly encoding: 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'windows-1252';
  readonly entries: readonly Entry[];
};

/** An entry that has nothing yet. */
export function emptyEntry(number: number): Entry {
  return {
    number,
    name: '',
    url: '',
    matchUrl: '',
    username: '',
    password: '',
    note: '',
    folder: '',
    oneTimeSecrets: [],
    alternates: [],
    fields: [],
  };
}
