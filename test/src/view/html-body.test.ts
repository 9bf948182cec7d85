import { expect, test } from 'vitest';
import { safeHtml } from '../../../src/view/html-body.ts';

const X = 'http://127.0.0.1:9/x';
const none = new Map<string, string>();

test.for([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  `<img src="${X}">`,
  `<img srcset="${X} 2x">`,
  `<link rel="preconnect" href="${X}">`,
  `<link rel="dns-prefetch" href="//x.example">`,
  `<meta http-equiv="refresh" content="0;url=${X}">`,
  `<base href="${X}">`,
  `<iframe src="${X}"></iframe>`,
  `<object data="${X}"></object>`,
  `<embed src="${X}">`,
  `<form action="${X}"><input name=a><button>Send</button></form>`,
  `<svg><image href="${X}"/><script>alert(1)</script></svg>`,
  `<math href="javascript:alert(1)">x</math>`,
  `<video poster="${X}"></video>`,
  `<a href="javascript:alert(1)" ping="${X}">x</a>`,
  `<body background="${X}" onload="alert(1)">`,
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<style></style><script>alert(1)</script></style>',
  `<template><img src="${X}"></template>`,
  '<img src="data:image/svg+xml;base64,PHN2Zy8+">',
  '<img src="data:image/png;base64,AAAA&quot; onerror=&quot;alert(1)">',
  '<plaintext><script>alert(1)',
  '<!--><script>alert(1)</script>-->',
  '<textarea><script>alert(1)</script></textarea>',
])('nothing of %s runs, is loaded or leads anywhere', (source) => {
  const { html } = safeHtml(source, none);
  const tags = html.replaceAll(/&lt;|&gt;/g, '').match(/<[^>]*>/g) ?? [];
  for (const tag of tags) {
    expect(tag).not.toMatch(
      /<(?:script|link|meta|base|iframe|object|embed|form|input|button|svg|math|video|template)/i,
    );
    expect(tag).not.toMatch(/\s(?:on\w+|src|srcset|href|action|background|ping|poster|data)=/i);
  }
});

test('text, tables, colours and images of the message itself stay', () => {
  const images = new Map([['logo@a', 'data:image/png;base64,AAAA']]);
  const source =
    '<p style="color:red">Hi &lt;b&gt;</p><table><tr><td colspan=2>1</td></tr></table><img src="cid:logo@a" alt="L">';
  const { html, text, remote } = safeHtml(source, images);
  expect(html).toBe(
    '<p style="color:red">Hi &lt;b&gt;</p><table><tr><td colspan="2">1</td></tr></table><img alt="L" src="data:image/png;base64,AAAA">',
  );
  expect(text).toContain('Hi <b>');
  expect(remote).toBe(0);
});

test('where a link leads is told, and it leads nowhere', () => {
  expect(safeHtml('<a href="https://x.example/">Bank</a>', none).html).toBe(
    '<a title="https://x.example/">Bank</a>',
  );
});

test('a hundred thousand open tags cost no more than their length', () => {
  const { html } = safeHtml('<b><div>'.repeat(50_000), none);
  expect(html.length).toBeLessThan(5000);
});
