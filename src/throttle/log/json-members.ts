import { keep, stands, wordsOf } from './bytes.ts';
import { BELOW_REQUEST, HEADERS, NAMES } from './json.ts';

const BLANK = 0x20;
const QUOTE = 0x22;
const OPEN_LIST = 0x5b;
const OPEN = 0x7b;

/** What is read of a line. */
export const CATEGORIES = ['client', 'time', 'bytes', 'site', 'request', 'referer', 'agent'] as const;
export const CATEGORY = { client: 0, time: 1, bytes: 2, site: 3, request: 4, referer: 5, agent: 6 } as const;

/** The place of what is below `request` goes before that of the same name above. */
const ABOVE = 32;

/** The rank of what a line does not have. */
export const NOT_FOUND = 255;

/** What a member of an object says. */
export type Role = {
  readonly category: number;
  /** The least counts. */
  readonly rank: number;
  /** It is the first of a list. */
  readonly isListed: boolean;
  /** What the members of it say, if it is an object. */
  readonly below: Roles;
  /** Line in which it was seen last. */
  line: number;
};

type Roles = ReadonlyMap<string, Role>;

const NO_ROLES: Roles = new Map();

/** An object, by the names that lead to it. Where nothing counts, all objects are one. */
export class Place {
  readonly roles: Roles;
  /** Null for that which is the whole line. */
  readonly parent: Place | null;
  readonly depth: number;
  /** What may stand behind a value here, by how it is written. */
  readonly leads = new Map<string, Lead>();
  private readonly below = new Map<Role | null, Place>();

  constructor(roles: Roles, parent: Place | null) {
    this.roles = roles;
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + 1;
  }

  /** The object that is the value of a member. */
  inner(role: Role | null): Place {
    let place = this.below.get(role);
    if (!place) {
      place = new Place(role?.below ?? NO_ROLES, this);
      this.below.set(role, place);
    }
    return place;
  }
}

/** What a value is: a text, a list that begins with one, or something else; or there is none, and the line ends. */
export const FORM = { text: 0, list: 1, other: 2, none: 3 } as const;

export type Led = {
  /** The object in which the value lies. */
  readonly place: Place;
  readonly role: Role | null;
  readonly form: number;
  /** Members whose values begin on the way. */
  readonly passed: readonly Role[];
};

/** Leads that may follow one, so many are tried. */
const MOST_NEXT = 12;

/** A value has to stay the same so often before it is taken for a part of the lead. */
const OFTEN = 8;

/** Whoever changes so often meanwhile is not looked at any more. */
const RESTLESS = 200;

/** Longest lead that is remembered, and longest value that becomes a part of one, in bytes. */
export const LONGEST = 240;
const LONGEST_USUAL = 48;

/**
 * What stands between two values, such as `,"size":`, `{"uri":"` or `]}}, "duration": `: everything from behind the one
 * to where the other begins. A log has its members in one order, or in few, so each lead knows those that followed it.
 *
 * A value that says nothing and is always the same becomes a part of a longer lead in time, such as
 * `,"proto":"HTTP/2.0","method":"GET","uri":"`, and is passed with it at once.
 */
export class Lead implements Led {
  readonly place: Place;
  readonly role: Role | null;
  readonly form: number;
  readonly passed: readonly Role[];
  readonly length: number;
  private readonly written: Float64Array;
  private readonly next: Lead[] = [];
  private usual: Float64Array | null = null;
  private usualLength = -1;
  private same = 0;
  private changes = 0;
  private follower: Lead | null = null;

  /** @param text  its bytes as Latin-1 */
  constructor(text: string, { place, role, form, passed }: Led) {
    const bytes = Buffer.from(text, 'latin1');
    this.place = place;
    this.role = role;
    this.form = form;
    this.passed = passed;
    this.length = bytes.length;
    this.written = new Float64Array(wordsOf(bytes.length));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    keep(view, 0, bytes.length, this.written, 0);
  }

  /** The lead behind the value of this one, if it is one of those that followed before. */
  guess(bytes: DataView, at: number, end: number): Lead | null {
    const { next } = this;
    for (let each = 0; each < next.length; each += 1) {
      const lead = next[each] as Lead;
      if (!lead.isAt(bytes, at, end)) continue;
      // Those that come often are looked at first.
      if (each > 0) {
        next[each] = next[each - 1] as Lead;
        next[each - 1] = lead;
      }
      return lead;
    }
    return null;
  }

