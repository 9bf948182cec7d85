import type { SvgElement } from '../svg/sanitise.ts';
import { type Budget, Canvas, newBudget, type Paint, SAMPLES, spend, TooMuchWork } from './canvas.ts';
import {
  apply,
  IDENTITY,
  invert,
  type Matrix,
  multiply,
  numbersIn,
  type Outline,
  readTransform,
  scaleOf,
} from './geometry.ts';
import { gradientPaint } from './gradient.ts';
import { type Colour, readColour, readShare } from './paint.ts';
import { outlinesOf } from './path.ts';
import { shapeOutlines } from './shapes.ts';
import { strokeOutlines } from './stroke.ts';

/** A square picture: three bytes a pixel, row by row. */
export type Picture = { readonly side: number; readonly pixels: Uint8Array };

/** Largest side, in pixels. */
const MAX_SIDE = 256;

/** What is handed down from an element to those within. */
const INHERITED = [
  'color',
  'fill',
  'fill-opacity',
  'fill-rule',
  'stroke',
  'stroke-linecap',
  'stroke-opacity',
  'stroke-width',
  'visibility',
] as const;

type Style = ReadonlyMap<string, string>;

/** Internal: a part of SVG that is not drawn here. */
class NotDrawn extends Error {}

/**
 * Draw a logo that was made harmless, on white. What has text is not drawn, as there are no fonts here; what would
 * take long is not, either.
 *
 * @param side  of the picture, in pixels
 * @returns null when it is not drawn
 */
export function drawLogo(root: SvgElement, side: number): Picture | null {
  const size = Math.min(MAX_SIDE, Math.max(1, Math.floor(side)));
  try {
    const canvas = new Drawing(root, newBudget()).draw(size * SAMPLES);
    return { side: size, pixels: canvas.pixels() };
  } catch (error) {
    if (error instanceof NotDrawn || error instanceof TooMuchWork) return null;
    throw error;
  }
}

class Drawing {
  private readonly root: SvgElement;
  private readonly budget: Budget;
  private readonly byId = new Map<string, SvgElement>();

  constructor(root: SvgElement, budget: Budget) {
    this.root = root;
    this.budget = budget;
    this.collect(root);
  }

  private collect(element: SvgElement): void {
    const id = element.attributes.get('id');
    if (id !== undefined) this.byId.set(id, element);
    for (const child of element.children) if (typeof child !== 'string') this.collect(child);
  }

  draw(samples: number): Canvas {
    const canvas = new Canvas(samples, this.budget);
    const [x = 0, y = 0, width = 1, height = 1] = numbersIn(this.root.attributes.get('viewBox') ?? '');
    const scale = samples / Math.max(width, height);
    const [left, top] = [(samples - width * scale) / 2, (samples - height * scale) / 2];
    const view: Matrix = [scale, 0, 0, scale, left - x * scale, top - y * scale];
    this.children(this.root, canvas, view, styleOf(this.root, new Map()));
    return canvas;
  }

  private children(element: SvgElement, canvas: Canvas, matrix: Matrix, style: Style): void {
    for (const child of element.children)
      if (typeof child !== 'string') this.element(child, canvas, matrix, style);
  }

  private element(element: SvgElement, canvas: Canvas, outer: Matrix, inherited: Style): void {
    if (SKIPPED.has(element.name)) return;
    const style = styleOf(element, inherited);
    if (style.get('display') === 'none') return;
    const own = readTransform(element.attributes.get('transform') ?? '');
    const matrix = multiply(outer, own);
    const opacity = readShare(style.get('opacity'), 1);
    if (opacity >= 1) return this.content(element, canvas, matrix, style);
    const layer = canvas.layer();
    this.content(element, layer, matrix, style);
    canvas.blend(layer, opacity);
  }

