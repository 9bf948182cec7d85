import type { ThrottleSimulateResult } from '../../schema/throttle.ts';
import { type Html, html, page } from '../html.ts';
import { stepWords } from './throttle-simulate.ts';

type Steps = ThrottleSimulateResult['demand']['steps']['requests'];
type Busy = ThrottleSimulateResult['demand']['busiest'][number];

/** Clients that are listed on the page. */
const LISTED = 50;

const number = (value: number): string => value.toLocaleString('en');
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const STYLE = `
:root { color-scheme: light dark; --people: #2f88ad; --programs: #c97a12; --dim: #57606a; --line: #d0d7de; --bg: #fff; --fg: #1f2328; --preset: #ab2325; }
@media (prefers-color-scheme: dark) { :root { --people: #3f9fc6; --programs: #e5a344; --dim: #9198a1; --line: #3d444d; --bg: #0d1117; --fg: #f0f6fc; --preset: #ff9d96; } }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; font: 16px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
h1 { font-size: 1.25rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
p.dim, figcaption, td.dim { color: var(--dim); }
figure { margin: 0; overflow-x: auto; } svg { width: 100%; min-width: 34rem; height: auto; }
svg.key { width: 10px; min-width: 0; } svg text { fill: var(--dim); font: 11px system-ui, sans-serif; } svg .value { fill: var(--fg); }
.people { fill: var(--people); } .programs { fill: var(--programs); } .axis { stroke: var(--line); } .preset { fill: none; stroke: var(--preset); stroke-dasharray: 4 3; } svg text.name { fill: var(--preset); }
table { border-collapse: collapse; width: 100%; } th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; overflow-wrap: anywhere; } td.figure, th.figure { text-align: right; font-variant-numeric: tabular-nums; }
`;

/** Bars of clients by their demand; the height is logarithmic, the number stands above. */
function histogram(title: string, steps: Steps, format: (value: number) => string): Html {
  const most = Math.max(1, ...steps.map(({ people, programs }) => people + programs));
  const scale = (value: number) => (value === 0 ? 0 : 6 + (Math.log1p(value) / Math.log1p(most)) * 114);
  const bars = steps.map(({ people, programs }, index) => {
    const all = people + programs;
    const total = scale(all);
    const lower = all === 0 ? 0 : (total * people) / all;
    const x = index * 80 + 10;
    return html`<rect class="people" x="${x}" y="${140 - lower}" width="60" height="${lower}"/><rect class="programs" x="${x}" y="${140 - total}" width="60" height="${total - lower}"/><text class="value" text-anchor="middle" x="${x + 30}" y="${134 - total}">${all === 0 ? '' : number(all)}</text><text text-anchor="middle" x="${x + 30}" y="158">${stepWords(steps, index, format)}</text>`;
  });
  return html`<figure><svg viewBox="0 0 ${steps.length * 80} 166" role="img" aria-label="${title}">${bars}</svg><figcaption>${title}</figcaption></figure>`;
}

const PLOT = { width: 860, height: 340, left: 60, bottom: 40, top: 10 };

