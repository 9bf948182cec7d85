import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { viewHtml } from '../../src/cli/render/view-html.ts';
import { keyRecord, signMessage } from '../../src/lab/dkim-signer.ts';
import type { ViewedMessage } from '../../src/schema/message-view.ts';
import { readLogo } from '../../src/view/logo.ts';
import { describeView } from '../../src/view/mailbox.ts';
import { byBank, delivered, FROM_ATTACKER, FROM_BANK, keys, letter } from '../helpers/attack-world.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { isInstalled, needs } from '../helpers/debian.ts';
import { DANGEROUS, logo } from '../helpers/logos.ts';
import { MARK_LOGO, markAuthority, markExtensions } from '../helpers/marks.ts';
import { run } from '../helpers/run.ts';
import { entryDocument, registryDocument } from '../helpers/trust.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-view-'));
let browser: Browser | undefined;
let server: Server;
let asked: string[] = [];
let connections = 0;
let mailbox = '';
let hostile = '';

const COMPANY = {
  name: 'Example Bank',
  legalName: null,
  country: null,
  domain: 'bank.example',
  mediator: 'M',
  source: 'm',
  entry: 'b',
};
const LOGO = Buffer.from(logo('<rect width="10" height="10" fill="#135"/>'));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** HTML that wants to load, run, lead and send in every way. */
function hostileHtml(port: number): string {
  const at = (path: string) => `http://127.0.0.1:${port}/${path}`;
  return `<html><head><meta http-equiv="refresh" content="0;url=${at('refresh')}"><base href="${at('base/')}">
<link rel="stylesheet" href="${at('css')}"><link rel="preconnect" href="${at('')}"><link rel="prefetch" href="${at('prefetch')}">
<style>@import "${at('import')}"; body { background: url(${at('background')}) } @font-face { font-family: x; src: url(${at('font')}) } p { font-family: x }</style>
</head><body onload="fetch('${at('onload')}')"><script>fetch('${at('script')}'); top.document.title = 'taken'</script>
<img src="${at('img')}" srcset="${at('srcset')} 2x" onerror="fetch('${at('onerror')}')"><p style="background-image: url(${at('inline')})">HOSTILE</p>
<iframe src="${at('frame')}"></iframe><object data="${at('object')}"></object><embed src="${at('embed')}"><video poster="${at('poster')}" autoplay></video>
<form action="${at('form')}"><button>Send</button></form><a href="${at('link')}" target="_top" ping="${at('ping')}">HOSTILE-LINK</a>
<svg><image href="${at('svg')}"/><script>fetch('${at('svgscript')}')</script></svg></body></html>`;
}

/** Run in the page: what of a message has the background of a trusted row. */
const ON_GREEN = `(() => {
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (color !== 'rgba(0, 0, 0, 0)') return color;
    }
    return '';
  };
  const green = background(document.querySelector('tr.trusted td.who'));
  const plain = background(document.querySelector('tbody tr:not(.trusted) td.who'));
  const all = [...document.querySelectorAll('tbody bdi, .box bdi, tbody time, h1 bdi, dd, .letter')];
  return { green, plain, onGreen: all.filter((each) => background(each) === green).map((each) => each.textContent) };
})()`;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('<svg xmlns="http://www.w3.org/2000/svg"/>');
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const dns = file(
    'dns.json',
    JSON.stringify({
      's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
      '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
      'bank.example': { TXT: [['v=spf1 ip4:192.0.2.20 -all']] },
    }),
  );
  file('bank.svg', LOGO);
  const bank = { mediaType: 'image/svg+xml', file: 'bank.svg', sha256: hash('sha256', LOGO) };
  const registry = file('registry.json', JSON.stringify(registryDocument([entryDocument({ logo: bank })])));
  const genuine = file(
    '1.eml',
    delivered(byBank(letter({ Subject: ' SAID-subject \u2714 trusted' })), FROM_BANK),
  );
  const forged = file('2.eml', delivered(letter({ Subject: ' <b>SAID</b> "forged"' }), FROM_ATTACKER));
  const html = `From: "\u2714 \u202eEvil" <a@plain.example>\r\nSubject: SAID html\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${hostileHtml(port)}`;
  const evil = file('3.eml', html);
  const common = [
    '--registry',
    registry,
    '--dns-cache',
    dns,
    '--offline',
    '--as-of',
    '2026-11-25T12:00:00Z',
    '--format',
    'html',
  ];
  mailbox = join(folder, 'mailbox.html');
  hostile = join(folder, 'hostile.html');
  await run('message view', [genuine, forged, evil, ...common, '--output', mailbox]);
  await run('message view', [evil, ...common, '--output', hostile]);
  if (isInstalled('chromium')) browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true });
});