  private content(element: SvgElement, canvas: Canvas, matrix: Matrix, style: Style): void {
    switch (element.name) {
      case 'g':
        return this.children(element, canvas, matrix, style);
      case 'use':
        return this.used(element, canvas, matrix, style);
      case 'text':
      case 'tspan':
        throw new NotDrawn();
      default: {
        const outlines =
          element.name === 'path' ? outlinesOf(element.attributes.get('d') ?? '') : shapeOutlines(element);
        if (style.get('visibility') !== 'hidden') this.paint(outlines, canvas, matrix, style);
      }
    }
  }

  /** References lead to what is there and in no circle: the logo was checked for that. */
  private used(element: SvgElement, canvas: Canvas, matrix: Matrix, style: Style): void {
    const target = this.byId.get(element.attributes.get('xlink:href')?.slice(1) ?? '');
    if (target === undefined) return;
    const [x, y] = ['x', 'y'].map((name) => Number.parseFloat(element.attributes.get(name) ?? '') || 0);
    this.element(target, canvas, multiply(matrix, [1, 0, 0, 1, x ?? 0, y ?? 0]), style);
  }

  private paint(outlines: readonly Outline[], canvas: Canvas, matrix: Matrix, style: Style): void {
    for (const { points } of outlines) spend(this.budget, points.length * POINT_WORK);
    const shape = placed(outlines, matrix);
    const fill = this.paintOf(
      style.get('fill') ?? '#000',
      readShare(style.get('fill-opacity'), 1),
      style,
      outlines,
      matrix,
    );
    if (fill !== null) canvas.fill(shape, style.get('fill-rule') === 'evenodd', fill);
    const stroke = this.paintOf(
      style.get('stroke') ?? 'none',
      readShare(style.get('stroke-opacity'), 1),
      style,
      outlines,
      matrix,
    );
    const width = Number.parseFloat(style.get('stroke-width') ?? '1') * scaleOf(matrix);
    if (stroke !== null && width > 0)
      canvas.fill(strokeOutlines(shape, width, style.get('stroke-linecap') ?? 'butt'), false, stroke);
  }

  private paintOf(
    text: string,
    opacity: number,
    style: Style,
    outlines: readonly Outline[],
    matrix: Matrix,
  ): Paint | null {
    const [, id] = /^url\(#([^)]+)\)/.exec(text) ?? [];
    const server = id === undefined ? undefined : this.byId.get(id);
    if (server !== undefined && server.name !== 'solidColor') {
      const inverse = invert(matrix);
      return inverse && gradientPaint(server, this.byId, { outlines, inverse, opacity });
    }
    const word = server?.attributes.get('solid-color') ?? text;
    const colour = readColour(word === 'currentColor' ? (style.get('color') ?? '#000') : word);
    if (colour === null) return null;
    const [r, g, b, a] = colour;
    const mixed: Colour = [r, g, b, a * opacity];
    return () => mixed;
  }
}

/** What a corner costs before anything is filled, in samples. */
const POINT_WORK = 20;

const SKIPPED: ReadonlySet<string> = new Set([
  'defs',
  'title',
  'desc',
  'linearGradient',
  'radialGradient',
  'solidColor',
]);

/** Attributes, then the style attribute, over what is inherited. */
function styleOf({ attributes }: SvgElement, inherited: Style): Style {
  const style = new Map<string, string>();
  for (const name of INHERITED) {
    const value = inherited.get(name);
    if (value !== undefined) style.set(name, value);
  }
  for (const [name, value] of attributes) if (value.trim() !== 'inherit') style.set(name, value.trim());
  for (const declaration of (attributes.get('style') ?? '').split(';')) {
    const colon = declaration.indexOf(':');
    if (colon > 0) style.set(declaration.slice(0, colon).trim(), declaration.slice(colon + 1).trim());
  }
  return style;
}

function placed(outlines: readonly Outline[], matrix: Matrix): Outline[] {
  if (matrix === IDENTITY) return [...outlines];
  return outlines.map(({ points, closed }) => {
    const moved: number[] = [];
    for (let at = 0; at + 1 < points.length; at += 2)
      moved.push(...apply(matrix, points[at] ?? 0, points[at + 1] ?? 0));
    return { points: moved, closed };
  });
}
