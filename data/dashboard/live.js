// Who asks for what, this second.
import { act, h, s, table, tableRow } from './dom.js';
import { explain } from './explain.js';
import { clock, number, percent, size } from './format.js';

const SECONDS = 90;
const FEED = 12;

/** Served and refused in each of the last seconds. */
const history = [];
let last = null;

const WORDS = {
  blocked: ({ client, site, limit }) => `${client} is blocked on ${site}: too many ${limit}.`,
  block: ({ subject }) => `Blocked by hand: ${subject}.`,
  unblock: ({ subject }) => `Unblocked: ${subject}.`,
  'policy-set': ({ subject, detail }) => `${subject} has ${detail} now.`,
  'site-added': ({ subject }) => `Site added: ${subject}.`,
  'site-changed': ({ subject }) => `Site changed: ${subject}.`,
  'site-removed': ({ subject }) => `Site removed: ${subject}.`,
  exempt: ({ subject }) => `Passes without counting: ${subject}.`,
  'exemption-removed': ({ subject }) => `Counted again: ${subject}.`,
  'over-budget': ({ site }) => `${site} is over its budget: everybody waits a moment.`,
  'store-failed': () => 'The database cannot be written. Blocks hold in memory.',
};

function meter({ share, requests }) {
  const bar = h('span', {
    class: `meter ${share >= 0.9 ? 'high' : share >= 0.5 ? 'middle' : ''}`,
    'aria-hidden': 'true',
  });
  bar.style.setProperty('--share', String(Math.min(1, share)));
  return [bar, h('span', { class: 'of' }, requests === 0 && share === 0 ? '' : percent(share))];
}

const COLUMNS = [
  {
    label: 'Client',
    of: ({ client, site }) =>
      h(
        'button',
        {
          type: 'button',
          class: 'text',
          'aria-haspopup': 'dialog',
          onclick: act(() => explain(client, site)),
        },
        h('code', {}, client),
      ),
  },
  { label: 'Site', of: ({ site }) => site },
  { label: 'Requests', class: 'figure requests', of: ({ requests }) => number(requests) },
  { label: 'Bytes', class: 'figure', of: ({ bytes }) => size(bytes) },
  { label: 'Of its limit', class: 'share', of: meter },
];

const NETWORKS = [
  { label: 'Network', of: ({ network }) => h('code', {}, network) },
  { label: 'Site', of: ({ site }) => site },
  { label: 'Requests', class: 'figure requests', of: ({ requests }) => number(requests) },
];

function tile(label) {
  const value = h('span', { class: 'value' }, '–');
  return { element: h('li', { class: 'tile' }, value, h('span', { class: 'label' }, label)), value };
}

/** Bars of the last seconds, refused ones on top. */
function draw(chart) {
  const most = Math.max(10, ...history.map(({ served, refused }) => served + refused));
  const bars = history.flatMap(({ served, refused }, index) => {
    const x = (SECONDS - history.length + index) * 8;
    const [low, high] = [(served / most) * 96, (refused / most) * 96];
    return [
      s('rect', { class: 'served', x, y: 100 - low, width: 6, height: low, rx: 1 }),
      s('rect', { class: 'refused', x, y: 100 - low - high, width: 6, height: high, rx: 1 }),
    ];
  });
  chart.replaceChildren(...bars);
}

/** Note what an event tells, whether the view is shown or not. */
function remember(event, data) {
  if (event !== 'top') return;
  const { served, refused } = data.totals;
  if (last) {
    const second = {
      served: Math.max(0, served - last.served),
      refused: Math.max(0, refused - last.refused),
    };
    history.push(second);
    if (history.length > SECONDS) history.shift();
  }
  last = data.totals;
}

/**
 * Replace the rows, except while somebody points at one of them or stands in it: then figures change and no row moves
 * away under the hand.
 */
