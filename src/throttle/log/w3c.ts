import { isClient, type LogEntry, sizeOf } from './entry.ts';
import { isoMs } from './time.ts';

/** Most fields that a line may have. */
const MOST_FIELDS = 100;

/** Names of the fields that count. */
const FIELDS = {
  date: 'date',
  time: 'time',
  client: 'c-ip',
  bytes: 'sc-bytes',
  site: 'cs-host',
  host: 'cs(Host)',
  status: 'sc-status',
  request: 'cs-uri-stem',
  referer: 'cs(Referer)',
  agent: 'cs(User-Agent)',
} as const;

/** Reads the W3C extended format, as IIS writes it: which fields there are is told in the log itself. */
export type W3cParser = {
  /** Whether this log has told its fields, or does so with this line. */
  isDirective(line: string): boolean;
  readonly active: boolean;
  parse(line: string): LogEntry | null;
};

/** Where each field stands that counts; -1 where it is not told. */
function placesOf(fields: string): { readonly [K in keyof typeof FIELDS]: number } {
  const names = fields.split(/\s+/, MOST_FIELDS);
  const at = (name: string) => names.lastIndexOf(name);
  return Object.fromEntries(Object.entries(FIELDS).map(([key, name]) => [key, at(name)])) as never;
}

export function createW3cParser(): W3cParser {
  let places: ReturnType<typeof placesOf> | null = null;
  // Many lines are of one second.
  let knownTime = '';
  let knownMs: number | null = null;
  const timeOf = (date: string, time: string): number | null => {
    const text = `${date}T${time}Z`;
    if (text !== knownTime) {
      knownTime = text;
      knownMs = isoMs(text);
    }
    return knownMs;
  };
  return {
    get active() {
      return places !== null;
    },
    isDirective(line) {
      const [, fields] = /^#Fields:\s*(.*)$/.exec(line) ?? [];
      if (fields !== undefined) places = placesOf(fields);
      return /^#(?:Fields|Software|Version|Date|Start-Date|End-Date|Remark):/.test(line);
    },
    parse(line) {
      if (places === null) return null;
      const values = line.split(' ', MOST_FIELDS);
      const client = values[places.client] ?? '-';
      const timeMs = timeOf(values[places.date] ?? '-', values[places.time] ?? '-');
      const bytes = sizeOf(values[places.bytes] ?? '-');
      if (timeMs === null || bytes === null || !isClient(client)) return null;
      const site = [values[places.site], values[places.host]].find((name) => (name ?? '-') !== '-');
      const agent = values[places.agent] ?? '-';
      return {
        timeMs,
        client,
        site: site ?? null,
        bytes,
        status: Number(values[places.status] ?? '-') || 0,
        request: values[places.request] ?? '-',
        referer: values[places.referer] ?? '-',
        userAgent: agent === '-' ? null : agent.replaceAll('+', ' '),
      };
    },
  };
}
