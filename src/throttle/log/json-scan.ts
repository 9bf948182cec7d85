import { hasAsset } from './asset.ts';
import { isHexDigit, nextInText, textOf } from './bytes.ts';
import { ByteCache, NOWHERE } from './cache.ts';
import { ByteClock } from './clock.ts';
import { isClient, isTool } from './entry.ts';
import { withoutPort } from './json.ts';
import {
  CATEGORIES,
  CATEGORY,
  FORM,
  type Lead,
  Leads,
  LONGEST,
  NOT_FOUND,
  type Role,
} from './json-members.ts';
import { type Known, newlyKnown, type Scanned } from './known.ts';
import { epochMs } from './time.ts';

const TAB = 0x09;
const CR = 0x0d;
const BLANK = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const DASH = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** What may follow a backslash (RFC 8259 §7), apart from `u`. */
const ESCAPED: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const UNICODE = 0x75;

/** `e`, in lower case. */
const EXPONENT = 0x65;

const WORDS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);

/** Most digits that a number holds exactly. */
const EXACT_DIGITS = 15;

/** Deeper than any log. */
const DEEPEST = 16;

/** Longest name of a site that is read here, in bytes. */
const LONGEST_SITE = 255;

/** A site as a log names it, and a number of its own. */
type Site = { readonly text: string; readonly number: number };

/**
 * Reads objects, one a line, where they lie, without making strings and objects of them. It takes what JSON.parse
 * would take, and of that what is written plainly: a member that stands twice, an escape in what counts, or a number
 * in an unusual place is for the parser of whole lines to judge.
 */
export class JsonScanner {
  private readonly request: Scanned;
  private leads = new Leads();
  private readonly agents = new ByteCache(1 << 8, 1 << 16, 256, isTool);
  private readonly clients = new ByteCache(1 << 10, 1 << 20, 48, (text) => this.whoIn(text));
  private readonly sites = new ByteCache(1 << 6, 1 << 14, LONGEST_SITE, (text): Site => this.siteIn(text));
  private siteCount = 0;
  private site: Site | null = null;
  // Who was looked for last in a line, and by what.
  private clientAt = NOWHERE;
  private siteAt = NOWHERE;
  private known: Known | null = null;
  // What was taken for the site of the line before, and for the browser that the client had.
  private siteSlot = NOWHERE;
  private siteFrom = NOWHERE;
  private siteTo = NOWHERE;
  private agentSlot = NOWHERE;
  private agentFrom = NOWHERE;
  private agentTo = NOWHERE;
  private readonly clock = new ByteClock();
  private bytes: DataView = new DataView(new ArrayBuffer(0));
  private end = 0;
  private line = 0;
  private hasEscape = false;
  private name = '';
  // Where something was found, and under which of its names.
  private readonly ranks = new Uint8Array(CATEGORIES.length);
  private readonly starts = new Uint32Array(CATEGORIES.length);
  private readonly ends = new Uint32Array(CATEGORIES.length);
  private readonly texts = new Uint8Array(CATEGORIES.length);

  /** @param request  what a line says is told here */
  constructor(request: Scanned) {
    this.request = request;
  }

  /**
   * Read one line.
   *
   * @param from  where its brace stands
   * @param end  where its line feed stands
   * @returns false when the line has to be read in another way
   */
  scan(bytes: DataView, from: number, end: number): boolean {
    this.bytes = bytes;
    this.end = end;
    this.line += 1;
    if (this.leads.isWorn) this.leads = new Leads();
    this.clientAt = NOWHERE;
    this.siteFrom = NOWHERE;
    this.agentFrom = NOWHERE;
    for (let category = 0; category < CATEGORIES.length; category += 1) this.ranks[category] = NOT_FOUND;
    return this.members(from) && this.tell();
  }

  private tell(): boolean {
    const { request } = this;
    const timeMs = this.time();
    const size = this.size();
    const who = Number.isNaN(timeMs) || size === -1 ? null : this.who();
    if (who === null) return false;
    request.timeMs = timeMs;
    request.bytes = size;
    request.who = who;
    request.isTool = this.isTool();
    request.isAsset =
      this.has(CATEGORY.request) &&
      hasAsset(this.bytes, this.start(CATEGORY.request), this.stop(CATEGORY.request));
    request.isReferred = this.isReferred();
    return true;
  }

  private has(category: number): boolean {
    return this.ranks[category] !== NOT_FOUND;
  }

  private start(category: number): number {
    return this.starts[category] ?? 0;
  }

  private stop(category: number): number {
    return this.ends[category] ?? 0;
  }

  private isReferred(): boolean {
    if (!this.has(CATEGORY.referer)) return false;
    const from = this.start(CATEGORY.referer);
    const length = this.stop(CATEGORY.referer) - from;
    return length > 1 || (length === 1 && this.bytes.getUint8(from) !== DASH);
  }