beforeEach((context) => {
  needs(context, 'chromium', 'chromium');
  asked = [];
  connections = 0;
});

async function open(url: string, colorScheme: 'light' | 'dark' = 'light', width = 1200): Promise<Page> {
  const page = await (browser as Browser).newPage({ colorScheme, viewport: { width, height: 800 } });
  await page.goto(`file://${url}`);
  return page;
}

test('nothing is loaded, run or left, whatever the sender wrote', async () => {
  const page = await open(hostile);
  const frame = page.frameLocator('iframe');
  await frame.getByText('HOSTILE', { exact: true }).waitFor();
  await frame.getByText('HOSTILE-LINK').click();
  await page.waitForTimeout(300);
  // A connection ahead of time would tell the sender as much as a request.
  expect([asked, connections]).toEqual([[], 0]);
  expect(page.url()).toBe(`file://${hostile}`);
  expect(await page.title()).toBe('SAID html');
  await page.close();
});

test('were the rewriting to fail, frame and policy alone would keep it from loading and running', async () => {
  const { port } = server.address() as AddressInfo;
  const document = describeView(null, [message({ page: pageWith(hostileHtml(port)) })]);
  const page = await open(file('raw.html', viewHtml(document, { logos: new Map(), explain: false })));
  await page.frameLocator('iframe').getByText('HOSTILE', { exact: true }).waitFor();
  await page.waitForTimeout(300);
  expect(asked).toEqual([]);
  expect(await page.title()).not.toBe('taken');
  await page.close();
});

describe.for([
  ['light', 1200],
  ['dark', 1200],
  ['light', 420],
] as const)('%s, %i pixels wide', ([scheme, width]) => {
  test('green holds the name and logo of the list, and no word of a message', async () => {
    const page = await open(mailbox, scheme, width);
    const texts = await page.evaluate<{ green: string; plain: string; onGreen: string[] }>(ON_GREEN);
    expect(texts.green).not.toBe(texts.plain);
    expect(texts.onGreen).toEqual([]);
    expect(await page.locator('tr.trusted').innerText()).toMatch(
      /✔\s+trusted[\s\S]*Example Bank[\s\S]*SAID-subject/,
    );
    expect(await page.locator('tr.trusted').count()).toBe(1);
    await page.close();
  });

  test.for(['', '#m0'])('no fault that axe knows of: page%s', async (hashPart) => {
    const page = await open(mailbox + hashPart, scheme, width);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    expect(violations.map(({ id, nodes }) => [id, nodes.map((each) => each.html).slice(0, 3)])).toEqual([]);
    await page.close();
  });
});

test('a message is reached and left with the keyboard alone', async () => {
  const page = await open(mailbox);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.message:target h1').waitFor();
  expect(await page.locator('.list').isVisible()).toBe(false);
  await page.locator('.message:target .back').focus();
  await page.keyboard.press('Enter');
  await page.locator('.list').waitFor();
  await page.close();
});

describe('ten thousand messages', () => {
  const messages = Array.from({ length: 10_000 }, (_, index) =>
    message({
      target: `inbox.mbox#${index}`,
      subject: `Subject ${index} ${'words '.repeat(12)}`,
      ...(index % 3 === 0 && { verdict: 'trusted' as const, company: COMPANY }),
    }),
  );
  const said = { mediaType: 'image/svg+xml', file: 'bank.svg', sha256: hash('sha256', LOGO) } as const;
  const shown = readLogo(LOGO, said);
  const uri = shown.kind === 'shown' ? shown.dataUri : '';
  const logos = new Map([['m/b', uri]]);
  const html = viewHtml(describeView('inbox.mbox', messages), { logos, explain: false });

  test('are one file under 15 MB with each logo once, and the last one is reached', async () => {
    expect(Buffer.byteLength(html)).toBeLessThan(15_000_000);
    expect(html.split(uri)).toHaveLength(2);
    const page = await open(file('large.html', html));
    await page.keyboard.press('End');
    await page.locator('tbody tr').last().scrollIntoViewIfNeeded();
    expect(await page.locator('tbody tr').last().innerText()).toContain('Subject 9999');
    await page.close();
  });

  // In processor time of the page's own thread and beside a table of the same rows, as machines differ.
  test('open with less work than a bare table of theirs, and no step of scrolling is a stall', async () => {
    const rows = messages.map(
      ({ verdict, sender, subject }) => `<tr><td>${verdict}<td>${sender?.name}<td>${subject}`,
    );
    const table = `<!doctype html><meta charset="utf-8"><title>Table</title><table>${rows.join('\n')}</table>`;
    const bare = await scrolled(file('table.html', table));
    const mailbox = await scrolled(file('large.html', html));
    expect(mailbox.open).toBeLessThan(bare.open);
    // A table is laid out whole before it is shown; here that work is done row by row, on the way.
    expect(mailbox.open + mailbox.steps.reduce((a, b) => a + b, 0)).toBeLessThan(
      2 * (bare.open + bare.steps.reduce((a, b) => a + b, 0)),
    );
    expect(mailbox.worst).toBeLessThan(bare.open / 8);
  });
});