/** One dot for each of the busiest clients, both axes logarithmic, with the limits of the presets as steps. */
function scatter(busiest: readonly Busy[], presets: readonly string[]): Html {
  const { width, height, left, bottom, top } = PLOT;
  const x = (requests: number) => left + (Math.log10(Math.max(1, requests)) / 6) * (width - left - 10);
  const y = (bytes: number) =>
    height - bottom - ((Math.log10(Math.max(1000, bytes)) - 3) / 8) * (height - bottom - top);
  const limits = presets.map((name) => {
    const [requests = 0, bytes = 0] = name.split('/').map((part) => Number(part.replace('M', '000000')));
    return html`<path class="preset" d="M${x(requests)} ${height - bottom}V${y(bytes)}H${left}"/><text class="name" x="${x(requests) + 4}" y="${y(bytes) - 4}">${name}</text>`;
  });
  const dots = busiest.map(
    ({ client, requests, bytes, looksHuman }) =>
      html`<circle class="${looksHuman ? 'people' : 'programs'}" cx="${x(requests)}" cy="${y(bytes)}" r="4" fill-opacity=".7"><title>${client}: ${number(requests)} requests, ${megabytes(bytes)}</title></circle>`,
  );
  const ticks = [1, 10, 100, 1000, 10_000, 100_000].map(
    (each) =>
      html`<text text-anchor="middle" x="${x(each)}" y="${height - bottom + 16}">${number(each)}</text>`,
  );
  const sizes = [1e4, 1e6, 1e8, 1e10].map(
    (each) => html`<text text-anchor="end" x="${left - 6}" y="${y(each) + 4}">${`${each / 1e6} MB`}</text>`,
  );
  return html`<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Requests and bytes of the busiest clients, with the limits of the presets"><path class="axis" fill="none" d="M${left} ${top}V${height - bottom}H${width - 10}"/>${ticks}${sizes}${limits}${dots}<text text-anchor="middle" x="${width / 2}" y="${height - 6}">requests in ten minutes</text></svg><figcaption>Each dot is one of the ${busiest.length} busiest clients; what lies outside of a dashed corner is refused by that preset.</figcaption></figure>`;
}

function presetRows({ presets, recommendation }: ThrottleSimulateResult): Html[] {
  return Object.entries(presets).map(
    ([name, { totals }]) =>
      html`<tr><td>${name === recommendation.preset ? html`<strong>${name}</strong> recommended` : name}</td><td class="figure">${number(totals.clients)}</td><td class="figure">${number(totals.refusedRequests)} (${(totals.refusedShare * 100).toFixed(1)} %)</td><td class="figure">${megabytes(totals.refusedBytes)}</td><td class="figure">${totals.people === 0 ? 'none' : `${number(totals.people)}, ${number(totals.peopleRequests)} requests`}</td></tr>`,
  );
}

function busyRows(busiest: readonly Busy[]): Html[] {
  return busiest
    .slice(0, LISTED)
    .map(
      ({ client, site, requests, bytes, looksHuman }) =>
        html`<tr><td><code>${client}</code></td><td>${site ?? ''}</td><td class="figure">${number(requests)}</td><td class="figure">${megabytes(bytes)}</td><td class="dim">${looksHuman ? 'a person' : 'a program'}</td></tr>`,
    );
}

/** One page with what each preset would have done, and what clients asked for. */
export function simulationHtml(result: ThrottleSimulateResult): string {
  const { summary, totals, demand, presets } = result;
  const facts = `${number(totals.requests)} requests, ${megabytes(totals.bytes)}, of ${number(totals.clients)} clients, from ${totals.from ?? ''} to ${totals.to ?? ''}; ${result.window} window.`;
  const body = html`<main>
<h1>${summary}</h1>
<p class="dim">${facts} Files: ${result.files.join(', ')}.</p>
<h2>What each preset would have done</h2>
<table><thead><tr><th>Preset</th><th class="figure">Clients blocked</th><th class="figure">Requests refused</th><th class="figure">Bytes refused</th><th class="figure">People among them</th></tr></thead><tbody>${presetRows(result)}</tbody></table>
<h2>What clients asked for in their busiest ten minutes</h2>
<p class="dim"><svg class="key" width="10" height="10"><rect class="people" width="10" height="10"/></svg> reads like a person · <svg class="key" width="10" height="10"><rect class="programs" width="10" height="10"/></svg> programs</p>
${histogram('Clients by requests', demand.steps.requests, number)}
${histogram('Clients by bytes', demand.steps.bytes, (bytes) => `${number(bytes / 1e6)} MB`)}
${scatter(demand.busiest, Object.keys(presets))}
<h2>The busiest clients</h2>
<table><thead><tr><th>Client</th><th>Site</th><th class="figure">Requests</th><th class="figure">Bytes</th><th>Reads like</th></tr></thead><tbody>${busyRows(demand.busiest)}</tbody></table>
</main>`;
  return page('Simulation of presets', body, { style: STYLE });
}
