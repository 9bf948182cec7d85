// Sites and what each client may have from them.
import { call } from './api.js';
import { act, dialog, field, h, select, table, toast } from './dom.js';
import { moment, number, size } from './format.js';

/** In the order in which they are offered; most sites keep the first. */
const PRESETS = ['10000/200M', '2000/50M', '500/20M', '100/5M', '20/2M'];

const MODES = [
  ['enforce', 'Refuse'],
  ['dry', 'Dry run'],
  ['off', 'Off'],
];

const SPANS = [
  ['', 'for good'],
  ['3600', 'for 1 hour'],
  ['7200', 'for 2 hours'],
  ['86400', 'for 1 day'],
];

function presetWords(preset) {
  const [requests, bytes] = preset.split('/');
  const words = `${number(Number(requests))} requests, ${bytes.replace(/(\d+)([kMG])/, '$1 $2B')}`;
  return preset === PRESETS[0] ? `${words} (most sites keep this)` : words;
}

function presetSelect(current) {
  const own = PRESETS.includes(current) ? [] : [[current, `${presetWords(current)} (its own)`]];
  return select('limits', [...own, ...PRESETS.map((preset) => [preset, presetWords(preset)])], current);
}

const TRAFFIC = [
  { label: 'In the last', of: ([label]) => label },
  { label: 'Served', class: 'figure', of: ([, sums]) => number(sums.servedRequests) },
  { label: 'Bytes', class: 'figure', of: ([, sums]) => size(sums.servedBytes) },
  { label: 'Refused', class: 'figure', of: ([, sums]) => number(sums.refusedRequests) },
];

/** Figures are fetched when somebody wants to see them. */
function trafficOf(name) {
  const box = h('div', {});
  const load = async () => {
    const { traffic, blocked } = await call(`/v1/sites/${encodeURIComponent(name)}`);
    const rows = [
      ['10 minutes', traffic.tenMinutes],
      ['day', traffic.day],
      ['30 days', traffic.month],
    ];
    box.replaceChildren(
      table(`What ${name} served and refused`, TRAFFIC, rows, ''),
      h('p', { class: 'note' }, `Blocked there now: ${number(blocked)}.`),
    );
  };
  const details = h('details', {}, h('summary', {}, 'Figures'), box);
  details.addEventListener('toggle', () => {
    if (details.open) load().catch(() => undefined);
  });
  return details;
}

function modeTag({ mode }) {
  return h('span', { class: `tag mode-${mode}` }, Object.fromEntries(MODES)[mode]);
}

function siteCard(site, reload) {
  const limits = presetSelect(site.policy.limits);
  const mode = select('mode', MODES, site.policy.mode);
  const span = select('for', SPANS, '');
  const path = `/v1/sites/${encodeURIComponent(site.name)}`;
  const apply = act(async () => {
    const body = {
      limits: limits.value,
      mode: mode.value,
      ...(span.value !== '' && { forSeconds: Number(span.value) }),
    };
    await call(`${path}/policy`, { method: 'PUT', body });
    toast(`${site.name} has ${limits.value} now.`);
    await reload(site.name);
  });
  const remove = act(async () => {
    const box = dialog(
      `Remove ${site.name}?`,
      h('p', {}, 'Its blocks end, and its names are counted as the site “other” from then on.'),
      h(
        'div',
        { class: 'actions' },
        h(
          'button',
          {
            type: 'button',
            class: 'danger',
            onclick: act(async () => {
              await call(path, { method: 'DELETE' });
              box.close();
              toast(`${site.name} is removed.`);
              await reload();
            }),
          },
          'Remove it',
        ),
        h('button', { type: 'button', onclick: () => box.close() }, 'Keep it'),
      ),
    );
  });
  const words = [
    site.aliases.length > 0 ? `also ${site.aliases.join(', ')}` : '',
    site.name === 'other' ? 'every name that no site has' : '',
    site.until === null ? '' : `until ${moment(site.until)}, then ${site.lasting.limits}`,
    site.budget === null
      ? ''
      : `all together ${site.budget}, used ${number(site.spent.requests)} requests and ${size(site.spent.bytes)}`,
    site.note,
  ].filter((each) => each !== '');
  return h(
    'li',
    { class: 'card site' },
    h(
      'div',
      { class: 'site-head' },
      h('h2', { tabindex: -1, 'data-site': site.name }, site.name),
      modeTag(site.policy),
    ),
    words.map((each) => h('p', { class: 'note' }, each)),
    h(
      'form',
      { class: 'inline', onsubmit: apply, 'aria-label': `Policy of ${site.name}` },
      field('In ten minutes each client may have', limits),
      field('Mode', mode),
      field('How long', span),
      h('button', { class: 'main' }, 'Set'),
    ),
    h(
      'div',
      { class: 'site-foot' },
      trafficOf(site.name),
      site.name === 'other'
        ? null
        : h(
            'button',
            { type: 'button', class: 'quiet', 'aria-label': `Remove ${site.name}`, onclick: remove },
            'Remove',
          ),
    ),
  );
}

function addForm(reload) {
  const name = h('input', {
    name: 'name',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'www.example.org',
  });
  const aliases = h('input', { name: 'aliases', autocomplete: 'off', spellcheck: 'false' });
  const limits = presetSelect(PRESETS[0]);
  const submit = act(async () => {
    const body = {
      name: name.value.trim(),
      aliases: aliases.value.split(/[\s,]+/).filter((each) => each !== ''),
      limits: limits.value,
    };
    const { site } = await call('/v1/sites', { method: 'POST', body });
    toast(`${site.name} has ${site.policy.limits}.`);
    name.value = '';
    aliases.value = '';
    await reload(site.name);
  });
  return h(
    'form',
    { class: 'inline', onsubmit: submit },
    field('Name', name),
    field('Other names of it', aliases, 'With commas between them.'),
    field('In ten minutes each client may have', limits),
    h('button', { class: 'main' }, 'Add the site'),
  );
}

/** Nobody is refused anywhere any more: for the moment in which the throttle itself is suspected. */
function panic(reload) {
  return act(async () => {
    const box = dialog(
      'Refuse nobody, on all sites?',
      h('p', {}, 'Every site goes to mode off. Blocks are kept and hold again when a site is switched back.'),
      h(
        'div',
        { class: 'actions' },
        h(
          'button',
          {
            type: 'button',
            class: 'danger',
            onclick: act(async () => {
              await call('/v1/policy', { method: 'PUT', body: { mode: 'off' } });
              box.close();
              toast('Nobody is refused any more, on all sites.');
              await reload();
            }),
          },
          'Refuse nobody',
        ),
        h('button', { type: 'button', onclick: () => box.close() }, 'Go on as it is'),
      ),
    );
  });
}

export async function sites() {
  const list = h('ul', { class: 'sites' });
  const reload = async (focus) => {
    const { sites: all } = await call('/v1/sites');
    list.replaceChildren(...all.map((site) => siteCard(site, reload)));
    const heading = focus === undefined ? 'h1' : `[data-site="${CSS.escape(focus)}"]`;
    if (focus !== null) document.querySelector(heading)?.focus();
  };
  await reload(null);
  return {
    element: h(
      'div',
      { class: 'view' },
      h(
        'div',
        { class: 'title' },
        h('h1', { tabindex: -1 }, 'Sites'),
        h('button', { type: 'button', class: 'danger', onclick: panic(() => reload()) }, 'Refuse nobody'),
      ),
      list,
      h('section', { class: 'card' }, h('h2', {}, 'Add a site'), addForm(reload)),
    ),
    hear: () => undefined,
  };
}