type Work = { readonly open: number; readonly steps: readonly number[]; readonly worst: number };

/** Seconds of processor time that a page's thread takes to open it, and for each step down and each jump. */
async function scrolled(path: string): Promise<Work> {
  const page = await (browser as Browser).newPage({ viewport: { width: 1200, height: 800 } });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  };
  const nextFrame = () =>
    page.evaluate('new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))');
  await page.goto(`file://${path}`);
  await nextFrame();
  const openSeconds = await spent();
  const steps: number[] = [];
  let before = openSeconds;
  const step = async (move: () => Promise<unknown>) => {
    await move();
    await nextFrame();
    const now = await spent();
    steps.push(now - before);
    before = now;
  };
  await page.mouse.move(600, 400);
  for (let count = 0; count < 60; count += 1) await step(() => page.mouse.wheel(0, 700));
  for (let count = 0; count < 20; count += 1)
    await step(() =>
      page.evaluate(`scrollTo(0, document.documentElement.scrollHeight * ${(count * 0.37) % 1})`),
    );
  await page.close();
  return { open: openSeconds, steps, worst: Math.max(...steps) };
}

describe('a logo that a certificate proves', () => {
  const RECORD = 'v=BIMI1; l=https://shop.example/l.svg; a=https://shop.example/m.pem';
  const shopKey = keys.attacker;
  let page: string;
  let argv: readonly string[];

  beforeAll(async () => {
    const authority = await markAuthority();
    const mark = await authority.mark({
      subject: 'C=CH, O=\u2714 Shop Ltd, 1.3.6.1.4.1.53087.1.13=Registered Mark',
      extensions: markExtensions({ names: ['shop.example'] }),
    });
    const cache = join(folder, 'cache');
    mkdirSync(join(cache, 'postern', 'bimi'), { recursive: true, mode: 0o700 });
    for (const [url, bytes] of [
      ['https://shop.example/l.svg', MARK_LOGO],
      ['https://shop.example/m.pem', Buffer.from(mark)],
    ] as const) {
      const kept = { format: 1, url, etag: null, fetchedMs: 0, body: bytes.toString('base64') };
      writeFileSync(join(cache, 'postern', 'bimi', `${hash('sha256', url)}.json`), JSON.stringify(kept));
    }
    process.env['XDG_CACHE_HOME'] = cache;
    const dns = file(
      'mark-dns.json',
      JSON.stringify({
        's1._domainkey.bank.example': { TXT: [keyRecord(keys.bank)] },
        '_dmarc.bank.example': { TXT: [['v=DMARC1; p=reject']] },
        's1._domainkey.shop.example': { TXT: [keyRecord(shopKey)] },
        '_dmarc.shop.example': { TXT: [['v=DMARC1; p=reject']] },
        'default._bimi.shop.example': { TXT: [[RECORD]] },
      }),
    );
    const said = letter({ From: ' Shop <a@shop.example>', Subject: ' SAID-shop' });
    const mail = signMessage(said, { domain: 'shop.example', selector: 's1', key: shopKey });
    const roots = file('mark-roots.pem', authority.root.pem);
    const where = ['--dns-cache', dns, '--offline', '--as-of', '2026-11-25T12:00:00Z', '--mark-roots', roots];
    argv = [file('marked.eml', mail), ...where, '--bimi'];
    page = join(folder, 'marked.html');
    const list = [...argv, join(folder, '1.eml'), '--registry', join(folder, 'registry.json')];
    await run('message view', [...list, '--format', 'html', '--output', page]);
  });

  test('stands on plain ground, beside the sender, and never on green', async () => {
    const shown = await open(page);
    const texts = await shown.evaluate<{ green: string; plain: string; onGreen: string[] }>(ON_GREEN);
    expect(texts.onGreen).toEqual([]);
    const row = shown.locator('tbody tr:not(.trusted)');
    const picture = `getComputedStyle(document.querySelector('tbody tr:not(.trusted) .logo')).backgroundImage`;
    expect(await shown.evaluate(picture)).toMatch(/^url\("data:image\/svg\+xml;base64,/);
    expect(await row.innerText()).toMatch(/authenticated[\s\S]*Shop/);
    expect(await row.innerText()).not.toContain('trusted');
    await row.getByRole('link').click();
    await shown.evaluate(axe.source);
    const { violations } = await shown.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    expect(violations.map(({ id }) => id)).toEqual([]);
    await shown.close();
  });

  test('is told in words, without the signs of a verdict that its owner may have put into the certificate', async () => {
    const { stdout } = await run('message view', argv);
    expect(stdout).toMatch(
      /Example Marks certifies that the logo is that of Shop Ltd \(VMC\); nobody vouches/,
    );
    const check = await run('message check', argv);
    expect(check.stdout).toMatch(/BIMI\s+pass\s+Example Marks certifies the logo/);
  });
});

test('a dangerous logo is never on a page: two letters stand there', async () => {
  const withLogo = DANGEROUS.map(([about, svg], index) => {
    const sha256 = hash('sha256', svg);
    const said = readLogo(svg, { mediaType: 'image/svg+xml', file: 'x.svg', sha256 });
    return { key: `m/e${index}`, about, said };
  });
  const logos = new Map(
    withLogo.flatMap(({ key, said }) => (said.kind === 'shown' ? [[key, said.dataUri]] : [])),
  );
  expect([...logos.keys()]).toEqual([]);
  const messages = DANGEROUS.map((_, index) =>
    message({ verdict: 'trusted', company: { ...COMPANY, entry: `e${index}` } }),
  );
  const html = viewHtml(describeView('inbox', messages), { logos, explain: false });
  const page = await open(file('letters.html', html));
  expect(await page.locator('.logo').allTextContents()).toEqual(DANGEROUS.map(() => 'EB'));
  await page.close();
});

test('were the check of logos to fail, a page would still not run or load what is in one', async () => {
  const { port } = server.address() as AddressInfo;
  const alive = "document.documentElement.setAttribute('data-taken', '1')";
  const logos = new Map(
    DANGEROUS.map(([, svg], index) => {
      const armed = svg
        .toString('latin1')
        .replaceAll('127.0.0.1:9', `127.0.0.1:${port}`)
        .replaceAll('alert(1)', `alert(1);${alive}`);
      return [`m/e${index}`, `data:image/svg+xml;base64,${Buffer.from(armed, 'latin1').toString('base64')}`];
    }),
  );
  const messages = DANGEROUS.map((_, index) =>
    message({ verdict: 'trusted', company: { ...COMPANY, entry: `e${index}` } }),
  );
  const html = viewHtml(describeView('inbox', messages), { logos, explain: false });
  const page = await (browser as Browser).newPage();
  const said: string[] = [];
  page.on('dialog', async (dialog) => {
    said.push(dialog.message());
    await dialog.dismiss();
  });
  const path = file('armed.html', html);
  await page.goto(`file://${path}`);
  // Each picture has been decoded, or given up, when it was asked for as one.
  const decoded = await page.evaluate<number>(`(async () => {
    let count = 0;
    for (const { cssRules } of document.styleSheets)
      for (const { cssText } of cssRules) {
        const [, uri] = /url\\("(data:[^"]+)"\\)/.exec(cssText) ?? [];
        if (uri === undefined) continue;
        const picture = new Image();
        picture.src = uri;
        await picture.decode().then(() => { count += 1; }, () => {});
      }
    return count;
  })()`);
  // Otherwise the test would show nothing.
  expect(decoded).toBeGreaterThan(20);
  expect([asked, connections, said]).toEqual([[], 0, []]);
  expect(await page.locator('html').getAttribute('data-taken')).toBeNull();
  expect(page.url()).toBe(`file://${path}`);
  await page.close();
});

function message(changes: Partial<ViewedMessage>): ViewedMessage {
  return {
    target: 'a.eml',
    status: 'ok',
    summary: 'This is from plain.example; nobody vouches for that domain.',
    verdict: 'authenticated',
    company: null,
    mark: null,
    sender: { name: 'A Sender', address: 'a@plain.example' },
    subject: 'Hello',
    date: null,
    dateFrom: null,
    sizeBytes: 1234,
    withdrawn: null,
    reasons: [
      {
        code: 'registry.none',
        severity: 'info',
        text: 'No list of trusted domains has plain.example.',
        evidence: null,
      },
    ],
    page: null,
    ...changes,
  };
}

function pageWith(html: string): NonNullable<ViewedMessage['page']> {
  const body = { text: null, html, leftOut: { remote: 0, active: 0 }, attachments: [], truncated: false };
  return { from: [], replyTo: [], to: [], cc: [], wouldTrust: null, body };
}