  /** @returns NaN when it is none, or one that is written unusually */
  private time(): number {
    if (!this.has(CATEGORY.time)) return Number.NaN;
    const from = this.start(CATEGORY.time);
    const to = this.stop(CATEGORY.time);
    const isText = this.texts[CATEGORY.time] === 1;
    const timeMs = isText ? this.clock.read(this.bytes, from, to) : this.clock.epoch(this.bytes, from, to);
    if (!Number.isNaN(timeMs) || (isText && !this.isEpoch(from, to))) return timeMs;
    return epochMs(Number(textOf(this.bytes, from, to))) ?? Number.NaN;
  }

  /** Whether a text is seconds since the epoch, such as `1431857103.250`. */
  private isEpoch(from: number, to: number): boolean {
    const point = this.digits(from);
    if (point - from < 9 || point - from > 10) return false;
    return (
      point === to || (this.bytes.getUint8(point) === DOT && point + 1 < to && this.digits(point + 1) === to)
    );
  }

  /** @returns -1 when it is none */
  private size(): number {
    if (!this.has(CATEGORY.bytes)) return 0;
    const from = this.start(CATEGORY.bytes);
    const to = this.stop(CATEGORY.bytes);
    if (this.texts[CATEGORY.bytes] === 1 && to - from === 1 && this.bytes.getUint8(from) === DASH) return 0;
    if (to === from || to - from > EXACT_DIGITS) return -1;
    let size = 0;
    for (let at = from; at < to; at += 1) {
      if (!this.isDigit(at)) return -1;
      size = size * 10 + this.bytes.getUint8(at) - ZERO;
    }
    return size;
  }

  /** Client and site as far as they were found, the same until another one is. */
  private who(): Known | null {
    if (!this.has(CATEGORY.client)) return null;
    const client = this.start(CATEGORY.client);
    const site = this.has(CATEGORY.site) ? this.start(CATEGORY.site) : NOWHERE;
    if (client !== this.clientAt || site !== this.siteAt) {
      this.clientAt = client;
      this.siteAt = site;
      this.known = this.look(client, site);
    }
    return this.known;
  }

  /** Clients are remembered together with the site. */
  private look(client: number, site: number): Known | null {
    const siteEnd = this.stop(CATEGORY.site);
    if (site !== NOWHERE && siteEnd - site > LONGEST_SITE) return null;
    if (site !== NOWHERE && (this.siteFrom !== site || this.siteTo !== siteEnd)) {
      this.siteSlot = this.sites.find(this.bytes, site, siteEnd);
      this.siteFrom = NOWHERE;
    }
    this.site = site === NOWHERE ? null : this.sites.at(this.siteSlot);
    return this.clients.get(this.bytes, client, this.stop(CATEGORY.client), this.site?.number ?? 0);
  }

  /** Where a text ends that begins at a place, if it is what mostly stands there; or -1. */
  private knownEnd(category: number, from: number): number {
    let end = -1;
    if (category === CATEGORY.time) end = this.clock.endOf(this.bytes, from, this.end);
    else if (category === CATEGORY.site) end = this.siteEnd(from);
    else if (category === CATEGORY.agent) end = this.agentEnd(from);
    this.hasEscape = false;
    return end !== -1 && this.bytes.getUint8(end) === QUOTE ? end : -1;
  }

  /** Most lines are about one site. */
  private siteEnd(from: number): number {
    if (this.siteSlot === NOWHERE) return -1;
    this.siteFrom = from;
    this.siteTo = this.sites.endOf(this.siteSlot, this.bytes, from, this.end);
    return this.siteTo;
  }

  /** A client mostly has the browser that it had before. */
  private agentEnd(from: number): number {
    this.agentFrom = from;
    this.agentTo = -1;
    this.agentSlot = this.who()?.agent ?? NOWHERE;
    if (this.agentSlot !== NOWHERE)
      this.agentTo = this.agents.endOf(this.agentSlot, this.bytes, from, this.end);
    return this.agentTo;
  }

  private isTool(): boolean {
    if (!this.has(CATEGORY.agent)) return false;
    const from = this.start(CATEGORY.agent);
    const { who } = this.request;
    const to = this.stop(CATEGORY.agent);
    const isKnown = this.agentFrom === from && this.agentTo === to;
    who.agent = isKnown ? this.agentSlot : this.agents.find(this.bytes, from, to);
    return who.agent === NOWHERE ? isTool(textOf(this.bytes, from, to)) : this.agents.at(who.agent);
  }

  private siteIn(text: string): Site {
    this.siteCount += 1;
    return { text, number: this.siteCount };
  }

