// The page: views, and what every view hears.
import { enter, keepAlive, leave, watch, whenEnded } from './api.js';
import { blocks } from './blocks.js';
import { h } from './dom.js';
import { live, note } from './live.js';
import { simulate } from './simulate.js';
import { sites } from './sites.js';

const VIEWS = {
  live: ['Live', live],
  blocks: ['Blocks', blocks],
  sites: ['Sites', sites],
  simulate: ['Simulate', simulate],
};

const main = document.querySelector('#main');
const tabs = document.querySelector('#tabs');
const link = document.querySelector('#link');
let current = null;
let wanted = '';

function showOver() {
  current = null;
  document.body.classList.add('over');
  document.title = 'Session over · postern';
  link.textContent = '';
  main.replaceChildren(
    h(
      'div',
      { class: 'gate card' },
      h('h1', { tabindex: -1 }, 'There is no session'),
      h(
        'p',
        {},
        'It ended, or the address was used before. An address works once, within two minutes; a session ends after 15 minutes in which nobody does anything.',
      ),
      h('p', {}, 'For a new one, on the machine of the service:'),
      h('p', {}, h('code', { class: 'command' }, 'postern throttle dashboard')),
    ),
  );
  main.querySelector('h1').focus();
}

/** Show the view that the address names; a view that loads more slowly than the next one is wanted is not shown. */
async function show() {
  const name = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : 'live';
  const [title, make] = VIEWS[name];
  wanted = name;
  for (const tab of tabs.querySelectorAll('a')) {
    if (tab.hash === `#${name}`) tab.setAttribute('aria-current', 'page');
    else tab.removeAttribute('aria-current');
  }
  try {
    const view = await make();
    if (wanted !== name) return;
    current = view;
    document.title = `${title} · throttle · postern`;
    main.replaceChildren(view.element);
    main.querySelector('h1').focus({ preventScroll: true });
  } catch (error) {
    if (error.status !== 401) main.replaceChildren(h('p', { class: 'empty' }, error.message));
  }
}

function hear({ event, data }) {
  note(event, data);
  current?.hear(event, data);
}

function tellLink(up) {
  link.className = `link ${up ? 'up' : 'down'}`;
  const text = up ? 'live' : 'reconnecting';
  if (link.textContent !== text) link.textContent = text;
}

whenEnded(showOver);
if (await enter()) {
  tabs.append(
    ...Object.entries(VIEWS).map(([name, [title]]) => h('li', {}, h('a', { href: `#${name}` }, title))),
  );
  document.querySelector('#leave').addEventListener('click', leave);
  addEventListener('hashchange', show);
  keepAlive();
  await show();
  await watch(hear, tellLink);
} else showOver();
