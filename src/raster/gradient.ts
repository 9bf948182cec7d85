import type { SvgElement } from '../svg/sanitise.ts';
import type { Paint } from './canvas.ts';
import { apply, invert, type Matrix, multiply, type Outline, readTransform } from './geometry.ts';
import { type Colour, readColour, readShare } from './paint.ts';

/** What a gradient is laid over. */
export type Ground = {
  /** In the space of the element. */
  readonly outlines: readonly Outline[];
  /** From samples to that space. */
  readonly inverse: Matrix;
  readonly opacity: number;
};

type Stop = { readonly at: number; readonly colour: Colour };

/** A gradient refers to another for its stops, that one to a third, and so on; the logo was checked for circles. */
const MAX_REFERENCES = 10;

/** SVG Tiny 1.2 §11.15; beyond its ends the colours of the ends go on. */
export function gradientPaint(
  server: SvgElement,
  byId: ReadonlyMap<string, SvgElement>,
  { outlines, inverse, opacity }: Ground,
): Paint | null {
  const chain = chainOf(server, byId);
  const stops = stopsOf(chain, opacity);
  const [first] = stops;
  if (first === undefined) return null;
  const attribute = (name: string) =>
    chain.find(({ attributes }) => attributes.has(name))?.attributes.get(name);
  const box = attribute('gradientUnits') === 'userSpaceOnUse' ? null : boxOf(outlines);
  const own = readTransform(attribute('gradientTransform') ?? '');
  const space = invert(box === null ? own : multiply(box, own));
  if (space === null) return () => first.colour;
  const toGradient = multiply(space, inverse);
  const number = (name: string, fallback: number) => lengthOf(attribute(name), fallback);
  const share =
    server.name === 'linearGradient'
      ? along(number('x1', 0), number('y1', 0), number('x2', 1), number('y2', 0))
      : around(number('cx', 0.5), number('cy', 0.5), number('r', 0.5));
  return (x, y) => colourAt(stops, share(...apply(toGradient, x, y)));
}

function chainOf(server: SvgElement, byId: ReadonlyMap<string, SvgElement>): readonly SvgElement[] {
  const chain = [server];
  while (chain.length < MAX_REFERENCES) {
    const next = byId.get(chain.at(-1)?.attributes.get('xlink:href')?.slice(1) ?? '');
    if (next === undefined) break;
    chain.push(next);
  }
  return chain;
}

function stopsOf(chain: readonly SvgElement[], opacity: number): readonly Stop[] {
  for (const { children } of chain) {
    const stops = children.filter(
      (child): child is SvgElement => typeof child !== 'string' && child.name === 'stop',
    );
    if (stops.length > 0) return stops.map((each) => stopOf(each, opacity));
  }
  return [];
}

function stopOf({ attributes }: SvgElement, opacity: number): Stop {
  const said = (name: string) =>
    new RegExp(`(?:^|;)\\s*${name}\\s*:\\s*([^;]+)`).exec(attributes.get('style') ?? '')?.[1] ??
    attributes.get(name);
  const [r, g, b, a] = readColour(said('stop-color') ?? '#000') ?? [0, 0, 0, 0];
  return {
    at: readShare(attributes.get('offset'), 0),
    colour: [r, g, b, a * opacity * readShare(said('stop-opacity'), 1)],
  };
}

function lengthOf(text: string | undefined, fallback: number): number {
  const value = Number.parseFloat(text ?? '');
  if (!Number.isFinite(value)) return fallback;
  return text?.trim().endsWith('%') ? value / 100 : value;
}

/** From the unit square to the box around these outlines. */
function boxOf(outlines: readonly Outline[]): Matrix {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { points } of outlines)
    for (let at = 0; at + 1 < points.length; at += 2) {
      const [x = 0, y = 0] = [points[at], points[at + 1]];
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  return [right - left, 0, 0, bottom - top, left, top];
}

function along(x1: number, y1: number, x2: number, y2: number): (x: number, y: number) => number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  return (x, y) => (length === 0 ? 1 : ((x - x1) * dx + (y - y1) * dy) / length);
}

function around(cx: number, cy: number, r: number): (x: number, y: number) => number {
  return (x, y) => (r > 0 ? Math.hypot(x - cx, y - cy) / r : 1);
}

function colourAt(stops: readonly Stop[], share: number): Colour {
  let before = stops[0] as Stop;
  for (const stop of stops) {
    if (stop.at > share) return mixed(before, stop, share);
    before = stop;
  }
  return before.colour;
}

function mixed(a: Stop, b: Stop, share: number): Colour {
  const part = b.at > a.at ? Math.min(1, Math.max(0, (share - a.at) / (b.at - a.at))) : 0;
  const [r, g, blue, alpha] = a.colour.map((value, index) => value + ((b.colour[index] ?? 0) - value) * part);
  return [r ?? 0, g ?? 0, blue ?? 0, alpha ?? 0];
}
