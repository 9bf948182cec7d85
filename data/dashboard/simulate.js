// What each preset would have done with a log.
import { call, upload } from './api.js';
import { act, field, h, s, select, table, toast } from './dom.js';
import { moment, number, percent, size } from './format.js';

const MOST_BYTES = 512e6;

function stepLabel(steps, index, format) {
  const { upTo } = steps[index];
  if (upTo === null) return `over ${format(steps[index - 1].upTo)}`;
  return `to ${format(upTo)}`;
}

/** Clients by what they asked for at their busiest; a row of bars that says its figures. */
function histogram(title, steps, format) {
  const most = Math.max(1, ...steps.map(({ people, programs }) => people + programs));
  const scale = (value) => (value === 0 ? 0 : 6 + (Math.log1p(value) / Math.log1p(most)) * 114);
  const bars = steps.map(({ people, programs }, index) => {
    const total = scale(people + programs);
    const lower = people + programs === 0 ? 0 : (total * people) / (people + programs);
    const x = index * 80 + 10;
    return s(
      'g',
      {},
      s('rect', { class: 'people', x, y: 140 - lower, width: 60, height: lower, rx: 2 }),
      s('rect', { class: 'programs', x, y: 140 - total, width: 60, height: total - lower, rx: 2 }),
      s(
        'text',
        { x: x + 30, y: 134 - total, class: 'value' },
        people + programs === 0 ? '' : number(people + programs),
      ),
      s('text', { x: x + 30, y: 158, class: 'label' }, stepLabel(steps, index, format)),
    );
  });
  const words = steps.map(
    ({ people, programs }, index) =>
      `${stepLabel(steps, index, format)}: ${people} people, ${programs} programs`,
  );
  return h(
    'figure',
    { class: 'plot steps' },
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': title },
      s(
        'svg',
        {
          viewBox: `0 0 ${steps.length * 80} 166`,
          role: 'img',
          'aria-label': `${title}. ${words.join('; ')}.`,
        },
        bars,
      ),
    ),
    h('figcaption', {}, h('span', {}, title)),
  );
}

const PRESET_COLUMNS = (recommended) => [
  {
    label: 'Preset',
    of: ([name]) =>
      h(
        'span',
        {},
        h('b', {}, name),
        name === recommended ? h('span', { class: 'tag mode-enforce' }, 'recommended') : null,
      ),
  },
  { label: 'Clients blocked', class: 'figure', of: ([, { totals }]) => number(totals.clients) },
  {
    label: 'Requests refused',
    class: 'figure',
    of: ([, { totals }]) => `${number(totals.refusedRequests)} (${percent(totals.refusedShare)})`,
  },
  { label: 'Bytes refused', class: 'figure', of: ([, { totals }]) => size(totals.refusedBytes) },
  {
    label: 'People among them',
    class: 'figure',
    of: ([, { totals }]) =>
      totals.people === 0
        ? 'none'
        : h('span', { class: 'bad' }, `${number(totals.people)}, ${number(totals.peopleRequests)} requests`),
  },
];

const CLIENT_COLUMNS = [
  { label: 'Client', of: ({ client }) => h('code', {}, client) },
  { label: 'Site', of: ({ site }) => site ?? '' },
  {
    label: 'First blocked',
    of: ({ trips }) => (trips[0] ? `${moment(trips[0].at)}, line ${number(trips[0].line)}` : ''),
  },
  { label: 'By', of: ({ trips }) => h('span', { class: `tag ${trips[0]?.limit}` }, trips[0]?.limit ?? '') },
  { label: 'Refused', class: 'figure', of: ({ refusedRequests }) => number(refusedRequests) },
  {
    label: 'Note',
    of: ({ looksHuman }) => (looksHuman ? h('span', { class: 'bad' }, 'reads like a person') : ''),
  },
];

