/** What a value must be, as an expression over the whole of it. */
type Rule = RegExp;

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?`;
const LENGTH = new RegExp(`^${NUMBER}(?:px|pt|pc|mm|cm|in|em|%)?$`);
const NUMBERS = /^[-+.,\deE\s]*$/;
const KEYWORD = /^[a-zA-Z-]{1,40}$/;
const NAME = /^[A-Za-z_][\w.-]{0,99}$/;
const HEX = String.raw`#[\da-fA-F]{3,8}`;
const RGB = String.raw`rgb\([\d\s,.%]{1,40}\)`;
const COLOUR = new RegExp(`^(?:${HEX}|${RGB}|[a-zA-Z]{1,30})$`);
const PAINT = new RegExp(String.raw`^(?:url\(#[A-Za-z_][\w.-]{0,99}\)\s*)?(?:${HEX}|${RGB}|[a-zA-Z]{0,30})$`);
const TRANSFORM = /^(?:\s*,?\s*(?:matrix|translate|scale|rotate|skewX|skewY)\s*\([-+.,\deE\s]{1,200}\))*\s*$/;
const WORDS = /^[\w\s,.'-]{1,200}$/;

/** The namespace of everything in a logo. */
export const SVG = 'http://www.w3.org/2000/svg';
export const XLINK = 'http://www.w3.org/1999/xlink';
export const XML = 'http://www.w3.org/XML/1998/namespace';

/** How shapes are painted: as attributes, and in a style attribute, where no reference may stand. */
const PAINTING: Readonly<Record<string, Rule>> = {
  color: COLOUR,
  'color-rendering': KEYWORD,
  direction: KEYWORD,
  display: KEYWORD,
  'display-align': KEYWORD,
  fill: PAINT,
  'fill-opacity': LENGTH,
  'fill-rule': KEYWORD,
  'font-family': WORDS,
  'font-size': LENGTH,
  'font-style': KEYWORD,
  'font-variant': KEYWORD,
  'font-weight': /^(?:[a-z]{1,20}|[1-9]00)$/,
  'line-increment': /^(?:auto|[\d.]{1,20})$/,
  opacity: LENGTH,
  'shape-rendering': KEYWORD,
  'solid-color': COLOUR,
  'solid-opacity': LENGTH,
  'stop-color': COLOUR,
  'stop-opacity': LENGTH,
  stroke: PAINT,
  'stroke-dasharray': /^(?:none|inherit|[-+.,\deE\s]*)$/,
  'stroke-dashoffset': LENGTH,
  'stroke-linecap': KEYWORD,
  'stroke-linejoin': KEYWORD,
  'stroke-miterlimit': LENGTH,
  'stroke-opacity': LENGTH,
  'stroke-width': LENGTH,
  'text-align': KEYWORD,
  'text-anchor': KEYWORD,
  'text-rendering': KEYWORD,
  'unicode-bidi': KEYWORD,
  'vector-effect': KEYWORD,
  visibility: KEYWORD,
};

const EVERYWHERE: Readonly<Record<string, Rule>> = {
  ...PAINTING,
  id: NAME,
  class: /^[\w\s-]{0,200}$/,
};

const SHAPE: Readonly<Record<string, Rule>> = { ...EVERYWHERE, transform: TRANSFORM };
const GRADIENT: Readonly<Record<string, Rule>> = {
  ...EVERYWHERE,
  gradientUnits: KEYWORD,
  gradientTransform: TRANSFORM,
  spreadMethod: KEYWORD,
};

function lengths(...names: readonly string[]): Readonly<Record<string, Rule>> {
  return Object.fromEntries(names.map((name) => [name, LENGTH]));
}

/** Attributes of each element (SVG Tiny 1.2 without what moves, plays, loads, links or runs: SVG Tiny PS). */
export const ELEMENTS: ReadonlyMap<string, Readonly<Record<string, Rule>>> = new Map(
  Object.entries({
    svg: {
      ...EVERYWHERE,
      ...lengths('width', 'height'),
      version: /^1\.[12]$/,
      baseProfile: /^tiny(?:-ps)?$/,
      viewBox: NUMBERS,
      preserveAspectRatio: /^[a-zA-Z ]{1,40}$/,
    },
    title: { id: NAME },
    desc: { id: NAME },
    defs: EVERYWHERE,
    g: SHAPE,
    use: { ...SHAPE, ...lengths('x', 'y') },
    path: { ...SHAPE, d: /^[MmZzLlHhVvCcSsQqTtAa\d.,+\-eE\s]*$/, pathLength: LENGTH },
    rect: { ...SHAPE, ...lengths('x', 'y', 'width', 'height', 'rx', 'ry') },
    circle: { ...SHAPE, ...lengths('cx', 'cy', 'r') },
    ellipse: { ...SHAPE, ...lengths('cx', 'cy', 'rx', 'ry') },
    line: { ...SHAPE, ...lengths('x1', 'y1', 'x2', 'y2') },
    polyline: { ...SHAPE, points: NUMBERS },
    polygon: { ...SHAPE, points: NUMBERS },
    text: { ...SHAPE, x: NUMBERS, y: NUMBERS, rotate: NUMBERS },
    tspan: { ...EVERYWHERE, x: NUMBERS, y: NUMBERS },
    linearGradient: { ...GRADIENT, ...lengths('x1', 'y1', 'x2', 'y2') },
    radialGradient: { ...GRADIENT, ...lengths('cx', 'cy', 'r') },
    stop: { ...EVERYWHERE, offset: LENGTH },
    solidColor: EVERYWHERE,
  } satisfies Record<string, Readonly<Record<string, Rule>>>),
);

/** Elements that may point at another one. */
export const REFERRING: ReadonlySet<string> = new Set(['use', 'linearGradient', 'radialGradient']);

/** Elements in which text may stand. */
export const WITH_TEXT: ReadonlySet<string> = new Set(['title', 'desc', 'text', 'tspan']);

/** `#name` */
export const REFERENCE = /^#([A-Za-z_][\w.-]{0,99})$/;

/**
 * Whether a style attribute holds nothing but paint: known properties with values as in attributes, and no
 * reference.
 *
 * @returns the property that is not, or null
 */
export function unsafeStyle(text: string): string | null {
  for (const declaration of text.split(';')) {
    if (declaration.trim() === '') continue;
    const [, name = '', value = ''] = /^\s*([a-z-]{1,40})\s*:\s*([^:]*?)\s*$/.exec(declaration) ?? [];
    const rule = Object.hasOwn(PAINTING, name) ? PAINTING[name] : undefined;
    if (rule === undefined || !rule.test(value) || value.includes('(#')) return name || declaration.trim();
  }
  return null;
}
