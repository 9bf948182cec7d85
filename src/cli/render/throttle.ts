import { counted } from '../../counted.ts';
import type {
  ThrottleBlock,
  ThrottleBlocksResult,
  ThrottleCompileResult,
  ThrottleDashboardResult,
  ThrottleExemption,
  ThrottleExemptResult,
  ThrottleExplainResult,
  ThrottleNetwork,
  ThrottleServeResult,
  ThrottleService,
  ThrottleShare,
  ThrottleSite,
  ThrottleSiteShowResult,
  ThrottleStanding,
  ThrottleStatusResult,
  ThrottleTopResult,
} from '../../schema/throttle.ts';
import {
  crit,
  dim,
  fittedTable,
  type Inline,
  type Line,
  line,
  mark,
  ok,
  strong,
  table,
  warn,
  wrap,
} from '../text.ts';
import { formatDuration } from '../units.ts';
import { renderChecks } from './findings.ts';

const number = (value: number): string => value.toLocaleString('en');

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function headed(head: readonly string[], rows: readonly (readonly Inline[])[], columns: number): Line[] {
  return rows.length === 0 ? [] : fittedTable([head.map(dim), ...rows], columns, 2);
}

type Summed = { readonly status: ThrottleStatusResult['status']; readonly summary: string };

/** What was done, where there is nothing more to show. */
export function renderSummary(result: Summed, columns: number): Line[] {
  return summaryLine(result, columns);
}

function summaryLine({ status, summary }: Summed, columns: number): Line[] {
  return wrap(line`${mark(status)}  ${strong(summary)}`, columns, 4);
}

function modeWord(mode: ThrottleSite['policy']['mode']): Inline {
  if (mode === 'enforce') return ok('enforced');
  return mode === 'dry' ? warn('dry run') : warn('off');
}

function siteRow({
  name,
  aliases,
  policy,
  lasting,
  until,
  refusal,
  note,
  budget,
  spent,
}: ThrottleSite): readonly Inline[] {
  const temporary = until === null ? '' : `until ${until}, then ${lasting.limits}`;
  const details = [
    aliases.length > 0 ? `also ${aliases.join(', ')}` : '',
    refusal === 503 ? '503' : '',
    budget === null
      ? ''
      : `all together ${budget}, used ${spent?.requests ?? 0}/${megabytes(spent?.bytes ?? 0)}`,
    note,
  ];
  return [
    strong(name),
    policy.limits,
    modeWord(policy.mode),
    temporary,
    dim(details.filter((each) => each !== '').join('; ')),
  ];
}

/** Sites with the policy of each. */
export function renderSites(
  result: Summed & { readonly sites: readonly ThrottleSite[] },
  columns: number,
): Line[] {
  return [
    ...summaryLine(result, columns),
    ...headed(['site', 'limits', 'mode', 'for a time', 'remarks'], result.sites.map(siteRow), columns),
  ];
}

/** One site after a change. */
export function renderSite(result: Summed & { readonly site: ThrottleSite }, columns: number): Line[] {
  return renderSites({ ...result, sites: [result.site] }, columns);
}

/** One site with what it served and refused. */
export function renderSiteShow(result: ThrottleSiteShowResult, columns: number): Line[] {
  const { tenMinutes, day, month } = result.traffic;
  const rows = (
    [
      ['10 minutes', tenMinutes],
      ['a day', day],
      ['30 days', month],
    ] as const
  ).map(([span, { servedRequests, servedBytes, refusedRequests }]) => [
    span,
    `${number(servedRequests)} served`,
    megabytes(servedBytes),
    `${number(refusedRequests)} refused`,
  ]);
  return [...renderSite(result, columns), [], ...table(rows, 2)];
}

function cause({ limit, requests, bytes }: ThrottleBlock): string {
  if (limit === 'manual') return 'by hand';
  return limit === 'requests' ? `by requests: ${number(requests)}` : `by bytes: ${megabytes(bytes)}`;
}

function blockRow(block: ThrottleBlock): readonly Inline[] {
  const { client, site, until, retryAfter, tipping, enforced } = block;
  return [
    strong(client),
    site,
    cause(block),
    `until ${until} (${formatDuration(retryAfter * 1000)})`,
    enforced ? '' : warn('not enforced'),
    dim(tipping === null ? '' : `${tipping.method} ${tipping.path}`),
  ];
}

export function renderBlocks(
  result: Summed & { readonly blocks: ThrottleBlocksResult['blocks'] },
  columns: number,
): Line[] {
  return [...summaryLine(result, columns), ...fittedTable(result.blocks.map(blockRow), columns, 2)];
}

export function renderExemptions(result: ThrottleExemptResult, columns: number): Line[] {
  const rows = result.exemptions.map(({ network, site, reason, until }) => [
    strong(network),
    site ?? 'every site',
    until === null ? '' : `until ${until}`,
    dim(reason),
  ]);
  return [...summaryLine(result, columns), ...fittedTable(rows, columns, 2)];
}

function standingRow({ client, site, requests, bytes, limits, share }: ThrottleStanding): readonly Inline[] {
  const percent = `${(share * 100).toFixed(0)} %`;
  return [
    strong(client),
    site,
    `${number(requests)} requests`,
    megabytes(bytes),
    share >= 0.9 ? crit(percent) : share >= 0.5 ? warn(percent) : percent,
    dim(`of ${limits}`),
  ];
}

/** Networks that ask the most. */
function networkRows(networks: readonly ThrottleNetwork[]): Line[] {
  if (networks.length === 0) return [];
  const rows = networks.map(({ network, site, requests }) => [
    strong(network),
    site,
    `${number(requests)} requests`,
  ]);
  return [[], line`  ${dim('networks, refused requests among them')}`, ...table(rows, 2)];
}

