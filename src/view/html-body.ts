import { Parser } from 'htmlparser2';
import { escapeMarkup } from '../markup.ts';

/** HTML of a sender, written anew. */
export type SafeHtml = {
  readonly html: string;
  /** What stands in it, as text. */
  readonly text: string;
  /** References to elsewhere that were left out. */
  readonly remote: number;
  /** Elements that do something, which were left out. */
  readonly active: number;
};

/** Images of the message itself by their content id, as data URIs. */
export type InlineImages = ReadonlyMap<string, string>;

const NONE: readonly string[] = [];
const CELL = ['colspan', 'rowspan', 'align', 'valign', 'width', 'height', 'bgcolor', 'nowrap', 'scope'];
const TABLE = ['width', 'height', 'align', 'bgcolor', 'border', 'cellpadding', 'cellspacing'];

/** Elements that show something and do nothing, with their attributes. */
const ELEMENTS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...[
    'abbr',
    'address',
    'article',
    'aside',
    'b',
    'bdi',
    'bdo',
    'big',
    'blockquote',
    'br',
    'caption',
    'center',
    'cite',
    'code',
    'dd',
    'del',
    'dfn',
    'div',
    'dl',
    'dt',
    'em',
    'figcaption',
    'figure',
    'footer',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'header',
    'hr',
    'i',
    'ins',
    'kbd',
    'li',
    'main',
    'mark',
    'ol',
    'p',
    'pre',
    'q',
    's',
    'samp',
    'section',
    'small',
    'span',
    'strike',
    'strong',
    'style',
    'sub',
    'sup',
    'tbody',
    'tfoot',
    'thead',
    'tt',
    'u',
    'ul',
    'var',
    'wbr',
  ].map((name) => [name, NONE] as const),
  ['a', NONE],
  ['font', ['color', 'face', 'size']],
  ['img', ['alt', 'width', 'height', 'align', 'border']],
  ['table', TABLE],
  ['tr', ['align', 'valign', 'bgcolor', 'height']],
  ['td', CELL],
  ['th', CELL],
  ['col', ['span', 'width']],
  ['colgroup', ['span', 'width']],
]);

/** For every element. */
const COMMON: ReadonlySet<string> = new Set(['style', 'class', 'dir', 'lang', 'title']);
const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'wbr', 'col']);
/** What only frames a page: its content is the message's. */
const FRAME: ReadonlySet<string> = new Set(['html', 'head', 'body']);
/** Left out with everything inside. */
const WITH_CONTENT: ReadonlySet<string> = new Set([
  'script',
  'noscript',
  'title',
  'iframe',
  'object',
  'applet',
  'svg',
  'math',
  'template',
  'select',
  'textarea',
  'video',
  'audio',
  'noembed',
  'noframes',
  'xmp',
  'frameset',
]);
const BLOCKS: ReadonlySet<string> = new Set([
  'address',
  'article',
  'blockquote',
  'br',
  'center',
  'dd',
  'div',
  'dt',
  'footer',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'header',
  'hr',
  'li',
  'ol',
  'p',
  'pre',
  'section',
  'table',
  'tr',
  'ul',
]);

/** Browsers nest no deeper than 512; nothing honest comes near. */
const MAX_DEPTH = 200;

/**
 * Write the HTML of a message anew with elements that only show something: no script, form, frame, link, reference
 * to elsewhere. It is meant for a sandboxed frame with a strict policy and takes away beforehand what such a frame
 * would refuse, or what a browser does before it asks (a look-up of names, a connection ahead of time).
 *
 * Works on tokens, so its cost grows with the length alone, whatever the tags are.
 *
 * @param source  the caller limits its length
 */
export function safeHtml(source: string, images: InlineImages): SafeHtml {
  const writer = new Writer(images);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => writer.open(name, attributes),
      onclosetag: (name) => writer.close(name),
      ontext: (text) => writer.text(text),
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  parser.end(source);
  return writer.result();
}

class Writer {
  private readonly images: InlineImages;
  private readonly parts: string[] = [];
  private readonly words: string[] = [];
  private readonly stack: string[] = [];
  /** Open elements that are left out with everything inside. */
  private hidden = 0;
  private remote = 0;
  private active = 0;

  constructor(images: InlineImages) {
    this.images = images;
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (WITH_CONTENT.has(name)) {
      if (name !== 'title' && name !== 'noscript') this.active += 1;
      this.hidden += 1;
    }
    if (this.hidden > 0 || FRAME.has(name)) return;
    const allowed = ELEMENTS.get(name);
    if (allowed === undefined) {
      this.leaveOut(name);
      return;
    }
    if (!VOID.has(name) && this.stack.length >= MAX_DEPTH) return;
    if (BLOCKS.has(name)) this.words.push('\n');
    this.parts.push(`<${name}${this.attributesOf(name, allowed, attributes)}>`);
    if (!VOID.has(name)) this.stack.push(name);
  }

  close(name: string): void {
    if (WITH_CONTENT.has(name)) this.hidden = Math.max(0, this.hidden - 1);
    if (this.hidden > 0 || VOID.has(name) || this.stack.at(-1) !== name) return;
    this.stack.pop();
    this.parts.push(`</${name}>`);
    if (BLOCKS.has(name)) this.words.push('\n');
    else if (name === 'td' || name === 'th') this.words.push(' ');
  }

  text(text: string): void {
    if (this.hidden > 0) return;
    // The text of a style element is no text to a browser: nothing in it may end the element.
    if (this.stack.at(-1) === 'style') this.parts.push(text.replaceAll('<', ''));
    else {
      this.parts.push(escapeMarkup(text));
      this.words.push(this.stack.includes('pre') ? text : text.replaceAll(/\s+/g, ' '));
    }
  }

  result(): SafeHtml {
    const open = this.stack.toReversed().map((name) => `</${name}>`);
    return {
      html: [...this.parts, ...open].join('').trim(),
      text: tidy(this.words.join('')),
      remote: this.remote,
      active: this.active,
    };
  }

  private leaveOut(name: string): void {
    if (name === 'link') this.remote += 1;
    else if (name !== 'meta' && !name.includes(':')) this.active += 1;
  }

  private attributesOf(
    name: string,
    allowed: readonly string[],
    attributes: Readonly<Record<string, string>>,
  ): string {
    let written = '';
    for (const [key, value] of Object.entries(attributes)) {
      if (COMMON.has(key) || allowed.includes(key)) written += ` ${key}="${escapeMarkup(value)}"`;
      else if (key === 'background') this.remote += 1;
    }
    const { href, src } = attributes;
    // Where a link leads is told, and nobody gets there by accident.
    if (name === 'a' && href && !('title' in attributes)) written += ` title="${escapeMarkup(href)}"`;
    if (name === 'img') written += this.image(src ?? '');
    return written;
  }

  private image(src: string): string {
    const inline = src.startsWith('cid:') ? this.images.get(src.slice('cid:'.length)) : undefined;
    const data =
      inline ?? (/^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z\d+/=\s]*$/.test(src) ? src : null);
    if (data !== null) return ` src="${data}"`;
    this.remote += 1;
    return '';
  }
}

function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}
