import { numbersIn } from './geometry.ts';

/** Red, green, blue and opacity, each from 0 to 1. */
export type Colour = readonly [r: number, g: number, b: number, a: number];

/** The colours of CSS 2.1 and the commonest others; a name that is none of them is drawn black. */
const NAMED: Readonly<Record<string, string>> = {
  black: '#000',
  silver: '#c0c0c0',
  gray: '#808080',
  grey: '#808080',
  white: '#fff',
  maroon: '#800000',
  red: '#f00',
  purple: '#800080',
  fuchsia: '#f0f',
  magenta: '#f0f',
  green: '#008000',
  lime: '#0f0',
  olive: '#808000',
  yellow: '#ff0',
  navy: '#000080',
  blue: '#00f',
  teal: '#008080',
  aqua: '#0ff',
  cyan: '#0ff',
  orange: '#ffa500',
  gold: '#ffd700',
  pink: '#ffc0cb',
  brown: '#a52a2a',
  crimson: '#dc143c',
  indigo: '#4b0082',
  coral: '#ff7f50',
  tomato: '#ff6347',
  darkblue: '#00008b',
  darkgreen: '#006400',
  darkred: '#8b0000',
  lightgray: '#d3d3d3',
  lightgrey: '#d3d3d3',
  darkgray: '#a9a9a9',
  darkgrey: '#a9a9a9',
  royalblue: '#4169e1',
  steelblue: '#4682b4',
  skyblue: '#87ceeb',
};

/** @returns null for `none` and what is no colour at all */
export function readColour(text: string): Colour | null {
  const word = text.trim().toLowerCase();
  if (word === '' || word === 'none' || word === 'transparent') return null;
  if (word.startsWith('rgb')) return fromNumbers(word);
  return fromHex(word.startsWith('#') ? word : (NAMED[word] ?? '#000'));
}

function fromHex(text: string): Colour {
  const digits = text.slice(1);
  const each = digits.length <= 4 ? [...digits].map((digit) => digit + digit) : (digits.match(/../g) ?? []);
  const [r = 0, g = 0, b = 0, a = 255] = each.map((pair) => Number.parseInt(pair, 16));
  return [r / 255, g / 255, b / 255, a / 255];
}

function fromNumbers(text: string): Colour {
  const whole = text.includes('%') ? 100 : 255;
  const [r = 0, g = 0, b = 0] = numbersIn(text).map((value) => Math.min(1, Math.max(0, value / whole)));
  return [r, g, b, 1];
}

/** A share, as `0.5` or `50%`. */
export function readShare(text: string | undefined, fallback: number): number {
  const value = Number.parseFloat(text ?? '');
  if (!Number.isFinite(value)) return fallback;
  return Math.min(1, Math.max(0, text?.trim().endsWith('%') ? value / 100 : value));
}
