import type { SvgElement } from '../svg/sanitise.ts';
import { numbersIn, type Outline } from './geometry.ts';
import { outlinesOf } from './path.ts';

/** Outlines of the basic shapes (SVG Tiny 1.2 §9). */
export function shapeOutlines({ name, attributes }: SvgElement): Outline[] {
  const number = (key: string) => Number.parseFloat(attributes.get(key) ?? '') || 0;
  switch (name) {
    case 'rect':
      return rectangle(number('x'), number('y'), number('width'), number('height'), radii(attributes));
    case 'circle':
      return ellipse(number('cx'), number('cy'), number('r'), number('r'));
    case 'ellipse':
      return ellipse(number('cx'), number('cy'), number('rx'), number('ry'));
    case 'line':
      return [{ points: [number('x1'), number('y1'), number('x2'), number('y2')], closed: false }];
    case 'polyline':
    case 'polygon':
      return [{ points: evenly(numbersIn(attributes.get('points') ?? '')), closed: name === 'polygon' }];
    default:
      return [];
  }
}

function radii(attributes: ReadonlyMap<string, string>): readonly [number, number] {
  const [rx, ry] = ['rx', 'ry'].map((key) => Number.parseFloat(attributes.get(key) ?? ''));
  const usable = (value: number | undefined) => value !== undefined && Number.isFinite(value);
  const [a, b] = [usable(rx) ? rx : ry, usable(ry) ? ry : rx];
  return [a && Number.isFinite(a) ? a : 0, b && Number.isFinite(b) ? b : 0];
}

function rectangle(
  x: number,
  y: number,
  width: number,
  height: number,
  [rx, ry]: readonly [number, number],
): Outline[] {
  if (!(width > 0 && height > 0)) return [];
  const [a, b] = [Math.min(Math.abs(rx), width / 2), Math.min(Math.abs(ry), height / 2)];
  if (a === 0 || b === 0)
    return [{ points: [x, y, x + width, y, x + width, y + height, x, y + height], closed: true }];
  const corner = (dx: number, dy: number) => `a${a} ${b} 0 0 1 ${dx} ${dy}`;
  return outlinesOf(
    `M${x + a} ${y}h${width - 2 * a}${corner(a, b)}v${height - 2 * b}${corner(-a, b)}h${2 * a - width}${corner(-a, -b)}v${2 * b - height}${corner(a, -b)}z`,
  );
}

function ellipse(cx: number, cy: number, rx: number, ry: number): Outline[] {
  if (!(rx > 0 && ry > 0)) return [];
  return outlinesOf(`M${cx - rx} ${cy}a${rx} ${ry} 0 0 1 ${2 * rx} 0a${rx} ${ry} 0 0 1 ${-2 * rx} 0z`);
}

function evenly(numbers: number[]): number[] {
  return numbers.length % 2 === 0 ? numbers : numbers.slice(0, -1);
}
