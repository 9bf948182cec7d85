// One client: what it had, why it is blocked, until when, who is next; and what can be done about it.
import { call } from './api.js';
import { act, dialog, h, table, toast } from './dom.js';
import { clock, number, percent, size, span } from './format.js';

const LIMIT = { requests: 'too many requests', bytes: 'too many bytes', manual: 'set by hand' };

function facts(rows) {
  return h(
    'dl',
    { class: 'facts' },
    rows.filter(([, value]) => value).map(([term, value]) => [h('dt', {}, term), h('dd', {}, value)]),
  );
}

function blockFacts(block) {
  return facts([
    ['Blocked', `${LIMIT[block.limit]}${block.enforced ? '' : ' (dry run: only reported)'}`],
    ['Counted', `${number(block.requests)} requests, ${size(block.bytes)}`],
    ['Until', `${clock(block.until)}, in ${span(block.retryAfter)}`],
    ['Tipped by', block.tipping && h('code', {}, `${block.tipping.method} ${block.tipping.path}`)],
    ['User agent', block.tipping && (block.tipping.userAgent || 'none')],
  ]);
}

const NEXT = [
  { label: 'Client', of: ({ client }) => h('code', {}, client) },
  { label: 'Requests', class: 'figure', of: ({ requests }) => number(requests) },
  { label: 'Bytes', class: 'figure', of: ({ bytes }) => size(bytes) },
  { label: 'Of the limit', class: 'figure', of: ({ share }) => percent(share) },
];

function part({ standing, block, exempt, next }) {
  return h(
    'section',
    { class: 'explained' },
    h('h3', {}, standing.site),
    block
      ? blockFacts(block)
      : facts([
          ['Within the window', `${number(standing.requests)} requests, ${size(standing.bytes)}`],
          ['Of the limit', `${percent(standing.share)} of ${standing.limits}`],
        ]),
    exempt
      ? h('p', { class: 'good' }, `Passes without counting, as ${exempt.network}. ${exempt.reason}`)
      : null,
    h(
      'details',
      {},
      h('summary', {}, 'Who is nearest to a block there'),
      table('Nearest to a block', NEXT, next, 'Nobody.'),
    ),
  );
}

/** Show a client, on one site or wherever it was. */
export async function explain(client, site) {
  const address = client.replace(/\/\d+$/, '');
  const query = site === undefined ? '' : `?site=${encodeURIComponent(site)}`;
  const { sites } = await call(`/v1/explain/${encodeURIComponent(address)}${query}`);
  const blocked = sites.some(({ block }) => block !== null);
  const where = site ?? sites[0]?.standing.site ?? 'other';
  const finish = (text) => {
    box.close();
    toast(text);
  };
  const block = act(async () => {
    await call('/v1/blocks', { method: 'POST', body: { client: address, site: where, reason: 'dashboard' } });
    finish(`${client} is blocked on ${where}.`);
  });
  const unblock = act(async () => {
    await call(`/v1/blocks/${encodeURIComponent(address)}${query}`, { method: 'DELETE' });
    finish(`${client} may use ${site ?? 'every site'} again.`);
  });
  const exempt = act(async () => {
    await call('/v1/exemptions', {
      method: 'POST',
      body: { network: client, site: where, reason: 'dashboard' },
    });
    finish(`${client} passes on ${where} without counting.`);
  });
  const box = dialog(
    client,
    sites.length === 0
      ? h('p', { class: 'empty' }, 'It asked for nothing within the window.')
      : sites.map(part),
    h(
      'div',
      { class: 'actions' },
      blocked
        ? h('button', { type: 'button', class: 'main', onclick: unblock }, 'Unblock')
        : h('button', { type: 'button', class: 'danger', onclick: block }, `Block on ${where}`),
      h('button', { type: 'button', onclick: exempt }, 'Let it pass without counting'),
    ),
  );
}