function shown(result, sites) {
  const { recommendation, presets, totals, demand, checks } = result;
  const blocked = Object.entries(presets).find(([, { clients }]) => clients.length > 0);
  const [name, { clients }] =
    presets[recommendation.preset].clients.length > 0
      ? [recommendation.preset, presets[recommendation.preset]]
      : (blocked ?? [recommendation.preset, { clients: [] }]);
  const site = select(
    'site',
    sites.map((each) => [each.name, each.name]),
    result.site ?? undefined,
  );
  const set = act(async () => {
    await call(`/v1/sites/${encodeURIComponent(site.value)}/policy`, {
      method: 'PUT',
      body: { limits: recommendation.preset },
    });
    toast(`${site.value} has ${recommendation.preset} now.`);
  });
  if (totals.requests === 0) return [h('p', { class: 'empty' }, result.summary)];
  return [
    h(
      'section',
      { class: 'card verdict' },
      h('h2', { tabindex: -1 }, recommendation.sentence),
      h(
        'p',
        { class: 'note' },
        `${number(totals.requests)} requests, ${size(totals.bytes)}, of ${number(totals.clients)} clients` +
          `${totals.from ? `, from ${moment(totals.from)} to ${moment(totals.to)}` : ''}` +
          `${totals.broken > 0 ? `; ${number(totals.broken)} lines could not be read` : ''}.`,
      ),
      checks.map(({ message }) => h('p', { class: 'note' }, message)),
      h(
        'form',
        { class: 'inline', onsubmit: set },
        field('Site', site),
        h('button', { class: 'main' }, `Set ${recommendation.preset}`),
      ),
    ),
    h(
      'section',
      { class: 'card' },
      h('h2', {}, 'What each preset would have done'),
      table('Presets', PRESET_COLUMNS(recommendation.preset), Object.entries(presets), ''),
    ),
    h(
      'section',
      { class: 'card' },
      h('h2', {}, 'How much clients asked for'),
      h(
        'p',
        { class: 'note' },
        h('span', { class: 'key people' }, 'read like a person'),
        h('span', { class: 'key programs' }, 'programs'),
        ' in their busiest ten minutes',
      ),
      h(
        'div',
        { class: 'plots' },
        histogram('Requests of a client', demand.steps.requests, number),
        histogram('Bytes of a client', demand.steps.bytes, size),
      ),
    ),
    h(
      'section',
      { class: 'card' },
      h('h2', {}, `Blocked by ${name}`),
      table('Blocked clients', CLIENT_COLUMNS, clients.slice(0, 50), 'Nobody.'),
    ),
  ];
}

export async function simulate() {
  const { sites } = await call('/v1/sites');
  const file = h('input', { type: 'file', name: 'log', required: true });
  const span = select('window', [
    ['sliding', 'the last ten minutes at any time'],
    ['aligned', 'ten minutes of the clock'],
  ]);
  const only = h('input', { name: 'site', autocomplete: 'off', spellcheck: 'false', placeholder: 'all' });
  const result = h('div', { class: 'result' });
  const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Sent so far' });
  const state = h('p', { class: 'note', role: 'status' }, '');
  const progress = h('div', { class: 'progress', hidden: true }, bar, state);
  let stopper = new AbortController();
  const run = async (log) => {
    if (log.size > MOST_BYTES)
      throw new Error('A log has at most 512 MB here. On the machine: postern throttle simulate FILE.');
    const query = new URLSearchParams({ name: log.name, window: span.value, site: only.value.trim() });
    stopper = new AbortController();
    result.replaceChildren();
    progress.hidden = false;
    state.textContent = `Sending ${log.name}, ${size(log.size)}.`;
    try {
      const told = await upload(
        `/v1/simulate?${query}`,
        log,
        (share) => {
          bar.value = share;
          if (share === 1) state.textContent = 'All sent; the presets are played.';
        },
        stopper.signal,
      );
      result.replaceChildren(...shown(told, sites));
      result.querySelector('h2')?.focus();
    } finally {
      progress.hidden = true;
    }
  };
  const submit = act(() => run(file.files[0]));
  const drop = h(
    'section',
    { class: 'card drop' },
    h(
      'form',
      { class: 'inline', onsubmit: submit },
      field(
        'Access log',
        file,
        'As your web server writes it, also with gzip or Zstandard. It is read here and not kept.',
      ),
      field('Count', span),
      field('Site', only),
      h('button', { class: 'main' }, 'Simulate'),
    ),
    progress,
  );
  drop.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    const [log] = event.dataTransfer.files;
    if (log) run(log).catch((error) => toast(error.message, 'failed'));
  });
  progress.append(h('button', { type: 'button', onclick: () => stopper.abort() }, 'Stop'));
  return {
    element: h(
      'div',
      { class: 'view' },
      h('div', { class: 'title' }, h('h1', { tabindex: -1 }, 'Simulate')),
      h(
        'p',
        { class: 'lead' },
        'Play a log through the engine of the service, once for each preset: who would have been blocked, and what that would have cost people.',
      ),
      drop,
      result,
    ),
    hear: () => undefined,
  };
}