function refresh(box, caption, columns, rows, empty) {
  const body = box.querySelector('tbody');
  const held = body !== null && (body.contains(document.activeElement) || body.matches(':hover'));
  if (!held) {
    box.replaceChildren(table(caption, columns, rows, empty, 'compact'));
    return;
  }
  const byClient = new Map(rows.map((row) => [`${row.client} ${row.site}`, row]));
  for (const line of body.rows) {
    const row = byClient.get(`${line.cells[0].textContent} ${line.cells[1].textContent}`);
    if (!row) continue;
    const fresh = tableRow(columns, row);
    for (const [at, cell] of [...fresh.cells].entries())
      if (at >= 2) line.cells[at].replaceChildren(...cell.childNodes);
  }
}

const feed = [];

export function live() {
  const tiles = {
    served: tile('served a second'),
    refused: tile('refused a second'),
    blocked: tile('blocked now'),
    bytes: tile('served since the start'),
  };
  const chart = s('svg', {
    class: 'chart',
    viewBox: `0 0 ${SECONDS * 8} 100`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  const clients = h('div', {}, h('p', { class: 'empty' }, 'Waiting for the first second.'));
  const networks = h('div', {});
  const log = h('ol', { class: 'feed' });
  let paused = false;
  const pause = h(
    'button',
    {
      type: 'button',
      'aria-pressed': 'false',
      onclick: () => {
        paused = !paused;
        pause.setAttribute('aria-pressed', String(paused));
        pause.textContent = paused ? 'Go on' : 'Pause';
      },
    },
    'Pause',
  );
  const item = ({ at, text, kind }) =>
    h('li', { class: kind }, h('time', { datetime: at }, clock(at)), h('span', {}, text));
  log.append(...feed.map(item));
  const element = h(
    'div',
    { class: 'view' },
    h('div', { class: 'title' }, h('h1', { tabindex: -1 }, 'Live'), pause),
    h(
      'ul',
      { class: 'tiles' },
      Object.values(tiles).map((each) => each.element),
    ),
    h(
      'figure',
      { class: 'card plot' },
      chart,
      h(
        'figcaption',
        {},
        h('span', { class: 'key served' }, 'served'),
        h('span', { class: 'key refused' }, 'refused'),
        h('span', {}, `requests in each of the last ${SECONDS} seconds`),
      ),
    ),
    h(
      'div',
      { class: 'columns' },
      h('section', { class: 'card wide' }, h('h2', {}, 'Nearest to a block'), clients),
      h(
        'div',
        { class: 'stack' },
        h('section', { class: 'card' }, h('h2', {}, 'Networks that ask the most'), networks),
        h(
          'section',
          { class: 'card' },
          h('h2', {}, 'What happened'),
          h('div', { role: 'log', 'aria-label': 'What happened' }, log),
        ),
      ),
    ),
  );
  const show = (data) => {
    const now = history.at(-1) ?? { served: 0, refused: 0 };
    tiles.served.value.textContent = number(now.served);
    tiles.refused.value.textContent = number(now.refused);
    tiles.blocked.value.textContent = number(data.totals.blocked);
    tiles.bytes.value.textContent = size(data.totals.bytes);
    draw(chart);
    refresh(
      clients,
      'Clients nearest to a block',
      COLUMNS,
      data.clients,
      'Nobody asks for anything just now.',
    );
    refresh(networks, 'Networks that ask the most', NETWORKS, data.networks.slice(0, 6), 'None.');
  };
  return {
    element,
    hear: (event, data) => {
      if (event === 'top') {
        if (!paused) show(data);
        return;
      }
      const text = WORDS[event]?.(data);
      if (text === undefined) return;
      log.prepend(item(feed[0]));
      while (log.children.length > FEED) log.lastChild.remove();
    },
  };
}

/** Keep what happens for the next time that the view is shown. */
export function note(event, data) {
  remember(event, data);
  const text = WORDS[event]?.(data);
  if (text === undefined) return;
  feed.unshift({ at: new Date().toISOString(), text, kind: event });
  if (feed.length > FEED) feed.pop();
}
