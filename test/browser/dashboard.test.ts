import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IDLE_MS } from '../../src/throttle/sessions.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { isInstalled, needs } from '../helpers/debian.ts';
import { root, run } from '../helpers/run.ts';
import { startThrottleLab, type ThrottleLab } from '../helpers/throttle-lab.ts';

// The dashboard in the browser of its owner, on a service whose clock stands still.

let browser: Browser | undefined;
let lab: ThrottleLab;
let context: BrowserContext | undefined;
/** What the page complained of, and whom it asked. */
let faults: string[] = [];
let asked: Set<string> = new Set();

beforeAll(async () => {
  if (isInstalled('chromium')) browser = await launchBrowser();
});
afterAll(() => browser?.close());

beforeEach(async (test) => {
  needs(test, 'chromium', 'chromium');
  faults = [];
  asked = new Set();
  lab = await startThrottleLab({ windowMs: 600_000, blockMs: 600_000 });
  await lab.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '20/2M', aliases: ['example.org'] });
  await lab.api('/v1/sites', 'POST', { name: 'forum.example.org', budget: '1000/50M' });
});

afterEach(async () => {
  await context?.close();
  context = undefined;
  await lab.close();
});

async function invite(): Promise<string> {
  return ((await lab.api('/v1/dashboard', 'POST', {})) as { url: string }).url;
}

async function open(scheme: 'light' | 'dark' = 'light', width = 1280): Promise<Page> {
  context = await (browser as Browser).newContext({ colorScheme: scheme, viewport: { width, height: 900 } });
  // Less than the test has, so that it says what it waits for.
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('request', (request) => asked.add(new URL(request.url()).host));
  await page.goto(await invite());
  await page.getByRole('heading', { name: 'Live' }).waitFor();
  return page;
}

/** Requests of a client, as a front of the service has them. */
function visit(address: string, count: number, path = '/', userAgent = 'Mozilla/5.0'): void {
  for (let sent = 0; sent < count; sent += 1) {
    const verdict = lab.daemon.warden.admit('www.example.org', address, { method: 'GET', path, userAgent });
    if (verdict.kind === 'serve') verdict.account(10_000);
  }
}

const view = async (page: Page, name: string) => {
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
};

