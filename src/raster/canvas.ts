import type { Outline } from './geometry.ts';
import type { Colour } from './paint.ts';

/** Samples of a pixel on each side. */
export const SAMPLES = 4;
/** Steps of work that one picture may cost, so that nobody draws a logo that takes minutes. */
const MAX_WORK = 30_000_000;

/** What an edge costs, and each row that it crosses, in samples that are painted. */
const EDGE_WORK = 30;
const CROSSING_WORK = 10;

/** What a picture costs more than it may. */
export class TooMuchWork extends Error {
  override name = 'TooMuchWork';
}

/** What a point of an outline is painted with. */
export type Paint = (x: number, y: number) => Colour;

/** Work that is left, shared by all layers of a picture. */
export type Budget = { left: number };

export function newBudget(): Budget {
  return { left: MAX_WORK };
}

/** Samples of a square picture, premultiplied, with opacity. */
export class Canvas {
  readonly side: number;
  private readonly samples: Float32Array;
  private readonly budget: Budget;

  /** @param side  in samples */
  constructor(side: number, budget: Budget) {
    this.side = side;
    this.budget = budget;
    spend(budget, side * side);
    this.samples = new Float32Array(side * side * 4);
  }

  /** A layer of the same size. */
  layer(): Canvas {
    return new Canvas(this.side, this.budget);
  }

  /** Put a layer upon this one. */
  blend(layer: Canvas, opacity: number): void {
    spend(this.budget, this.side * this.side);
    for (let at = 0; at < this.samples.length; at += 4) {
      const [r = 0, g = 0, b = 0, a = 0] = layer.samples.subarray(at, at + 4);
      if (a > 0) this.over(at, r * opacity, g * opacity, b * opacity, a * opacity);
    }
  }

  /** Fill outlines, row by row, with the edges that the row meets. */
  fill(outlines: readonly Outline[], evenOdd: boolean, paint: Paint): void {
    const edges = edgesOf(outlines).sort((a, b) => a.top - b.top);
    spend(this.budget, edges.length * EDGE_WORK);
    let next = 0;
    let active: Edge[] = [];
    for (let row = Math.max(0, Math.floor(edges[0]?.top ?? this.side)); row < this.side; row += 1) {
      const y = row + 0.5;
      for (; next < edges.length && (edges[next] as Edge).top <= y; next += 1)
        active.push(edges[next] as Edge);
      active = active.filter(({ bottom }) => bottom > y);
      if (active.length === 0 && next >= edges.length) return;
      this.fillRow(active, row, evenOdd, paint);
    }
  }

  private fillRow(edges: readonly Edge[], row: number, evenOdd: boolean, paint: Paint): void {
    spend(this.budget, edges.length * CROSSING_WORK);
    const y = row + 0.5;
    const crossings = edges
      .map(({ x, slope, top, turn }) => ({ x: x + (y - top) * slope, turn }))
      .sort((a, b) => a.x - b.x);
    let winding = 0;
    for (const [index, { x, turn }] of crossings.entries()) {
      winding += turn;
      const inside = evenOdd ? index % 2 === 0 : winding !== 0;
      if (inside) this.span(row, x, crossings[index + 1]?.x ?? x, paint);
    }
  }

  private span(row: number, from: number, to: number, paint: Paint): void {
    const first = Math.max(0, Math.ceil(from - 0.5));
    const end = Math.min(this.side, Math.ceil(to - 0.5));
    spend(this.budget, Math.max(0, end - first));
    for (let column = first; column < end; column += 1) {
      const [r, g, b, a] = paint(column + 0.5, row + 0.5);
      this.over((row * this.side + column) * 4, r * a, g * a, b * a, a);
    }
  }

  private over(at: number, r: number, g: number, b: number, a: number): void {
    const { samples } = this;
    const below = 1 - a;
    samples[at] = r + (samples[at] ?? 0) * below;
    samples[at + 1] = g + (samples[at + 1] ?? 0) * below;
    samples[at + 2] = b + (samples[at + 2] ?? 0) * below;
    samples[at + 3] = a + (samples[at + 3] ?? 0) * below;
  }

  /** Pixels on white, three bytes each, row by row. */
  pixels(): Uint8Array {
    const side = Math.floor(this.side / SAMPLES);
    const pixels = new Uint8Array(side * side * 3);
    for (let pixel = 0; pixel < side * side; pixel += 1)
      for (let channel = 0; channel < 3; channel += 1)
        pixels[pixel * 3 + channel] = Math.round(
          255 * this.average(pixel % side, Math.floor(pixel / side), channel),
        );
    return pixels;
  }

  private average(x: number, y: number, channel: number): number {
    let sum = 0;
    for (let dy = 0; dy < SAMPLES; dy += 1)
      for (let dx = 0; dx < SAMPLES; dx += 1) {
        const at = ((y * SAMPLES + dy) * this.side + x * SAMPLES + dx) * 4;
        sum += (this.samples[at + channel] ?? 0) + 1 - (this.samples[at + 3] ?? 0);
      }
    return Math.min(1, sum / (SAMPLES * SAMPLES));
  }
}

/** From `top` down to `bottom`; `turn` is 1 for one that was drawn downwards. */
type Edge = {
  readonly top: number;
  readonly bottom: number;
  readonly x: number;
  readonly slope: number;
  readonly turn: 1 | -1;
};

function edgesOf(outlines: readonly Outline[]): Edge[] {
  const edges: Edge[] = [];
  for (const { points } of outlines)
    for (let at = 0; at + 1 < points.length; at += 2) {
      const next = at + 2 < points.length ? at + 2 : 0;
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [points[at], points[at + 1], points[next], points[next + 1]];
      if (y1 === y2 || ![x1, y1, x2, y2].every(Number.isFinite)) continue;
      const slope = (x2 - x1) / (y2 - y1);
      edges.push(
        y1 < y2
          ? { top: y1, bottom: y2, x: x1, slope, turn: 1 }
          : { top: y2, bottom: y1, x: x2, slope, turn: -1 },
      );
    }
  return edges;
}

/** @throws {TooMuchWork} when nothing is left */
export function spend(budget: Budget, steps: number): void {
  budget.left -= steps;
  if (budget.left < 0) throw new TooMuchWork();
}
