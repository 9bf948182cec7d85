import { isUtf8 } from 'node:buffer';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { escapeMarkup } from '../markup.ts';
import { ELEMENTS, REFERENCE, REFERRING, SVG, unsafeStyle, WITH_TEXT, XLINK, XML } from './allowed.ts';

/** A logo that may be shown, or the reason why not. */
export type Sanitised =
  | {
      readonly kind: 'safe';
      /** Written anew from what was understood; nothing else of the input is in it. */
      readonly svg: string;
      readonly title: string;
      readonly root: SvgElement;
    }
  /** `reason` is the end of a sentence that begins with the logo. */
  | { readonly kind: 'refused'; readonly reason: string };

/** An element of a logo, with what is allowed. */
export type SvgElement = {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: (SvgElement | string)[];
};

const LIMITS = { bytes: 32 * 1024, elements: 2000, depth: 32, drawn: 10_000, title: 64, quote: 60 };

/** Internal: what makes a logo refused. */
class Refused extends Error {}

/**
 * Read a logo and write it anew, if it holds nothing but what SVG Tiny PS (the profile of BIMI) allows: shapes,
 * text, gradients, paint. Nothing is dropped: whatever is not on the list of allowed elements and attributes makes
 * the whole logo refused, for a logo without a part of it is not the company's logo. Comments go.
 *
 * Bounded: 32 KiB, 2,000 elements, 32 levels, 10,000 elements drawn after every `use` is followed.
 */
export function sanitiseSvg(bytes: Uint8Array): Sanitised {
  try {
    const root = read(textOf(bytes));
    checkRoot(root);
    checkReferences(root);
    return { kind: 'safe', svg: write(root, true), title: titleOf(root), root };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', reason: error.message };
    throw error;
  }
}

function refuse(reason: string): never {
  throw new Refused(reason);
}

function quote(text: string): string {
  return `'${text.length > LIMITS.quote ? `${text.slice(0, LIMITS.quote)}…` : text}'`;
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > LIMITS.bytes) refuse(`is larger than ${LIMITS.bytes / 1024} KiB`);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) refuse('is compressed');
  if (bytes.includes(0)) refuse('has a NUL byte');
  if (!isUtf8(bytes)) refuse('is not UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return text.replace(/^\ufeff/, '');
}

function read(text: string): SvgElement {
  const reader = new Reader();
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => refuse(`is no well-formed XML (${error.message})`));
  parser.on('xmldecl', ({ encoding, version }) => {
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') refuse('says that it is not UTF-8');
    if (version !== undefined && version !== '1.0') refuse('is not XML 1.0');
  });
  parser.on('doctype', () => refuse('has a document type'));
  parser.on('processinginstruction', ({ target }) => refuse(`has a processing instruction ${quote(target)}`));
  parser.on('cdata', () => refuse('has a CDATA section'));
  parser.on('opentag', (tag) => reader.open(tag));
  parser.on('closetag', () => reader.close());
  parser.on('text', (content) => reader.text(content));
  parser.write(text).close();
  return reader.root ?? refuse('is empty');
}

/** Builds the tree, and refuses as early as it can. */
class Reader {
  root: SvgElement | null = null;
  private readonly open_: SvgElement[] = [];
  private count = 0;

  open(tag: SaxesTagNS): void {
    this.count += 1;
    if (this.count > LIMITS.elements) refuse(`has more than ${LIMITS.elements} elements`);
    if (this.open_.length >= LIMITS.depth) refuse(`is nested deeper than ${LIMITS.depth} levels`);
    const element = elementFrom(tag);
    const parent = this.open_.at(-1);
    if (parent === undefined && element.name !== 'svg') refuse('does not begin with an svg element');
    if (parent !== undefined && element.name === 'svg') refuse('has an svg element in another');
    if (parent !== undefined && (parent.name === 'title' || parent.name === 'desc'))
      refuse(`has an element in its ${parent.name}`);
    parent?.children.push(element);
    this.root ??= element;
    this.open_.push(element);
  }

  close(): void {
    this.open_.pop();
  }

  text(content: string): void {
    const parent = this.open_.at(-1);
    if (parent !== undefined && WITH_TEXT.has(parent.name)) parent.children.push(content);
    else if (content.trim() !== '') refuse(`has text where none belongs: ${quote(content.trim())}`);
  }
}

function elementFrom({ name, prefix, uri, attributes }: SaxesTagNS): SvgElement {
  if (prefix !== '') refuse(`has an element with a prefix, ${quote(name)}`);
  if (uri !== SVG) refuse(`has an element that is not SVG, ${quote(name)}`);
  const allowed = ELEMENTS.get(name) ?? refuse(`has an element that is not allowed, ${quote(name)}`);
  const kept = new Map<string, string>();
  for (const attribute of Object.values(attributes)) {
    if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') checkNamespace(attribute);
    else if (isReference(attribute)) kept.set('xlink:href', referenceOf(name, attribute.value));
    else if (attribute.uri === XML && attribute.local === 'space')
      kept.set('xml:space', space(attribute.value));
    else kept.set(attribute.name, allowedValue(name, allowed, attribute));
  }
  return { name, attributes: kept, children: [] };
}