test('the address works once, leaves no trace, and the page asks nobody else', async () => {
  const page = await open();
  expect(page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const [cookie] = (await context?.cookies()) ?? [];
  expect(cookie).toMatchObject({ name: 'postern_session', httpOnly: true, sameSite: 'Strict' });
  expect(await page.evaluate<string>('document.cookie')).toBe('');
  await page.reload();
  await page.getByRole('heading', { name: 'Live' }).waitFor();
  const other = await (context as BrowserContext).newPage();
  await other.goto(page.url());
  await other.getByRole('heading', { name: 'There is no session' }).waitFor();
  expect([...asked]).toEqual([new URL(page.url()).host]);
  expect(faults).toEqual([]);
});

test('a client is seen at work, blocked, explained and unblocked', async () => {
  const page = await open();
  visit('192.0.2.1', 15);
  const row = page.getByRole('row').filter({ hasText: '192.0.2.1' });
  await row.getByText('75 %').waitFor();
  visit('192.0.2.1', 6, '/wp-login.php');
  await page.getByRole('log').getByText('192.0.2.1 is blocked on www.example.org').waitFor();
  await view(page, 'Blocks');
  await row.getByText('GET /wp-login.php').waitFor();
  await row.getByRole('button', { name: '192.0.2.1', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: '192.0.2.1' });
  await dialog.getByText('too many requests').waitFor();
  expect(await dialog.innerText()).toMatch(/21 requests[\s\S]*Until[\s\S]*in 10 min 00 s/);
  await dialog.getByRole('button', { name: 'Unblock' }).click();
  await page.getByText('192.0.2.1 may use www.example.org again.').waitFor();
  expect(await lab.api('/v1/blocks')).toMatchObject({ blocks: [], total: 0 });
  expect(faults).toEqual([]);
});

test('all of it goes with the keyboard alone', async () => {
  const page = await open();
  await page.getByRole('link', { name: 'Blocks' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Nobody is blocked.').waitFor();
  await page.getByLabel('Address').focus();
  await page.keyboard.type('203.0.113.9');
  await page.keyboard.press('Enter');
  const unblock = page.getByRole('button', { name: /^Unblock 203\.0\.113\.9 on / });
  await unblock.focus();
  await page.keyboard.press('Enter');
  await page.getByText('Nobody is blocked.').waitFor();
  await page.getByRole('link', { name: 'Sites' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Refuse nobody' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Refuse nobody');
  expect(await lab.api('/v1/sites')).toMatchObject({
    sites: expect.not.arrayContaining([{ policy: { mode: 'off' } }]),
  });
  expect(faults).toEqual([]);
});

test('a policy is set for a time, a site is added and removed, and the panic switch reaches all', async () => {
  const page = await open();
  await view(page, 'Sites');
  const form = page.getByRole('form', { name: 'Policy of www.example.org' });
  expect(await form.getByLabel('each client may have').locator('option').allInnerTexts()).toEqual([
    '10,000 requests, 200 MB (most sites keep this)',
    '2,000 requests, 50 MB',
    '500 requests, 20 MB',
    '100 requests, 5 MB',
    '20 requests, 2 MB',
  ]);
  await form.getByLabel('each client may have').selectOption('500/20M');
  await form.getByLabel('How long').selectOption('7200');
  await form.getByRole('button', { name: 'Set' }).click();
  await page.getByText('until 2027-01-15 10:00 UTC, then 20/2M').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('new.example.org');
  await page.getByRole('button', { name: 'Add the site' }).click();
  await page.getByText('new.example.org has 10000/200M.').waitFor();
  await page.getByRole('button', { name: 'Remove new.example.org' }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.getByText('new.example.org is removed.').waitFor();
  await page.getByRole('button', { name: 'Refuse nobody' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Refuse nobody' }).click();
  await page.getByText('Nobody is refused any more').waitFor();
  const { sites } = (await lab.api('/v1/sites')) as { sites: { policy: { mode: string } }[] };
  expect(sites.map(({ policy }) => policy.mode)).toEqual(['off', 'off', 'off']);
  expect(faults).toEqual([]);
});

test('a log is played, and its recommendation set', async () => {
  const { result } = await run('throttle simulate', [`${root}examples/access.log`, '--json']);
  const { recommendation } = result as { recommendation: { sentence: string; preset: string } };
  const page = await open();
  await view(page, 'Simulate');
  await page.getByLabel('Access log').setInputFiles(`${root}examples/access.log`);
  await page.getByRole('button', { name: 'Simulate' }).click();
  await page.getByRole('heading', { name: recommendation.sentence }).waitFor();
  await page.locator('.verdict').getByLabel('Site').selectOption('www.example.org');
  await page.getByRole('button', { name: `Set ${recommendation.preset}` }).click();
  await page.getByText(`www.example.org has ${recommendation.preset} now.`).waitFor();
  expect(await lab.api('/v1/sites/www.example.org')).toMatchObject({
    site: { policy: { limits: recommendation.preset } },
  });
  expect(faults).toEqual([]);
});

test('whatever clients send stands there as text and does nothing', async () => {
  const evil = '/"><img src=x onerror=top.document.title="taken"><script>document.title="taken"</script>';
  const page = await open();
  visit('192.0.2.66', 21, evil, `</td>${evil}`);
  await lab.api('/v1/sites/www.example.org', 'PUT', { note: `<b>${evil}</b>` });
  await page.getByRole('log').getByText('192.0.2.66 is blocked').waitFor();
  await view(page, 'Blocks');
  await page.getByText(`GET ${evil}`).waitFor();
  await page.getByRole('button', { name: '192.0.2.66', exact: true }).click();
  await page.getByRole('dialog').getByText(`</td>${evil}`).waitFor();
  await page.keyboard.press('Escape');
  await view(page, 'Sites');
  await page.getByText(`<b>${evil}</b>`).waitFor();
  expect(await page.title()).not.toBe('taken');
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(faults).toEqual([]);
});

test('15 minutes in which nobody does anything end the session, although the page watches', async () => {
  const page = await open();
  visit('192.0.2.1', 3);
  await page.getByRole('row').filter({ hasText: '192.0.2.1' }).waitFor();
  lab.wait(IDLE_MS);
  await page.getByRole('heading', { name: 'There is no session' }).waitFor();
  expect(await page.getByRole('row').count()).toBe(0);
});

describe('a page of somebody else', () => {
  let evil: Server;
  let at = '';

  beforeEach(async () => {
    evil = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<title>evil</title><body>');
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', () => resolve()));
    at = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/`;
  });
  afterEach(() => evil.close());

  test('on another port of this machine can neither read nor change nor frame anything', async () => {
    const page = await open();
    const target = new URL(page.url()).origin;
    const other = await (context as BrowserContext).newPage();
    await other.goto(at);
    const tried = await other.evaluate<string[]>(`(async () => {
      const outcome = (call) => call.then((r) => r.type + ' ' + r.status, () => 'refused');
      const body = JSON.stringify({ name: 'evil.example' });
      return [
        await outcome(fetch('${target}/v1/sites', { credentials: 'include' })),
        await outcome(fetch('${target}/v1/sites', { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' }, body })),
        await outcome(fetch('${target}/v1/sites', { method: 'POST', mode: 'no-cors', credentials: 'include', body })),
        await outcome(fetch('${target}/app.js', { mode: 'no-cors' })),
      ];
    })()`);
    // What is opaque tells nothing, and the service refused it.
    expect(tried.map((each) => each.replace('opaque 0', 'refused'))).toEqual(Array(4).fill('refused'));
    await other.evaluate(`(() => {
      const form = Object.assign(document.createElement('form'), { method: 'POST', action: '${target}/v1/policy', target: 'f', enctype: 'text/plain' });
      form.append(Object.assign(document.createElement('input'), { name: '{"mode":"off","x":"', value: '"}' }));
      document.body.append(Object.assign(document.createElement('iframe'), { name: 'f' }), form);
      form.submit();
      document.body.append(Object.assign(document.createElement('iframe'), { name: 'g', src: '${target}/' }));
    })()`);
    await expect.poll(() => other.frames().length).toBe(3);
    await other.waitForLoadState('networkidle');
    for (const frame of other.frames().slice(1)) expect(await frame.content()).not.toContain('app.js');
    const { sites } = (await lab.api('/v1/sites')) as { sites: { name: string; policy: { mode: string } }[] };
    expect(sites.map(({ name, policy }) => [name, policy.mode])).toEqual([
      ['forum.example.org', 'enforce'],
      ['www.example.org', 'enforce'],
      ['other', 'enforce'],
    ]);
  });
});

describe.for([
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
] as const)('%s, %i pixels wide', ([scheme, width]) => {
  const sound = async (page: Page) => {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    expect(violations.map(({ id, nodes }) => [id, nodes.map((each) => each.html).slice(0, 3)])).toEqual([]);
    expect(
      await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
    ).toBeLessThanOrEqual(0);
  };

  test('no view has a fault that axe knows of, or is wider than the screen', async () => {
    const page = await open(scheme, width);
    visit('192.0.2.1', 15);
    visit('2001:db8:1234:5678::1', 19);
    visit('192.0.2.66', 21, `/${'long/'.repeat(40)}`);
    await page.getByRole('row').filter({ hasText: '2001:db8:1234:5678::/64' }).first().waitFor();
    await page.getByRole('log').getByText('192.0.2.66').waitFor();
    await sound(page);
    await view(page, 'Blocks');
    await sound(page);
    await page.getByRole('button', { name: '192.0.2.66', exact: true }).click();
    await page.getByRole('dialog').waitFor();
    await sound(page);
    await page.keyboard.press('Escape');
    await view(page, 'Sites');
    await page.locator('summary').first().click();
    await page.getByText('Blocked there now').waitFor();
    await sound(page);
    await view(page, 'Simulate');
    await page.getByLabel('Access log').setInputFiles(`${root}examples/access.log`);
    await page.getByRole('button', { name: 'Simulate' }).click();
    await page.getByText('What each preset would have done').waitFor();
    await sound(page);
    await page.getByRole('button', { name: 'End session' }).click();
    await page.getByRole('heading', { name: 'There is no session' }).waitFor();
    await sound(page);
  });
});
