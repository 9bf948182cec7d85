import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Check } from '../report.ts';
import type { ThrottleStory } from '../schema/demo.ts';
import { judgeSimulation } from '../throttle/judge.ts';
import { requestOf } from '../throttle/log/entry.ts';
import { createLogParser } from '../throttle/log/parse.ts';
import { Simulation } from '../throttle/simulate.ts';
import { BLOG, inventedLog, SHOP, SHORT_MS, type ThrottleDemoLab } from './throttle-lab.ts';

/** Two clients: every address of 127.0.0.0/8 is this machine. */
const GREEDY = '127.0.0.1';
const CALM = '127.0.0.2';

/** Between two requests of the one that does not give up, in milliseconds. */
const PESTER_MS = 250;

type Answer = { readonly status: number; readonly retryAfter: string | null; readonly body: string };

function ask(port: number, host: string, from: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      localAddress: from,
      headers: { host },
      agent: false,
      signal,
    });
    call.setTimeout(5000, () => call.destroy(new Error('the front does not answer')));
    call.on('error', reject);
    call.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'] ?? null,
          body,
        }),
      );
    });
    call.end();
  });
}

/** What the recommendation of `throttle simulate` says of an invented log. */
function simulate(): ThrottleStory['simulation'] {
  const simulation = new Simulation({ window: 'sliding' });
  const parse = createLogParser();
  const lines = inventedLog();
  for (const [index, text] of lines.entries()) {
    const entry = parse(text);
    if (entry !== null && entry !== 'comment') simulation.add(requestOf(entry), 0, index + 1);
  }
  const reading = {
    files: ['access.log'],
    lines: lines.length,
    broken: 0,
    examples: [],
    damaged: [],
    otherSites: 0,
  };
  const { recommendation } = judgeSimulation(simulation.finish(), reading, {
    window: 'sliding',
    site: null,
    attacker: null,
  });
  return { requests: lines.length, preset: recommendation.preset, sentence: recommendation.sentence };
}

/**
 * Tell the story: one client asks too much of a site with 20/2M, whose ten minutes are ten seconds here, and does not
 * give up; another client and another site go on; afterwards the quota is whole.
 */
export async function tellThrottle({ port }: ThrottleDemoLab, signal: AbortSignal): Promise<ThrottleStory> {
  const statuses: number[] = [];
  let page: Answer | undefined;
  while (page === undefined && statuses.length < 30) {
    const answer = await ask(port, SHOP, GREEDY, signal);
    statuses.push(answer.status);
    if (answer.status !== 200) page = answer;
  }
  const begunMs = performance.now();
  const otherClient = (await ask(port, SHOP, CALM, signal)).status;
  const otherSite = (await ask(port, BLOG, GREEDY, signal)).status;
  let refused = 0;
  while (
    (await ask(port, SHOP, GREEDY, signal)).status !== 200 &&
    performance.now() - begunMs < 3 * SHORT_MS
  ) {
    refused += 1;
    await setTimeout(PESTER_MS, undefined, { signal });
  }
  const blockedMs = Math.round(performance.now() - begunMs);
  let servedAfter = 1;
  while (servedAfter < 30 && (await ask(port, SHOP, GREEDY, signal)).status === 200) servedAfter += 1;
  return {
    story: 'throttle',
    firstRefused: statuses.length,
    status: page?.status ?? 0,
    retryAfterSeconds: Number(page?.retryAfter ?? 0),
    page: page?.body ?? '',
    otherClient,
    otherSite,
    refusedMeanwhile: refused,
    blockedMs,
    servedAfter,
    simulation: simulate(),
  };
}

/** What the story should have shown. */
export function checkThrottle(story: ThrottleStory): Check[] {
  const check = (id: string, good: boolean, message: string): Check => ({
    id,
    status: good ? 'ok' : 'crit',
    message,
  });
  const {
    firstRefused,
    status,
    retryAfterSeconds,
    otherClient,
    otherSite,
    servedAfter,
    blockedMs,
    simulation,
  } = story;
  return [
    check(
      'demo.throttle.refused',
      firstRefused === 21 && status === 429 && retryAfterSeconds === SHORT_MS / 1000,
      `Request ${firstRefused} was answered with ${status} and Retry-After ${retryAfterSeconds}.`,
    ),
    check(
      'demo.throttle.others',
      otherClient === 200 && otherSite === 200,
      'Another client and another site went on.',
    ),
    check(
      'demo.throttle.quota',
      servedAfter === 20 && blockedMs >= SHORT_MS - 500 && blockedMs < SHORT_MS + 2000,
      `After ${(blockedMs / 1000).toFixed(1)} s the client got ${servedAfter} requests again.`,
    ),
    check('demo.throttle.simulate', simulation.preset === '500/20M', simulation.sentence),
  ];
}
