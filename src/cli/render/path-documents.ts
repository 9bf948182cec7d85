import type { Hop, MessagePath } from '../../received/types.ts';
import { escapeMarkdown as cell } from '../formats/markdown.ts';
import { type Html, html, page } from '../html.ts';
import { informationOf, notes, peerName, spell } from './path.ts';

type Words = {
  readonly word: string;
  readonly style: 'ok' | 'warn' | 'unknown' | 'dim';
  readonly sign: string;
};

function encryption(hop: Hop): Words {
  if (hop.encrypted === 'yes') return { word: 'encrypted', style: 'ok', sign: '✔' };
  if (hop.internal || hop.encrypted === 'local')
    return { word: 'inside one system', style: 'dim', sign: '·' };
  if (hop.encrypted === 'no') return { word: 'plaintext', style: 'warn', sign: '!' };
  return { word: 'not told', style: 'unknown', sign: '?' };
}

function delayWords({ delaySeconds }: Hop): string {
  if (delaySeconds === null) return '';
  return delaySeconds < 0 ? `clock off by ${spell(delaySeconds)}` : `+${spell(delaySeconds)}`;
}

function placeWords({ border, trusted }: Hop): string {
  if (border) return 'enters your system here';
  return trusted ? 'your system' : 'the sender’s claim';
}

function way(hop: Hop): string {
  const from = peerName(hop);
  const by = hop.by ?? 'an unnamed host';
  return from === '' ? `by ${by}` : `${from} → ${by}`;
}

/** The same where there are several messages, each under its name. */
export function oneOfSeveralMarkdown(path: MessagePath): string {
  return `### ${cell(path.target ?? '')}\n\n${pathMarkdown(path)}`;
}

/** A path for a ticket. */
export function pathMarkdown(path: MessagePath): string {
  const rows = path.hops.map((hop) => {
    const { sign, word } = encryption(hop);
    const columns = [
      String(hop.index + 1),
      `${sign} ${word}`,
      way(hop),
      hop.date ?? 'no date',
      delayWords(hop),
      placeWords(hop),
      notes(hop),
    ];
    return `| ${columns.map(cell).join(' | ')} |`;
  });
  const findings = path.checks
    .filter(({ status }) => status !== 'ok')
    .map(({ message }) => `- ${cell(message)}`);
  const information = informationOf(path).map((message) => `- ${cell(message)}`);
  return [
    `**${cell(path.summary)}**`,
    '',
    ...(rows.length > 0
      ? [
          '| hop | encrypted | way | time | delay | who says so | notes |',
          '| --- | --- | --- | --- | --- | --- | --- |',
          ...rows,
          '',
        ]
      : []),
    ...findings,
    ...information,
    '',
  ].join('\n');
}

function bar(hop: Hop, most: number): Html {
  if (hop.delaySeconds === null || hop.delaySeconds <= 0) return html``;
  // A column a doubling: hours and seconds fit on one line.
  const rem = (8 * Math.log2(hop.delaySeconds + 1)) / Math.log2(most + 2);
  return html` <span class="bar" style="width:${rem.toFixed(1)}rem" aria-hidden="true"></span>`;
}

function hopItem(hop: Hop, most: number): Html {
  const { sign, word, style } = encryption(hop);
  const more = notes(hop);
  return html`<li class="hop${hop.trusted ? '' : ' claimed'}">
<div><strong>${hop.index + 1}</strong> <span class="${style}">${sign} ${word}</span> · ${hop.date ?? 'no date'} <span class="dim">${delayWords(hop)}</span>${bar(hop, most)} · ${hop.border ? html`<strong>${placeWords(hop)}</strong>` : html`<span class="dim">${placeWords(hop)}</span>`}</div>
<div>${way(hop)}</div>
${more === '' ? html`` : html`<div class="dim">${more}</div>`}
<details><summary>the line itself</summary><pre>${hop.raw.replace(/\s+/g, ' ').trim()}</pre></details>
</li>
`;
}

/** A path as one page that can be attached to a ticket: no scripts, nothing loaded. */
export function pathHtml(path: MessagePath): string {
  const most = Math.max(1, ...path.hops.map(({ delaySeconds }) => delaySeconds ?? 0));
  const findings = path.checks.filter(({ status, info }) => status !== 'ok' || info);
  const body = html`<main>
<h1>The way of ${path.target === null || path.target === '-' ? 'a message' : path.target}</h1>
<p class="verdict ${path.status}">${path.summary}</p>
${
  path.hops.length === 0
    ? html``
    : html`<h2>Hop by hop, the oldest first</h2>
<ol>
${path.hops.map((hop) => hopItem(hop, most))}</ol>`
}
${
  findings.length === 0
    ? html``
    : html`<h2>To know</h2>
<ul>
${findings.map(
  ({ status, info, message }) => html`<li class="${info ? 'dim' : status}">${message}</li>
`,
)}</ul>`
}
</main>`;
  return page(path.summary, body);
}