  /** Take notice of what follows the value. @returns whether it followed the last time, too */
  isFollowedBy(lead: Lead): boolean {
    if (this.follower === lead) return true;
    this.follower = lead;
    this.same = 0;
    return false;
  }

  /** Try this one first from now on. */
  expect(lead: Lead): void {
    const known = this.next.indexOf(lead);
    if (known !== -1) this.next.splice(known, 1);
    else if (this.next.length === MOST_NEXT) this.next.pop();
    this.next.unshift(lead);
  }

  private isAt(bytes: DataView, at: number, end: number): boolean {
    const behind = at + this.length;
    if (behind > end || !stands(this.written, 0, this.length, bytes, at)) return false;
    if (this.form === FORM.none) return behind === end;
    return this.form !== FORM.other || isOther(bytes.getUint8(behind));
  }

  /** Take notice of the value behind this lead. @returns whether it has been the same for long */
  isUsual(bytes: DataView, from: number, to: number): boolean {
    if (this.role !== null || this.changes > RESTLESS) return false;
    const length = to - from;
    if (this.usual !== null && length === this.usualLength && stands(this.usual, 0, length, bytes, from)) {
      this.same += 1;
      if (this.same < OFTEN) return false;
      this.changes = 0;
      return true;
    }
    this.changes += 1;
    this.same = 0;
    this.usualLength = length <= LONGEST_USUAL ? length : -1;
    this.usual ??= new Float64Array(wordsOf(LONGEST_USUAL));
    if (this.usualLength !== -1) keep(bytes, from, length, this.usual, 0);
    return false;
  }
}

/** Whether a value can begin so that is no text, and no list or object that begins with something. */
function isOther(byte: number): boolean {
  return byte > BLANK && byte !== QUOTE && byte !== OPEN_LIST && byte !== OPEN;
}

/** Leads that are remembered at a time, and how many are made before all are forgotten. */
const MOST_LEADS = 4000;
const MOST_MADE = 100_000;

/** All leads of a log, each once, so that what one has learned is there wherever it stands. */
export class Leads {
  /** Comes before the first. */
  readonly begin: Lead;
  private made = 0;

  constructor() {
    this.begin = new Lead('', { place: lineOf(), role: null, form: FORM.none, passed: [] });
  }

  /** Whether so many were made that what is remembered is of little use: names of members may be anybody's. */
  get isWorn(): boolean {
    return this.made >= MOST_MADE;
  }

  /** @param from  the object in which the value before it lies. @param text  its bytes as Latin-1 */
  lead(from: Place, text: string, led: Led): Lead {
    const known = from.leads.get(text);
    if (known) return known;
    const lead = new Lead(text, led);
    this.made += 1;
    if (text.length <= LONGEST && this.made <= MOST_LEADS) from.leads.set(text, lead);
    return lead;
  }

  /** A lead, the value behind it and the lead behind that as one. */
  joined(from: Place, text: string, first: Lead, last: Lead): Lead {
    const { place, role, form } = last;
    return this.lead(from, text, { place, role, form, passed: [...first.passed, ...last.passed] });
  }
}

type Named = readonly [name: string, role: Role];

/** The object that is a line. */
function lineOf(): Place {
  const role = (category: number, rank: number): Role => {
    return { category, rank, isListed: false, below: NO_ROLES, line: -1 };
  };
  const rolesOf = (categories: readonly (typeof CATEGORIES)[number][], above: number) =>
    categories.flatMap((category) =>
      NAMES[category].map((name, rank): Named => [name, role(CATEGORY[category], above + rank)]),
    );
  const headers = new Map([
    [HEADERS.referer, { ...role(CATEGORY.referer, 0), isListed: true }],
    [HEADERS.agent, { ...role(CATEGORY.agent, 0), isListed: true }],
  ]);
  const below = new Map([
    ...rolesOf(BELOW_REQUEST, 0),
    ['headers', { ...role(CATEGORY.request, NOT_FOUND), below: headers }] as const,
  ]);
  const roles = new Map(rolesOf(CATEGORIES, ABOVE));
  const request = roles.get('request');
  if (request) roles.set('request', { ...request, below });
  return new Place(roles, null);
}