  /** @returns null when nobody can be called that */
  private whoIn(text: string): Known | null {
    const client = withoutPort(text);
    return isClient(client) ? newlyKnown(client, this.site?.text ?? null) : null;
  }

  /** Reads all members of the line. */
  private members(from: number): boolean {
    let before = this.leads.begin;
    let lead = before;
    for (let at = from, value = from, isUsual = false; ; ) {
      let next = lead.guess(this.bytes, at, this.end);
      if (next === null) {
        next = this.leadAt(lead, at);
        if (next === null) return false;
        lead.expect(next);
      }
      if (isUsual && lead.isFollowedBy(next)) this.join(before, lead, value, at, next);
      if (next.passed.length > 0 && !this.pass(next.passed)) return false;
      before = lead;
      lead = next;
      value = at + lead.length;
      if (lead.form === FORM.none) return value === this.end;
      at = this.member(lead, value);
      if (at === -1) return false;
      isUsual = lead.isUsual(this.bytes, value, at);
    }
  }

  /** Let a value that is always the same become a part of what leads to the one behind it. */
  private join(before: Lead, first: Lead, value: number, at: number, last: Lead): void {
    const from = value - first.length;
    const to = at + last.length;
    const joined =
      to - from > LONGEST ? null : this.leads.joined(before.place, textOf(this.bytes, from, to), first, last);
    if (joined !== null) before.expect(joined);
  }

  /** Whether members stand there for the first time. */
  private pass(roles: readonly Role[]): boolean {
    return roles.every((role) => this.isFirst(role));
  }

  private isFirst(role: Role): boolean {
    if (role.line === this.line) return false;
    role.line = this.line;
    return true;
  }

  /**
   * Reads what stands behind a value: ends of objects, a comma, the name of a member, and perhaps the beginnings of
   * objects with a name in each. @returns null when that is not there, or is strange
   */
  private leadAt(before: Lead, from: number): Lead | null {
    const passed: Role[] = [];
    let { place } = before;
    let isInside = before === this.leads.begin;
    for (let at = isInside ? from + 1 : from; ; ) {
      at = this.blanks(at);
      if (!isInside) {
        const byte = this.bytes.getUint8(at);
        at += 1;
        if (byte === CLOSE && place.parent !== null) {
          place = place.parent;
          continue;
        }
        if (byte === CLOSE) return this.endAt(before, from, at);
        if (byte !== COMMA) return null;
      }
      const name = this.blanks(at);
      const end = this.valueOf(name);
      if (end === -1) return null;
      const role = place.roles.get(this.name) ?? null;
      if (this.bytes.getUint8(end) !== OPEN || this.isEmpty(end)) {
        const first = this.bytes.getUint8(end) === OPEN_LIST ? this.blanks(end + 1) : end;
        const isText = this.bytes.getUint8(first) === QUOTE;
        const form = isText ? (first === end ? FORM.text : FORM.list) : FORM.other;
        const text = textOf(this.bytes, from, isText ? first + 1 : end);
        return this.leads.lead(before.place, text, { place, role, form, passed });
      }
      if (role !== null) passed.push(role);
      if (place.depth === DEEPEST) return null;
      place = place.inner(role);
      isInside = true;
      at = end + 1;
    }
  }

  /** The end of the line, if it is there. */
  private endAt(before: Lead, from: number, at: number): Lead | null {
    if (this.blanks(at) !== this.end) return null;
    const led = { place: before.place, role: null, form: FORM.none, passed: [] };
    return this.leads.lead(before.place, textOf(this.bytes, from, this.end), led);
  }

  private isEmpty(brace: number): boolean {
    return this.bytes.getUint8(this.blanks(brace + 1)) === CLOSE;
  }

  /** Reads the name of a member. @returns where its value begins, or -1 */
  private valueOf(from: number): number {
    const end = this.bytes.getUint8(from) === QUOTE ? this.text(from) : -1;
    if (end === -1 || this.hasEscape) return -1;
    this.name = textOf(this.bytes, from + 1, end - 1);
    const colon = this.blanks(end);
    return this.bytes.getUint8(colon) === COLON ? this.blanks(colon + 1) : -1;
  }

  /** Reads a value. @param from  where it begins, behind its first quote. @returns where it ends, or -1 */
  private member({ role, form }: Lead, from: number): number {
    if (role !== null && !this.isFirst(role)) return -1;
    if (form === FORM.other) return role === null ? this.value(from, 0) : this.told(role, from);
    const known = role === null ? -1 : this.knownEnd(role.category, from);
    const end = known === -1 ? this.text(from - 1) : known + 1;
    if (end === -1) return -1;
    if (role !== null && role.isListed === (form === FORM.list)) {
      if (this.hasEscape) return -1;
      this.find(role, from, end - 1, 1, end);
    }
    return form === FORM.list ? this.listEnd(end, 1) : end;
  }

