import type { ThrottleStory } from '../../schema/demo.ts';
import { crit, dim, type Line, line, ok, strong, wrap } from '../text.ts';

function heading(number: number, title: string, command: string, columns: number): Line[] {
  return [[], ...wrap(line`${strong(`${number}. ${title}`)}  ${dim(command)}`, columns, 3)];
}

const said = (status: number) => (status === 200 ? ok(String(status)) : crit(String(status)));

/** The story of the throttle, as it is told on the terminal. */
export function renderThrottleStory(story: ThrottleStory, columns: number): Line[] {
  const { firstRefused, status, retryAfterSeconds, otherClient, otherSite, simulation } = story;
  const seconds = (story.blockedMs / 1000).toFixed(1);
  const text = /<p>(.*)<\/p>\s*<\/html>/.exec(story.page)?.[1] ?? '';
  return [
    ...wrap(
      line`Who hammers this site? One client may have 20 requests and 2 MB in ten minutes, which are ten seconds here. The service, its front and a web server run on this machine only.`,
      columns,
    ),
    ...heading(1, 'One client asks too much', 'postern throttle policy set shop.test 20/2M', columns),
    ...wrap(
      line`  requests 1 to ${firstRefused - 1}: ${said(200)}   request ${firstRefused}: ${said(status)}, Retry-After ${retryAfterSeconds} ${dim(`"${text}"`)}`,
      columns,
      4,
    ),
    line`  another client, same site: ${said(otherClient)}   same client, another site: ${said(otherSite)}`,
    ...heading(2, 'It does not give up', 'postern throttle explain 127.0.0.1', columns),
    ...wrap(
      line`  ${story.refusedMeanwhile} more requests were refused; they neither counted nor prolonged the block. After ${strong(`${seconds} s`)} it had its whole quota again: ${ok(`${story.servedAfter} requests`)}.`,
      columns,
      4,
    ),
    ...heading(3, 'Which preset should a site have?', 'postern throttle simulate access.log', columns),
    ...wrap(
      line`  ${dim(`${simulation.requests} requests of an invented log:`)} ${strong(simulation.sentence)}`,
      columns,
      4,
    ),
  ];
}
