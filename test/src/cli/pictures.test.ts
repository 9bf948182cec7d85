import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { overlaysOf, painter } from '../../../src/cli/colour.ts';
import { logoProtocol } from '../../../src/cli/logo-protocol.ts';
import { drawLogos } from '../../../src/cli/pictures.ts';
import { renderMessageView } from '../../../src/cli/render/view.ts';
import type { ViewedMessage } from '../../../src/schema/message-view.ts';
import { describeView } from '../../../src/view/mailbox.ts';
import { logo } from '../../helpers/logos.ts';

const SVG = `data:image/svg+xml;base64,${Buffer.from(logo('<rect width="10" height="10" fill="#135"/>')).toString('base64')}`;
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

test.for([
  [undefined, { TERM: 'xterm-kitty' }, true, null],
  ['auto', { TERM: 'xterm-kitty' }, true, 'kitty'],
  ['auto', { TERM: 'xterm-256color', KITTY_WINDOW_ID: '1' }, true, 'kitty'],
  ['auto', { TERM_PROGRAM: 'iTerm.app' }, true, 'iterm'],
  ['auto', { TERM: 'foot' }, true, 'sixel'],
  ['auto', { TERM: 'xterm-256color' }, true, null],
  ['auto', { TERM: 'xterm-kitty', TMUX: '/tmp/x' }, true, null],
  ['auto', {}, true, null],
  ['sixel', { TERM: 'xterm' }, true, 'sixel'],
  ['sixel', { TERM: 'xterm' }, false, null],
] as const)('--logos %s with %j, on a terminal: %s, is %s', ([choice, env, isTerminal, protocol]) => {
  expect(logoProtocol(choice, env, isTerminal)).toBe(protocol);
});

const FORMS = {
  kitty: /^(?:\u001b_G[a-zA-Z0-9=,]+;[A-Za-z0-9+/=]{1,4096}\u001b\\)+$/,
  iterm: /^\u001b\]1337;File=[a-zA-Z0-9=;]+:[A-Za-z0-9+/=]+\u0007$/,
  sixel: /^\u001bP0;1q[\x20-\x7e]+\u001b\\$/,
} as const;

test.for(['kitty', 'iterm', 'sixel'] as const)(
  '%s: the sequence is whole, and holds nothing but a picture of ours',
  (protocol) => {
    const drawn = drawLogos(new Map([['m/b', SVG]]), protocol);
    for (const { draw, rows } of Object.values(drawn.get('m/b') ?? {})) {
      expect(draw).toMatch(FORMS[protocol]);
      expect(rows).toBeGreaterThan(0);
    }
  },
);

test('the PNG in them is one', () => {
  const { small } = drawLogos(new Map([['m/b', SVG]]), 'iterm').get('m/b') ?? expect.unreachable();
  const png = Buffer.from(/:([^:]+)\u0007$/.exec(small.draw)?.[1] ?? '', 'base64');
  const length = png.readUInt32BE(33);
  expect(png.toString('latin1', 37, 41)).toBe('IDAT');
  expect(inflateSync(png.subarray(41, 41 + length)).length).toBe(36 * (36 * 3 + 1));
});

test('what is no SVG, or is not drawn here, keeps its letters', () => {
  const text = `data:image/svg+xml;base64,${Buffer.from(logo('<text>A</text>')).toString('base64')}`;
  expect([
    ...drawLogos(
      new Map([
        ['a', PNG],
        ['b', text],
      ]),
      'kitty',
    ).keys(),
  ]).toEqual([]);
});

const MESSAGE: ViewedMessage = {
  target: 'a.eml',
  status: 'ok',
  summary: 'Trusted.',
  verdict: 'trusted',
  company: {
    name: 'Example Bank',
    legalName: null,
    country: null,
    domain: 'bank.example',
    mediator: 'M',
    source: 'm',
    entry: 'b',
  },
  mark: null,
  sender: { name: 'Bank', address: 'a@bank.example' },
  subject: 'Hello \u001b_Ga=T;AAAA\u001b\\',
  date: null,
  dateFrom: null,
  sizeBytes: 12,
  withdrawn: null,
  reasons: [],
  page: null,
};

test('a logo stands over the letters of its company, and a message draws none', () => {
  const pictures = drawLogos(new Map([['m/b', SVG]]), 'kitty');
  const view = describeView('inbox', [MESSAGE, { ...MESSAGE, company: null, verdict: 'suspicious' }]);
  const lines = renderMessageView(view, 120, { explain: false, pictures });
  const paint = painter(false, false);
  const drawn = lines.flatMap((line) =>
    overlaysOf(line) === '' ? [] : [{ text: paint(line), overlay: overlaysOf(line) }],
  );
  expect(drawn).toHaveLength(1);
  const [{ text = '', overlay = '' } = {}] = drawn;
  const [, rows, column] = /^\u001b7\u001b\[(\d+)A\u001b\[(\d+)G\u001b_G[\s\S]*\u001b8$/.exec(overlay) ?? [];
  expect([Number(rows), text.slice(Number(column) - 1, Number(column) + 1)]).toEqual([1, 'EB']);
  expect(lines.map(paint).join('')).not.toContain('\u001b');
});

test('on the page of a message the logo has rows of its own', () => {
  const pictures = drawLogos(new Map([['m/b', SVG]]), 'kitty');
  const page = { from: [], replyTo: [], to: [], cc: [], wouldTrust: null, body: null };
  const lines = renderMessageView(describeView('a.eml', [{ ...MESSAGE, page }]), 80, {
    explain: false,
    pictures,
  });
  const at = lines.findIndex((line) => overlaysOf(line) !== '');
  expect(overlaysOf(lines[at] ?? [])).toMatch(/^\u001b7\u001b\[4A\u001b\[1G/);
  expect(lines.slice(at - 3, at + 1).map((line) => painter(false, false)(line).trim())).toEqual([
    '',
    '',
    '',
    '',
  ]);
});
