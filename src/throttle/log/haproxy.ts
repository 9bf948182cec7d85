import { isClient, type LogEntry, sizeOf } from './entry.ts';
import { createClfClock } from './time.ts';

/** `option httplog`, behind whatever syslog put before it. */
const LINE =
  /(?:^|\]: |\s)(\S{3,60}):\d{1,5} \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d)\.\d{3}\] \S+ \S+ [-\d/]+ (\d{3}|-1) \+?(\d{1,15}) [^"]*"([^"]*)/;

/** Reads HAProxy's HTTP log. Its times have no offset and are taken for UTC. */
export function createHaproxyParser(): (line: string) => LogEntry | null {
  const clock = createClfClock();
  return (line) => {
    const [, client = '', time = '', status, size = '', request = ''] = LINE.exec(line.slice(0, 8192)) ?? [];
    const timeMs = clock(`${time} +0000`);
    const bytes = sizeOf(size);
    if (timeMs === null || bytes === null || !isClient(client)) return null;
    return {
      timeMs,
      client: client.replace(/^\[(.*)\]$/, '$1'),
      site: null,
      bytes,
      status: Math.max(0, Number(status)),
      request,
      referer: '',
      userAgent: null,
    };
  };
}
