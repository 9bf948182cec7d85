import type { ThrottleSimulateResult } from '../../schema/throttle.ts';
import { crit, dim, fittedTable, type Line, line, mark, ok, strong, table, warn, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

/** Clients that are listed; `--json` has all. */
const LISTED = 10;

const number = (value: number): string => value.toLocaleString('en');

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

type Presets = ThrottleSimulateResult['presets'];

/** One row a preset. */
function presetRows(presets: Presets, recommended: string, columns: number): Line[] {
  const rows = Object.entries(presets).map(([name, { totals }]) => [
    name === recommended ? strong(`${name} ←`) : name,
    number(totals.clients),
    `${number(totals.blocks)} (${number(totals.byBytes)} by bytes)`,
    `${number(totals.refusedRequests)} (${(totals.refusedShare * 100).toFixed(1)} %)`,
    megabytes(totals.refusedBytes),
    totals.people === 0
      ? dim('none')
      : warn(`${number(totals.people)}, ${number(totals.peopleRequests)} requests`),
  ]);
  const head = ['preset', 'clients', 'blocks', 'requests refused', 'bytes refused', 'people among them'].map(
    dim,
  );
  return fittedTable([head, ...rows], columns, 2);
}

type Steps = ThrottleSimulateResult['demand']['steps']['requests'];

/** Longest bar, in columns. */
const LONGEST_BAR = 30;

/** A step of demand in words. */
export function stepWords(steps: Steps, index: number, format: (value: number) => string): string {
  const upTo = steps[index]?.upTo ?? null;
  return upTo === null ? `over ${format(steps[index - 1]?.upTo ?? 0)}` : `to ${format(upTo)}`;
}

/** Clients by what they asked for at their busiest: one bar a step, its length logarithmic. */
function plot(title: string, steps: Steps, format: (value: number) => string): Line[] {
  const most = Math.max(1, ...steps.map(({ people, programs }) => people + programs));
  const rows = steps.map(({ people, programs }, index) => {
    const all = people + programs;
    const length =
      all === 0 ? 0 : Math.max(1, Math.round((Math.log1p(all) / Math.log1p(most)) * LONGEST_BAR));
    const ofPeople = all === 0 ? 0 : Math.round((length * people) / all);
    const bar = line`${ok('='.repeat(ofPeople))}${warn('#'.repeat(length - ofPeople))}`;
    return [stepWords(steps, index, format), all === 0 ? dim('0') : number(all), bar];
  });
  return [line`  ${dim(title)}`, ...table(rows, 4)];
}

/** What clients asked for, drawn. */
function demandPlot({ demand }: ThrottleSimulateResult): Line[] {
  return [
    [],
    line`${strong('Clients by their busiest ten minutes')}${dim(', = read like a person, # programs')}`,
    ...plot('requests', demand.steps.requests, number),
    ...plot('bytes', demand.steps.bytes, (bytes) => `${number(bytes / 1e6)} MB`),
  ];
}

/** Who would have been blocked by the preset that is recommended, or by the loosest that blocks anybody. */
function clientRows({ presets, recommendation }: ThrottleSimulateResult): Line[] {
  const names = Object.keys(presets) as (keyof Presets)[];
  const shown = [recommendation.preset, ...names].find((name) => presets[name].clients.length > 0);
  if (shown === undefined) return [];
  const { clients } = presets[shown];
  const rows = clients
    .slice(0, LISTED)
    .map(({ client, site, looksHuman, trips, refusedRequests }) => [
      strong(client),
      site ?? '',
      trips[0]?.at ?? '',
      `line ${trips[0]?.line ?? 0}`,
      `by ${trips[0]?.limit ?? ''}`,
      trips.length === 1 ? 'once' : `${trips.length} times`,
      `${number(refusedRequests)} refused`,
      looksHuman ? crit('reads like a person') : '',
    ]);
  const rest = clients.length - rows.length;
  return [
    [],
    line`${strong(`Blocked by ${shown}`)}${dim(', each time for 10 minutes; first time and place')}`,
    ...table(rows, 2),
    ...(rest > 0 ? [line`  ${dim(`and ${number(rest)} more; --json lists all`)}`] : []),
  ];
}

/** What each preset would have done, for people. */
export function renderSimulation(result: ThrottleSimulateResult, columns: number): Line[] {
  const { totals, demand, presets, recommendation, status, summary, checks, broken } = result;
  const head = wrap(line`${mark(status)}  ${strong(summary)}`, columns, 4);
  const findings = [
    ...checks
      .filter(({ info }) => info)
      .flatMap(({ message, evidence }) =>
        wrap(line`  ${dim('· note')}  ${message}${evidence ? dim(` (${evidence})`) : ''}`, columns, 4),
      ),
    ...renderChecks({ summary, checks }, columns),
    ...broken.map(({ file, line: at, text }) => line`    ${dim(`${file}, line ${at}:`)} ${dim(text)}`),
  ];
  if (totals.requests === 0) return [...head, ...findings];
  return [
    ...head,
    ...wrap(
      line`  ${dim(`${number(totals.requests)} requests, ${megabytes(totals.bytes)}, of ${number(totals.clients)} clients, from ${totals.from ?? ''} to ${totals.to ?? ''}; ${result.window} window`)}`,
      columns,
      2,
    ),
    ...wrap(
      line`  ${dim(`busiest ten minutes of a client: half up to ${number(demand.requests.p50)} requests, 99 % up to ${number(demand.requests.p99)}, at most ${number(demand.requests.max)} requests and ${megabytes(demand.bytes.max)}`)}`,
      columns,
      2,
    ),
    [],
    ...presetRows(presets, recommendation.preset, columns),
    ...demandPlot(result),
    ...clientRows(result),
    ...findings,
  ];
}
