import type { Measurement } from '../schema/browser.ts';
import type { Addon } from './addons.ts';
import { type Firefox, type Launch, withFirefox } from './firefox.ts';
import { serveMailbox } from './mailbox.ts';
import { copyProfile } from './profile-copy.ts';

/** What is measured, and how often. */
export type Measuring = Omit<Launch, 'folder'> & {
  readonly rows: readonly number[];
  /** Loads of each page, of which the medians count. */
  readonly runs: number;
  /** Leave out every extension that runs, one at a time. */
  readonly each: boolean;
  /** Told what is being done. */
  readonly onStep?: (text: string) => void;
};

type Figures = Measurement['sizes'][number]['with'];

const SWITCH = `
  const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
  const [on, off] = args;
  for (const id of on) await (await AddonManager.getAddonByID(id))?.enable();
  for (const id of off) await (await AddonManager.getAddonByID(id))?.disable();`;

/** Milliseconds of processor time of all processes of this Firefox. */
const CPU = `
  const { cpuTime, children } = await ChromeUtils.requestProcInfo();
  return children.reduce((sum, child) => sum + child.cpuTime, cpuTime) / 1e6;`;

const LONGEST = `return new Promise((resolve) => {
  const look = setInterval(() => {
    const { longestMs } = document.documentElement.dataset;
    if (longestMs === undefined) return;
    clearInterval(look);
    resolve(Number(longestMs));
  }, 100);
});`;

/** The middle one, or the mean of the two in the middle; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[half - 1] ?? 0, sorted[half] ?? 0];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** How much `y` grows for each `x`, by least squares; 0 where all `x` are the same. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}

/** Load a page once. */
async function load(firefox: Firefox, url: string): Promise<Figures> {
  const before = Number(await firefox.chrome(CPU));
  const stallMs = Number(await firefox.page(url, LONGEST));
  const cpuMs = Math.max(0, Number(await firefox.chrome(CPU)) - before);
  return { stallMs, cpuMs };
}

const whole = ({ stallMs, cpuMs }: Figures): Figures => ({
  stallMs: Math.round(stallMs),
  cpuMs: Math.round(cpuMs),
});

/** Medians for each size of page, with some extensions on and others off. */
async function measureWith(
  folder: string,
  on: readonly string[],
  off: readonly string[],
  url: (rows: number) => string,
  { rows, runs, ...launch }: Measuring,
): Promise<readonly Figures[]> {
  return withFirefox({ ...launch, folder }, async (firefox) => {
    await firefox.chrome(SWITCH, on, off);
    // The first page of a process pays for its start.
    await firefox.page(url(1), LONGEST);
    const figures: Figures[] = [];
    for (const size of rows) {
      const loads: Figures[] = [];
      for (let run = 0; run < runs; run += 1) {
        launch.signal?.throwIfAborted();
        loads.push(await load(firefox, url(size)));
      }
      figures.push(
        whole({
          stallMs: median(loads.map(({ stallMs }) => stallMs)),
          cpuMs: median(loads.map(({ cpuMs }) => cpuMs)),
        }),
      );
    }
    return figures;
  });
}

const growth = (rows: readonly number[], figures: readonly Figures[]) =>
  Math.round(slope(rows.map((size, index) => [size, figures[index]?.stallMs ?? 0])) * 100) / 100;

/**
 * Load pages in a Firefox without a window, on a copy of a profile, with and without RoboForm.
 *
 * @param roboForm  the extensions that are RoboForm
 * @param running   all extensions that run in the profile
 * @throws {AppError} E_FIREFOX, exit 69
 */
export async function measureProfile(
  folder: string,
  roboForm: readonly Addon[],
  running: readonly Addon[],
  how: Measuring,
): Promise<Measurement> {
  const { rows, runs, each, onStep } = how;
  const ids = roboForm.map(({ id }) => id);
  const others = running.map(({ id }) => id).filter((id) => !ids.includes(id));
  const copy = copyProfile(folder);
  const mailbox = await serveMailbox();
  const measure = (on: readonly string[], off: readonly string[]) =>
    measureWith(copy.folder, on, off, mailbox.url, how);
  try {
    onStep?.('with RoboForm');
    const withIt = await measure(ids, []);
    onStep?.('without RoboForm');
    const without = await measure([], ids);
    const ranking: { id: string; name: string; savedMs: number }[] = [];
    for (const addon of each ? running : []) {
      onStep?.(`without ${addon.name}`);
      const all = [...ids, ...others];
      const figures = await measure(
        all.filter((id) => id !== addon.id),
        [addon.id],
      );
      const savedMs = (withIt.at(-1)?.stallMs ?? 0) - (figures.at(-1)?.stallMs ?? 0);
      ranking.push({ id: addon.id, name: addon.name, savedMs });
    }
    const none = { stallMs: 0, cpuMs: 0 };
    return {
      runs,
      sizes: rows.map((size, index) => ({
        rows: size,
        with: withIt[index] ?? none,
        without: without[index] ?? none,
      })),
      growthMsPerRow: { with: growth(rows, withIt), without: growth(rows, without) },
      each: each ? ranking.toSorted((a, b) => b.savedMs - a.savedMs) : null,
    };
  } finally {
    mailbox.close();
    copy.remove();
  }
}
