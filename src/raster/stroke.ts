import type { Outline } from './geometry.ts';

/** Corners of a disc. */
const CORNERS = 16;

/**
 * The area of lines that are drawn along outlines: a bar for each piece and a disc where two meet, all turning one way, so
 * that they add up. At the size of a badge nobody sees the corners that are round.
 */
export function strokeOutlines(outlines: readonly Outline[], width: number, cap: string): Outline[] {
  const half = width / 2;
  return outlines.flatMap(({ points, closed }) => {
    const round = closed ? [...points, points[0] ?? 0, points[1] ?? 0] : points;
    const parts: Outline[] = [];
    for (let at = 0; at + 3 < round.length; at += 2) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = round.slice(at, at + 4);
      const first = at === 0 && !closed;
      const last = at + 5 >= round.length && !closed;
      parts.push(...bar([x1, y1, x2, y2], half, cap === 'square' ? [first, last] : [false, false]));
      if (!first || cap === 'round') parts.push(disc(x1, y1, half));
      if (last && cap === 'round') parts.push(disc(x2, y2, half));
    }
    return parts;
  });
}

function bar(
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  half: number,
  [before, after]: readonly [boolean, boolean],
): Outline[] {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (!(length > 0)) return [];
  const [ux, uy] = [((x2 - x1) / length) * half, ((y2 - y1) / length) * half];
  const [ax, ay] = before ? [x1 - ux, y1 - uy] : [x1, y1];
  const [bx, by] = after ? [x2 + ux, y2 + uy] : [x2, y2];
  return [{ points: [ax + uy, ay - ux, bx + uy, by - ux, bx - uy, by + ux, ax - uy, ay + ux], closed: true }];
}

function disc(x: number, y: number, radius: number): Outline {
  const points: number[] = [];
  for (let corner = 0; corner < CORNERS; corner += 1) {
    const angle = (2 * Math.PI * corner) / CORNERS;
    points.push(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  return { points, closed: true };
}