type Attribute = SaxesTagNS['attributes'][string];

function checkNamespace({ name, value }: Attribute): void {
  const wanted = { xmlns: SVG, 'xmlns:xlink': XLINK, 'xmlns:xml': XML }[name];
  if (wanted === undefined) refuse(`declares another namespace, ${quote(name)}`);
  if (value !== wanted) refuse(`gives ${name} another meaning, ${quote(value)}`);
}

function isReference({ name, local, uri, prefix }: Attribute): boolean {
  return name === 'href' || (local === 'href' && prefix !== '' && uri === XLINK);
}

function referenceOf(element: string, value: string): string {
  if (!REFERRING.has(element)) refuse(`has a reference at ${quote(element)}`);
  if (!REFERENCE.test(value)) refuse(`refers to something outside of itself, ${quote(value)}`);
  return value;
}

function space(value: string): string {
  return value === 'preserve' || value === 'default' ? value : refuse(`has xml:space ${quote(value)}`);
}

function allowedValue(
  element: string,
  allowed: Readonly<Record<string, RegExp>>,
  { name, prefix, value }: Attribute,
): string {
  if (prefix !== '') refuse(`has an attribute that is not allowed, ${quote(name)}`);
  if (name === 'style') {
    const unsafe = unsafeStyle(value);
    return unsafe === null ? value : refuse(`has a style that is not allowed, ${quote(unsafe)}`);
  }
  const rule = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
  if (rule === undefined) refuse(`has an attribute that is not allowed, ${quote(name)} at ${quote(element)}`);
  if (!rule.test(value.trim())) refuse(`has a value that is not allowed, ${name}=${quote(value)}`);
  return value;
}

function checkRoot(root: SvgElement): void {
  const [x, y, width, height, ...more] = (root.attributes.get('viewBox') ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number);
  const sound = [x, y, width, height].every(Number.isFinite) && more.length === 0;
  if (!sound || !(Number(width) > 0 && Number(height) > 0)) refuse('has no viewBox with a size');
  const length = [...titleOf(root)].length;
  if (length === 0) refuse('has no title');
  if (length > LIMITS.title) refuse(`has a title of more than ${LIMITS.title} characters`);
}

function titleOf(root: SvgElement): string {
  const title = root.children.find((each) => typeof each !== 'string' && each.name === 'title');
  return title === undefined || typeof title === 'string'
    ? ''
    : title.children.join('').replace(/\s+/g, ' ').trim();
}

/** What `fill="url(#a)"` and the like point at, and what `use` draws again. */
function checkReferences(root: SvgElement): void {
  const byId = new Map<string, SvgElement>();
  visit(root, (element) => {
    const id = element.attributes.get('id');
    if (id !== undefined && byId.has(id)) refuse(`has the id ${quote(id)} twice`);
    if (id !== undefined) byId.set(id, element);
  });
  visit(root, (element) => {
    for (const value of element.attributes.values()) {
      const [, id] = /^(?:url\()?#([A-Za-z_][\w.-]*)/.exec(value) ?? [];
      if (id !== undefined && !isHexColour(value) && !byId.has(id))
        refuse(`refers to ${quote(`#${id}`)}, which is not there`);
    }
  });
  drawn(root, byId, new Map(), new Set());
}

function isHexColour(value: string): boolean {
  return /^#[\da-fA-F]{3,8}$/.test(value.trim());
}

function visit(element: SvgElement, see: (element: SvgElement) => void): void {
  see(element);
  for (const child of element.children) if (typeof child !== 'string') visit(child, see);
}

/** How many elements are drawn for this one: each `use` draws a tree again, and ten levels of ten are a bomb. */
function drawn(
  element: SvgElement,
  byId: ReadonlyMap<string, SvgElement>,
  known: Map<SvgElement, number>,
  open: Set<SvgElement>,
): number {
  if (open.has(element)) refuse('refers to itself');
  const before = known.get(element);
  if (before !== undefined) return before;
  open.add(element);
  const target = byId.get(element.attributes.get('xlink:href')?.slice(1) ?? '');
  let count = 1 + (target === undefined ? 0 : drawn(target, byId, known, open));
  for (const child of element.children)
    if (typeof child !== 'string') count += drawn(child, byId, known, open);
  if (count > LIMITS.drawn) refuse(`draws more than ${LIMITS.drawn} elements`);
  open.delete(element);
  known.set(element, count);
  return count;
}

function write({ name, attributes, children }: SvgElement, isRoot = false): string {
  const linked = isRoot ? ` xmlns="${SVG}" xmlns:xlink="${XLINK}"` : '';
  const written = [...attributes].map(([key, value]) => ` ${key}="${escapeMarkup(value)}"`).join('');
  const inner = children
    .map((child) => (typeof child === 'string' ? escapeMarkup(child) : write(child)))
    .join('');
  return inner === '' ? `<${name}${linked}${written}/>` : `<${name}${linked}${written}>${inner}</${name}>`;
}