  /** Reads a value that is no text. @returns where it ends, or -1 */
  private told(what: Role, from: number): number {
    const end = this.value(from, 0);
    const byte = this.bytes.getUint8(from);
    if (end === -1 || what.isListed || (byte !== DASH && !this.isDigit(from))) return end;
    // A number that is no time and no size would have to be written as JavaScript does.
    const isNumeric = what.category === CATEGORY.time || what.category === CATEGORY.bytes;
    return isNumeric ? this.find(what, from, end, 0, end) : -1;
  }

  private find(what: Role, start: number, stop: number, isText: 0 | 1, end: number): number {
    if (what.rank >= (this.ranks[what.category] ?? 0)) return end;
    this.ranks[what.category] = what.rank;
    this.starts[what.category] = start;
    this.ends[what.category] = stop;
    this.texts[what.category] = isText;
    return end;
  }

  /** Passes over a value. @returns where it ends, or -1 when it is none */
  private value(from: number, depth: number): number {
    const byte = this.bytes.getUint8(from);
    if (byte === QUOTE) return this.text(from);
    if (byte === OPEN) return this.isEmpty(from) ? this.blanks(from + 1) + 1 : -1;
    if (byte === OPEN_LIST) return this.list(from, depth + 1);
    return byte === DASH || this.isDigit(from) ? this.numberEnd(from) : this.word(from, byte);
  }

  /** Passes over a list. @returns where it ends, or -1 */
  private list(from: number, depth: number): number {
    const first = this.blanks(from + 1);
    if (this.bytes.getUint8(first) === CLOSE_LIST) return first + 1;
    const end = depth > DEEPEST ? -1 : this.value(first, depth);
    return end === -1 ? -1 : this.listEnd(end, depth);
  }

  /** Passes over what stands behind a value of a list. @returns where the list ends, or -1 */
  private listEnd(from: number, depth: number): number {
    for (let end = from; end !== -1; ) {
      const at = this.blanks(end);
      const byte = this.bytes.getUint8(at);
      if (byte === CLOSE_LIST) return at + 1;
      end = byte === COMMA ? this.value(this.blanks(at + 1), depth) : -1;
    }
    return -1;
  }

  /** `true`, `false` or `null`. */
  private word(from: number, byte: number): number {
    const word = WORDS.get(byte);
    if (word === undefined || from + word.length > this.end) return -1;
    for (let at = 0; at < word.length; at += 1) if (this.bytes.getUint8(from + at) !== word[at]) return -1;
    return from + word.length;
  }

  /** Passes over a text, from its quote on. @returns where it ends, or -1 */
  private text(from: number): number {
    this.hasEscape = false;
    for (let at = from + 1; ; ) {
      at = nextInText(this.bytes, at, this.end);
      const byte = at < this.end ? this.bytes.getUint8(at) : 0;
      if (byte === QUOTE) return at + 1;
      if (byte !== BACKSLASH) return -1;
      this.hasEscape = true;
      at = this.escape(at + 1);
      if (at === -1) return -1;
    }
  }

  private escape(from: number): number {
    if (ESCAPED.has(this.bytes.getUint8(from))) return from + 1;
    if (this.bytes.getUint8(from) !== UNICODE || from + 5 > this.end) return -1;
    for (let at = from + 1; at < from + 5; at += 1) if (!isHexDigit(this.bytes.getUint8(at))) return -1;
    return from + 5;
  }

  /** `-1.5e+3` (RFC 8259 §6). */
  private numberEnd(from: number): number {
    const first = this.bytes.getUint8(from) === DASH ? from + 1 : from;
    let at = this.digits(first);
    if (at === first || (at > first + 1 && this.bytes.getUint8(first) === ZERO)) return -1;
    if (this.bytes.getUint8(at) === DOT) {
      const point = at + 1;
      at = this.digits(point);
      if (at === point) return -1;
    }
    return (this.bytes.getUint8(at) | BLANK) === EXPONENT ? this.exponentEnd(at + 1) : at;
  }

  private exponentEnd(from: number): number {
    const sign = this.bytes.getUint8(from);
    const first = sign === DASH || sign === PLUS ? from + 1 : from;
    const end = this.digits(first);
    return end === first ? -1 : end;
  }

  private digits(from: number): number {
    let at = from;
    while (this.isDigit(at)) at += 1;
    return at;
  }

  private isDigit(at: number): boolean {
    const byte = this.bytes.getUint8(at);
    return byte >= ZERO && byte <= NINE;
  }

  private blanks(from: number): number {
    let at = from;
    while (isBlank(this.bytes.getUint8(at))) at += 1;
    return at;
  }
}

function isBlank(byte: number): boolean {
  return byte <= BLANK && (byte === BLANK || byte === TAB || byte === CR);
}
