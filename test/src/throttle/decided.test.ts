import { expect, onTestFinished, test } from 'vitest';
import { takeIn } from '../../../src/throttle/follow/entry.ts';
import { parseNginxLine } from '../../../src/throttle/nginx/log.ts';
import { startThrottleLab } from '../../helpers/throttle-lab.ts';

// Lines of an nginx that decides by itself: a letter for what became of the request, and until when a block holds.

const START_MS = 1_800_000_000_000;

async function taken(...verdicts: readonly string[]) {
  const lab = await startThrottleLab({ startMs: START_MS });
  onTestFinished(() => lab.close());
  const { warden } = lab.daemon;
  const take = (verdict: string) => {
    const line = `postern1\tn\t${verdict}\t192.0.2.1\tany.example\t1000\tGET\t/page\tcurl`;
    takeIn(warden, parseNginxLine(line) ?? expect.fail(line));
  };
  for (const verdict of verdicts) take(verdict);
  const told = () => {
    const { servedRequests, servedBytes, refusedRequests, wouldRefuse, overBudget } = warden.totalsOf(
      warden.sites.other,
    );
    return [servedRequests, servedBytes, refusedRequests, wouldRefuse, overBudget];
  };
  const blocks = () => warden.blocks().map(({ block }) => [block.limit, block.untilMs - START_MS]);
  return { warden, take, told, blocks };
}

test.for([
  ['served', [''], [1, 1000, 0, 0, 0], []],
  ['served to who is exempt', ['f'], [1, 1000, 0, 0, 0], []],
  ['refused, and a block began', ['R 1800000005000'], [0, 0, 1, 0, 0], [['requests', 5000]]],
  ['refused by a block that is not known here', ['r 1800000005000'], [0, 0, 1, 0, 0], [['requests', 5000]]],
  ['served, and a block began by bytes', ['B 1800000005000'], [1, 1000, 0, 0, 0], [['bytes', 5000]]],
  ['would be refused', ['D 1800000005000', 'd 1800000005000'], [2, 2000, 0, 2, 0], [['requests', 5000]]],
  ['over the budget of the site', ['b 1800000005000'], [0, 0, 1, 0, 1], []],
  ['refused by a block that is over', ['r 1799999999000'], [0, 0, 1, 0, 0], []],
  ['something else', ['x 1', 'R', 'R -1', '\\x00'], [3, 3000, 1, 0, 0], []],
] as const)('%s', async ([, verdicts, told, blocks]) => {
  const found = await taken(...verdicts);
  expect([found.told(), found.blocks()]).toEqual([told, blocks]);
});

test('what was lifted is not taken up again from the log, and a block that begins afterwards is', async () => {
  const { warden, take, blocks } = await taken('R 1800000005000');
  warden.unblock(warden.clientNamed('192.0.2.1'), null);
  take('r 1800000005000');
  expect(blocks()).toEqual([]);
  take('R 1800000006000');
  expect(blocks()).toEqual([['requests', 6000]]);
});

test('the request that began a block is kept, and what was served counts towards who is near a limit', async () => {
  const { warden } = await taken('', '', 'R 1800000005000');
  expect(warden.blocks()).toMatchObject([
    { block: { requests: 2 }, tipping: { path: '/page', userAgent: 'curl' } },
  ]);
});