/** Who is blocked counts no more, and is what one looks for all the same. */
function blockedRows(blocks: readonly ThrottleBlock[]): Line[] {
  return blocks.length === 0 ? [] : [line`  ${dim('blocked now')}`, ...table(blocks.map(blockRow), 2)];
}

export function renderTop(result: ThrottleTopResult, columns: number): Line[] {
  return [
    ...summaryLine(result, columns),
    ...table(result.clients.map(standingRow), 2),
    ...blockedRows(result.blocks),
    ...networkRows(result.networks),
  ];
}

/** What a person does with the live view. */
export type TopView = {
  /** Which client, from 0. */
  readonly selected: number;
  readonly paused: boolean;
  /** What came of the last key. */
  readonly message: string;
};

/** Networks below the clients of a live view. */
const LIVE_NETWORKS = 5;
const LIVE_BLOCKS = 5;

/** The live view: the chosen client is marked, and the last line names the keys. */
export function renderLiveTop(result: ThrottleTopResult, columns: number, view: TopView): Line[] {
  const { served, refused, bytes, blocked } = result.totals;
  const rows = result.clients.map((each, index) => [
    index === view.selected ? strong('>') : '',
    ...standingRow(each),
  ]);
  const figures = `served ${number(served)} requests, ${megabytes(bytes)}; refused ${number(refused)}; blocked now ${number(blocked)}`;
  return [
    ...summaryLine(result, columns),
    ...wrap(line`  ${dim(figures)}`, columns, 2),
    [],
    ...table(rows, 1),
    ...blockedRows(result.blocks.slice(0, LIVE_BLOCKS)),
    ...networkRows(result.networks.slice(0, LIVE_NETWORKS)),
    [],
    ...(view.message === '' ? [[]] : wrap(line`  ${view.message}`, columns, 2)),
    ...wrap(
      line`  ${dim(`arrows choose · b block · u unblock · e let pass · space ${view.paused ? 'go on' : 'hold'} · q end`)}`,
      columns,
      2,
    ),
  ];
}

function exemptLines({ network, reason }: ThrottleExemption, columns: number): Line[] {
  return wrap(line`  ${ok('exempt')} as ${network}${reason === '' ? '' : dim(` ${reason}`)}`, columns, 4);
}

export function renderExplain(result: ThrottleExplainResult, columns: number): Line[] {
  return [
    ...summaryLine(result, columns),
    ...(result.exempt === null ? [] : exemptLines(result.exempt, columns)),
    ...result.sites.flatMap(({ standing, block, exempt, next }) => [
      [],
      line`${strong(standing.site)}`,
      ...table([standingRow(standing)], 2),
      ...(block === null ? [] : fittedTable([blockRow(block)], columns, 2)),
      ...(block?.tipping?.userAgent
        ? wrap(line`  ${dim(`user agent ${block.tipping.userAgent}`)}`, columns, 4)
        : []),
      ...(exempt === null || exempt.site === null ? [] : exemptLines(exempt, columns)),
      ...(next.length === 0
        ? []
        : [line`  ${dim('nearest to a block there')}`, ...table(next.map(standingRow), 4)]),
    ]),
  ];
}

/** With whom a node counts. */
function shareText({ server, state, since, nodes, waiting }: ThrottleShare): string {
  if (state === 'connected') return `with ${counted(nodes, 'node')} by ${server}, since ${since}`;
  return `by ${server}, away since ${since}; ${counted(waiting, 'count')} to be told`;
}

function serviceRows({
  version,
  since,
  window,
  windowSeconds,
  blockSeconds,
  listening,
  ...service
}: ThrottleService): Line[] {
  return table(
    [
      ...listening.map((each) => [dim(each.for), each.at]),
      [dim('version'), `${version}, since ${since}`],
      [
        dim('counts'),
        `${formatDuration(windowSeconds * 1000)}, ${window} window; blocks for ${formatDuration(blockSeconds * 1000)}; IPv6 by /${service.ipv6Prefix}`,
      ],
      ...(service.trustedProxies.length === 0 ? [] : [[dim('believes'), service.trustedProxies.join(', ')]]),
      [
        dim('holds'),
        `${counted(service.sites, 'site')}, ${counted(service.tracked, 'client')}, ${counted(service.blocks, 'block')}`,
      ],
      [dim('counters'), service.countersSaved === null ? 'not saved yet' : `saved ${service.countersSaved}`],
      ...(service.share === null ? [] : [[dim('shares'), shareText(service.share)]]),
    ],
    2,
  );
}

export function renderStatus(result: ThrottleStatusResult, columns: number): Line[] {
  return [
    ...summaryLine(result, columns),
    ...(result.service === null
      ? []
      : [...serviceRows(result.service), ...networkRows(result.service.heaviest)]),
    ...renderChecks(result, columns),
  ];
}

/** What would be started. */
export function renderServe(result: ThrottleServeResult, columns: number): Line[] {
  return [...summaryLine(result, columns), ...serviceRows(result.service)];
}

/** The address alone on its line, to be copied. */
export function renderDashboard(result: ThrottleDashboardResult, columns: number): Line[] {
  return [...summaryLine(result, columns), line`${result.url}`];
}

/** Files that were written. */
export function renderCompile(result: ThrottleCompileResult, columns: number): Line[] {
  return [
    ...summaryLine(result, columns),
    ...result.files.map((file) => line`  ${file}`),
    // Not wrong, and nobody should have to find it out.
    ...result.checks
      .filter(({ status }) => status === 'ok')
      .flatMap(({ message, evidence }) => [[], ...wrap(line`  ${message} ${evidence ?? ''}`, columns, 2)]),
    ...renderChecks(result, columns),
  ];
}
