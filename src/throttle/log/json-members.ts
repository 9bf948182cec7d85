import { isSame } from './bytes.ts';
import { ByteCache } from './cache.ts';
import { BELOW_REQUEST, HEADERS, NAMES } from './json.ts';

/** What is read of a line. */
export const CATEGORIES = ['client', 'time', 'bytes', 'site', 'request', 'referer', 'agent'] as const;
export const CATEGORY = { client: 0, time: 1, bytes: 2, site: 3, request: 4, referer: 5, agent: 6 } as const;

const BLANK = 0x20;
const QUOTE = 0x22;
const OPEN_LIST = 0x5b;

/** The place of what is below `request` goes before that of the same name above. */
const ABOVE = 32;

/** The rank of what a line does not have. */
export const NOT_FOUND = 255;

/** Leads of one object that are remembered, and how long they may be. */
const MOST_LEADS = 256;
const LONGEST_LEAD = 56;

/** What a member of an object says. */
export type Role = {
  readonly category: number;
  /** The least counts. */
  readonly rank: number;
  /** It is the first of a list. */
  readonly isListed: boolean;
  /** What the members of it say, if it is an object. */
  readonly below: Members;
  /** Line in which it was seen last. */
  line: number;
};

/** What the value of a member is: a text, a list that begins with one, or something else. */
export const FORM = { text: 0, list: 1, other: 2 } as const;

const FORMS: ReadonlyMap<string, number> = new Map([
  [':', FORM.other],
  [':"', FORM.text],
  [':["', FORM.list],
]);

/** Whether a value can begin so that is no text, and no list that begins with one. */
function isOther(byte: number): boolean {
  return byte > BLANK && byte !== QUOTE && byte !== OPEN_LIST;
}

/**
 * What stands between two values, such as `,"size":`, `{"uri":"` or `, "Accept": [ "`: everything from the comma or
 * brace to where the value begins. A log has its members in one order, so each lead knows the one that followed it last.
 */
export class Lead {
  readonly role: Role | null;
  readonly form: number;
  readonly length: number;
  private readonly written: DataView;
  private next: Lead | null = null;

  /** @param text  its bytes as Latin-1 */
  constructor(text: string, roles: ReadonlyMap<string, Role>) {
    const [, name = '', ...behind] = text.split('"');
    const bytes = Buffer.from(text, 'latin1');
    this.role = roles.get(name) ?? null;
    this.form = FORMS.get(behind.join('"').replace(/\s/g, '')) ?? FORM.other;
    this.length = bytes.length;
    this.written = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The lead that is expected behind the value of this one, if it stands there indeed. */
  guess(bytes: DataView, at: number, end: number): Lead | null {
    const { next } = this;
    return next !== null && at + next.length <= end && next.isAt(bytes, at) ? next : null;
  }

  private isAt(bytes: DataView, at: number): boolean {
    if (!isSame(this.written, 0, bytes, at, this.length)) return false;
    return this.form !== FORM.other || isOther(bytes.getUint8(at + this.length));
  }

  follow(next: Lead): void {
    this.next = next;
  }
}

/** The members that an object may have. */
export class Members {
  /** Comes before the first. */
  readonly begin: Lead;
  private readonly leads: ByteCache<Lead>;

  constructor(roles: ReadonlyMap<string, Role> = new Map()) {
    this.begin = new Lead('', roles);
    this.leads = new ByteCache(MOST_LEADS, MOST_LEADS, LONGEST_LEAD, (text) => new Lead(text, roles));
  }

  /** @param from  where the comma or brace stands. @param to  where the value begins, behind its quote if it is a text */
  lead(bytes: DataView, from: number, to: number): Lead {
    return this.leads.get(bytes, from, to);
  }
}

type Named = readonly [name: string, role: Role];

/** The members of a line, and of an object in it that says nothing. */
export function membersOfLine(): { readonly line: Members; readonly nothing: Members } {
  const nothing = new Members();
  const role = (category: number, rank: number): Role => {
    return { category, rank, isListed: false, below: nothing, line: -1 };
  };
  const rolesOf = (categories: readonly (typeof CATEGORIES)[number][], above: number) =>
    categories.flatMap((category) =>
      NAMES[category].map((name, rank): Named => [name, role(CATEGORY[category], above + rank)]),
    );
  const headers = new Members(
    new Map([
      [HEADERS.referer, { ...role(CATEGORY.referer, 0), isListed: true }],
      [HEADERS.agent, { ...role(CATEGORY.agent, 0), isListed: true }],
    ]),
  );
  const below = new Members(
    new Map([
      ...rolesOf(BELOW_REQUEST, 0),
      ['headers', { ...role(CATEGORY.request, NOT_FOUND), below: headers }],
    ]),
  );
  const roles = new Map(rolesOf(CATEGORIES, ABOVE));
  const request = roles.get('request');
  if (request) roles.set('request', { ...request, below });
  return { line: new Members(roles), nothing };
}
