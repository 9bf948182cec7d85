// Elements from values. Text is always text: nothing here can make markup of what a client sent.

const SVG = 'http://www.w3.org/2000/svg';

/** Sets attributes; functions become listeners, `null`, `undefined` and `false` are left out. */
function dress(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** An element with attributes and children; strings become text, empty children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, props);
  element.append(
    ...children
      .flat(Number.POSITIVE_INFINITY)
      .filter((child) => child !== null && child !== undefined && child !== ''),
  );
  return element;
}

/** The same for a drawing. */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  dress(element, props);
  element.append(
    ...children.flat(Number.POSITIVE_INFINITY).filter((child) => child !== null && child !== undefined),
  );
  return element;
}

/**
 * A table that stays one when its cells stand below each other on a narrow screen.
 *
 * @param columns  `{ label, of(row): child, class? }`
 * @param kind  `compact` where the figures speak for themselves
 */
export function table(caption, columns, rows, empty, kind) {
  if (rows.length === 0) return h('p', { class: 'empty' }, empty);
  const head = h(
    'tr',
    { role: 'row' },
    columns.map(({ label, class: name }) =>
      h('th', { role: 'columnheader', scope: 'col', class: name }, label),
    ),
  );
  return h(
    'table',
    { role: 'table', class: kind },
    h('caption', { class: 'hidden' }, caption),
    h('thead', { role: 'rowgroup' }, head),
    h(
      'tbody',
      { role: 'rowgroup' },
      rows.map((row) => tableRow(columns, row)),
    ),
  );
}

/** One row of {@link table}. */
export function tableRow(columns, row) {
  return h(
    'tr',
    { role: 'row' },
    columns.map(({ label, of, class: name }) =>
      h('td', { role: 'cell', 'data-label': label, class: name }, of(row)),
    ),
  );
}

let numbered = 0;

/** A label with its control. */
export function field(label, control, hint) {
  numbered += 1;
  control.id ||= `field-${numbered}`;
  const help = hint === undefined ? null : h('span', { class: 'hint', id: `${control.id}-hint` }, hint);
  if (help) control.setAttribute('aria-describedby', help.id);
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, help);
}

/** A choice of values. @param options  `[value, text]` */
export function select(name, options, chosen) {
  return h(
    'select',
    { name },
    options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
  );
}

/** Tells what was done, to eyes and to screen readers, for some seconds. */
export function toast(text, kind = 'done') {
  const note = h('p', { class: `toast ${kind}` }, text);
  document.querySelector('#toasts').append(note);
  setTimeout(() => note.remove(), 8000);
}

/** A dialog over the page; it is gone when it is closed, and the focus is back where it was. */
export function dialog(title, ...content) {
  numbered += 1;
  const heading = h('h2', { id: `dialog-${numbered}` }, title);
  const close = h('button', { type: 'button', class: 'quiet close', 'aria-label': 'Close' }, '✕');
  const box = h(
    'dialog',
    { 'aria-labelledby': heading.id },
    h('div', { class: 'dialog-head' }, heading, close),
    content,
  );
  close.addEventListener('click', () => box.close());
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/** Runs what a button does, once at a time, and tells when it fails. */
export function act(work) {
  return async (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.currentTarget;
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true');
    try {
      await work(event);
    } catch (error) {
      toast(error.hint ? `${error.message} ${error.hint}` : error.message, 'failed');
    }
    button.removeAttribute('aria-disabled');
  };
}
