import { numbersIn, type Outline } from './geometry.ts';

/** Lines that a curve becomes. */
const STEPS = 16;
/** Numbers that each command takes. */
const ARITY: Readonly<Record<string, number>> = {
  m: 2,
  l: 2,
  h: 1,
  v: 1,
  c: 6,
  s: 4,
  q: 4,
  t: 2,
  a: 7,
  z: 0,
};

/** Path data (SVG Tiny 1.2 §8.3, with arcs) as outlines of straight lines. */
export function outlinesOf(data: string): Outline[] {
  const pen = new Pen();
  for (const [, letter = '', text = ''] of data.matchAll(/([a-z])([^a-df-z]*)/gi)) {
    const command = letter.toLowerCase();
    const arity = ARITY[command];
    if (arity === undefined) continue;
    const values = command === 'a' ? arcNumbers(text) : numbersIn(text);
    const relative = letter === command;
    if (arity === 0) pen.close();
    for (let at = 0; arity > 0 && at + arity <= values.length; at += arity) {
      // What follows a move without a letter is drawn.
      const name = command === 'm' && at > 0 ? 'l' : command;
      pen.draw(name, values.slice(at, at + arity), relative);
    }
  }
  return pen.outlines;
}

/** Flags of an arc may stand together: `a1 1 0 01 2 2`. */
function arcNumbers(text: string): number[] {
  const found: number[] = [];
  let rest = text;
  while (rest !== '') {
    const isFlag = found.length % 7 === 3 || found.length % 7 === 4;
    const pattern = isFlag ? /^[\s,]*([01])/ : /^[\s,]*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/i;
    const match = pattern.exec(rest);
    if (match === null) break;
    found.push(Number(match[1]));
    rest = rest.slice(match[0].length);
  }
  return found;
}

class Pen {
  readonly outlines: Outline[] = [];
  private current: Outline | null = null;
  private x = 0;
  private y = 0;
  private startX = 0;
  private startY = 0;
  /** Where the last curve came from, for the ones that go on smoothly. */
  private control: readonly [kind: string, x: number, y: number] | null = null;

  close(): void {
    if (this.current !== null) this.current.closed = true;
    this.current = null;
    [this.x, this.y] = [this.startX, this.startY];
    this.control = null;
  }

  draw(name: string, values: readonly number[], relative: boolean): void {
    const [baseX, baseY] = relative ? [this.x, this.y] : [0, 0];
    const at = (index: number) => (values[index] ?? 0) + (index % 2 === 0 ? baseX : baseY);
    const before = this.control;
    this.control = null;
    switch (name) {
      case 'm':
        this.current = null;
        [this.x, this.y] = [at(0), at(1)];
        [this.startX, this.startY] = [this.x, this.y];
        break;
      case 'l':
        this.line(at(0), at(1));
        break;
      case 'h':
        this.line((values[0] ?? 0) + baseX, this.y);
        break;
      case 'v':
        this.line(this.x, (values[0] ?? 0) + baseY);
        break;
      case 'c':
        this.cubic(at(0), at(1), at(2), at(3), at(4), at(5));
        break;
      case 's': {
        const [x, y] = this.mirrored(before, 'c');
        this.cubic(x, y, at(0), at(1), at(2), at(3));
        break;
      }
      case 'q':
        this.quadratic(at(0), at(1), at(2), at(3));
        break;
      case 't': {
        const [x, y] = this.mirrored(before, 'q');
        this.quadratic(x, y, at(0), at(1));
        break;
      }
      default: {
        const [rx = 0, ry = 0, turn = 0, large = 0, sweep = 0, x = 0, y = 0] = values;
        this.arc({ rx, ry, turn, large: large === 1, sweep: sweep === 1 }, x + baseX, y + baseY);
      }
    }
  }

  private mirrored(before: Pen['control'], kind: string): readonly [number, number] {
    if (before?.[0] !== kind) return [this.x, this.y];
    return [2 * this.x - before[1], 2 * this.y - before[2]];
  }

  private line(x: number, y: number): void {
    if (this.current === null) {
      this.current = { points: [this.x, this.y], closed: false };
      this.outlines.push(this.current);
    }
    this.current.points.push(x, y);
    [this.x, this.y] = [x, y];
  }

  private cubic(x1: number, y1: number, x2: number, y2: number, x: number, y: number): void {
    const [x0, y0] = [this.x, this.y];
    for (let step = 1; step <= STEPS; step += 1) {
      const t = step / STEPS;
      const u = 1 - t;
      const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
      this.line(a * x0 + b * x1 + c * x2 + d * x, a * y0 + b * y1 + c * y2 + d * y);
    }
    this.control = ['c', x2, y2];
  }

  private quadratic(x1: number, y1: number, x: number, y: number): void {
    const [x0, y0] = [this.x, this.y];
    this.cubic(
      x0 + (2 / 3) * (x1 - x0),
      y0 + (2 / 3) * (y1 - y0),
      x + (2 / 3) * (x1 - x),
      y + (2 / 3) * (y1 - y),
      x,
      y,
    );
    this.control = ['q', x1, y1];
  }

  /** SVG 1.1, appendix F.6: from end points to a centre. */
  private arc(
    { rx, ry, turn, large, sweep }: { rx: number; ry: number; turn: number; large: boolean; sweep: boolean },
    x: number,
    y: number,
  ): void {
    let [a, b] = [Math.abs(rx), Math.abs(ry)];
    if (a === 0 || b === 0 || (x === this.x && y === this.y)) return this.line(x, y);
    const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
    const [dx, dy] = [(this.x - x) / 2, (this.y - y) / 2];
    const [px, py] = [cos * dx + sin * dy, -sin * dx + cos * dy];
    const grow = Math.sqrt(Math.max(1, (px * px) / (a * a) + (py * py) / (b * b)));
    [a, b] = [a * grow, b * grow];
    const over = a * a * b * b - a * a * py * py - b * b * px * px;
    const factor =
      (large === sweep ? -1 : 1) * Math.sqrt(Math.max(0, over / (a * a * py * py + b * b * px * px)));
    const [cx, cy] = [(factor * a * py) / b, (-factor * b * px) / a];
    const [middleX, middleY] = [
      cos * cx - sin * cy + (this.x + x) / 2,
      sin * cx + cos * cy + (this.y + y) / 2,
    ];
    const from = Math.atan2((py - cy) / b, (px - cx) / a);
    let sweepBy = Math.atan2((-py - cy) / b, (-px - cx) / a) - from;
    if (sweep && sweepBy < 0) sweepBy += 2 * Math.PI;
    if (!sweep && sweepBy > 0) sweepBy -= 2 * Math.PI;
    for (let step = 1; step <= 2 * STEPS; step += 1) {
      const angle = from + (sweepBy * step) / (2 * STEPS);
      const [ex, ey] = [a * Math.cos(angle), b * Math.sin(angle)];
      this.line(cos * ex - sin * ey + middleX, sin * ex + cos * ey + middleY);
    }
  }
}
