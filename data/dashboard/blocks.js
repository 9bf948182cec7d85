// Who gets the error page now.
import { call } from './api.js';
import { act, field, h, select, table, toast } from './dom.js';
import { explain } from './explain.js';
import { number, size, span } from './format.js';

const CAUSE = { requests: 'requests', bytes: 'bytes', manual: 'by hand' };

/** Blocks that are listed. */
const SHOWN = 200;

/** Everything that changes the list, by the name of its event. */
const CHANGES = new Set(['blocked', 'block', 'unblock', 'site-removed']);

function remaining(deadline) {
  const text = h('span', { class: 'left' }, '');
  text.dataset.deadline = String(deadline);
  return text;
}

function columns(reload) {
  const unblock = (client, site) =>
    act(async () => {
      const path = `/v1/blocks/${encodeURIComponent(client.replace(/\/\d+$/, ''))}?site=${encodeURIComponent(site)}`;
      await call(path, { method: 'DELETE' });
      toast(`${client} may use ${site} again.`);
      await reload();
      document.querySelector('h1')?.focus();
    });
  return [
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
    {
      label: 'Why',
      of: ({ limit, enforced }) =>
        h('span', { class: `tag ${limit}` }, enforced ? CAUSE[limit] : `${CAUSE[limit]}, dry run`),
    },
    {
      label: 'Counted',
      class: 'figure',
      of: ({ requests, bytes, limit }) => (limit === 'manual' ? '' : `${number(requests)} · ${size(bytes)}`),
    },
    {
      label: 'Tipped by',
      class: 'request',
      of: ({ tipping }) => (tipping ? h('code', {}, `${tipping.method} ${tipping.path}`) : ''),
    },
    {
      label: 'Ends in',
      class: 'figure',
      of: ({ retryAfter }) => remaining(performance.now() + retryAfter * 1000),
    },
    {
      label: 'Change',
      class: 'action',
      of: ({ client, site }) =>
        h(
          'button',
          { type: 'button', 'aria-label': `Unblock ${client} on ${site}`, onclick: unblock(client, site) },
          'Unblock',
        ),
    },
  ];
}

function blockForm(sites, reload) {
  const client = h('input', {
    name: 'client',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: '192.0.2.66',
  });
  const site = select(
    'site',
    sites.map(({ name }) => [name, name]),
  );
  const forSeconds = select('for', [
    ['600', '10 minutes'],
    ['3600', '1 hour'],
    ['86400', '1 day'],
  ]);
  const submit = act(async () => {
    const body = {
      client: client.value.trim(),
      site: site.value,
      forSeconds: Number(forSeconds.value),
      reason: 'dashboard',
    };
    const { block } = await call('/v1/blocks', { method: 'POST', body });
    toast(`${block.client} is blocked on ${block.site}.`);
    client.value = '';
    await reload();
  });
  return h(
    'form',
    { class: 'inline', onsubmit: submit },
    field('Address', client),
    field('Site', site),
    field('For', forSeconds),
    h('button', { class: 'danger' }, 'Block'),
  );
}

export async function blocks() {
  const list = h('div', {});
  const count = h('span', { class: 'count' }, '');
  const reload = async () => {
    const { blocks: found, total } = await call(`/v1/blocks?limit=${SHOWN}`);
    count.textContent = number(total);
    const rest = total - found.length;
    list.replaceChildren(
      table('Blocked clients', columns(reload), found, 'Nobody is blocked.'),
      rest > 0 ? h('p', { class: 'note' }, `and ${number(rest)} that are blocked longer already`) : '',
    );
    tick();
  };
  const tick = () => {
    for (const text of list.querySelectorAll('.left')) {
      const left = (Number(text.dataset.deadline) - performance.now()) / 1000;
      text.textContent = left > 0 ? span(left) : 'over';
    }
  };
  let stale = false;
  const { sites } = await call('/v1/sites');
  const form = h('section', { class: 'card' }, h('h2', {}, 'Block a client'), blockForm(sites, reload));
  await reload();
  return {
    element: h(
      'div',
      { class: 'view' },
      h('div', { class: 'title' }, h('h1', { tabindex: -1 }, 'Blocks ', count)),
      h('section', { class: 'card' }, list),
      form,
    ),
    hear: (event) => {
      tick();
      if (CHANGES.has(event)) stale = true;
      // Once a second, with the figures, however many are blocked in it; whoever stands on a button of the list keeps it.
      if (event !== 'top' || !stale || list.contains(document.activeElement)) return;
      stale = false;
      reload().catch(() => undefined);
    },
  };
}
