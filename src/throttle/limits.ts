import { AppError, ExitCode } from '../errors.ts';

/** What one client may have from one site within a window. */
export type Limits = {
  readonly requests: number;
  /** Bytes that left the server. */
  readonly bytes: number;
};

/** The names of the presets, the loosest first; a new site takes the first. */
export const PRESET_NAMES = ['10000/200M', '2000/50M', '500/20M', '100/5M', '20/2M'] as const;

export type PresetName = (typeof PRESET_NAMES)[number];

export const DEFAULT_PRESET: PresetName = '10000/200M';

/** How long is counted, and how long a block lasts, in milliseconds. */
export const TEN_MINUTES_MS = 600_000;

const SUFFIXES: readonly (readonly [suffix: string, size: number])[] = [
  ['G', 1e9],
  ['M', 1e6],
  ['k', 1e3],
];

/** Largest limits that are taken: a billion requests, a terabyte. */
export const MOST_LIMITS: Limits = { requests: 1e9, bytes: 1e12 };

/**
 * Bytes from a size as people write it: `200M`, `50k`, `1G`; a bare number is bytes, M is 10^6.
 *
 * @returns NaN for anything else
 */
function parseSize(text: string): number {
  const match = /^(\d{1,12})([kKMG]?)$/.exec(text);
  const suffix = match?.[2] === 'K' ? 'k' : match?.[2];
  const size = suffix ? SUFFIXES.find(([name]) => name === suffix)?.[1] : 1;
  return match ? Number(match[1]) * (size ?? 1) : Number.NaN;
}

/** A size as it is echoed: the largest suffix that gives a whole number. */
export function formatSize(bytes: number): string {
  const [suffix, size] = SUFFIXES.find(([, each]) => bytes > 0 && bytes % each === 0) ?? ['', 1];
  return `${bytes / size}${suffix}`;
}

/** Limits as they are typed, such as `500/20M`. */
export function formatLimits({ requests, bytes }: Limits): string {
  return `${requests}/${formatSize(bytes)}`;
}

/**
 * Limits from `REQUESTS/SIZE`: a preset, or a pair of one's own.
 *
 * @throws AppError E_LIMITS (exit 64) for anything else, and where a limit is zero or beyond counting
 */
export function parseLimits(text: string): Limits {
  const [, requests = '', size = ''] = /^(\d{1,10})\/(\w+)$/.exec(text.trim()) ?? [];
  const limits = { requests: Number(requests), bytes: parseSize(size) };
  const right = ([each, most]: readonly [number, number]) => each >= 1 && each <= most;
  if (right([limits.requests, MOST_LIMITS.requests]) && right([limits.bytes, MOST_LIMITS.bytes]))
    return limits;
  throw new AppError(`'${text}' is no limit.`, {
    code: 'E_LIMITS',
    exit: ExitCode.usage,
    hint: `Write requests and bytes in ten minutes: ${PRESET_NAMES.join(', ')}, or a pair of your own such as 300/10M.`,
  });
}

/** The limits of a preset. */
export function limitsOf(name: PresetName): Limits {
  return parseLimits(name);
}
