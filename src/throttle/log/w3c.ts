import { isClient, type LogEntry, sizeOf } from './entry.ts';
import { isoMs } from './time.ts';

/** Most fields that a line may have. */
const MOST_FIELDS = 100;

/** Reads the W3C extended format, as IIS writes it: which fields there are is told in the log itself. */
export type W3cParser = {
  /** Whether this log has told its fields, or does so with this line. */
  isDirective(line: string): boolean;
  readonly active: boolean;
  parse(line: string): LogEntry | null;
};

export function createW3cParser(): W3cParser {
  let places: ReadonlyMap<string, number> = new Map();
  return {
    get active() {
      return places.size > 0;
    },
    isDirective(line) {
      const [, fields] = /^#Fields:\s*(.*)$/.exec(line) ?? [];
      if (fields !== undefined)
        places = new Map(fields.split(/\s+/, MOST_FIELDS).map((name, index) => [name, index]));
      return /^#(?:Fields|Software|Version|Date|Start-Date|End-Date|Remark):/.test(line);
    },
    parse(line) {
      const values = line.split(' ', MOST_FIELDS);
      const at = (name: string) => values[places.get(name) ?? -1] ?? '-';
      const client = at('c-ip');
      const timeMs = isoMs(`${at('date')}T${at('time')}Z`);
      const bytes = sizeOf(at('sc-bytes'));
      if (timeMs === null || bytes === null || !isClient(client)) return null;
      const site = [at('cs-host'), at('cs(Host)')].find((name) => name !== '-');
      const agent = at('cs(User-Agent)');
      return {
        timeMs,
        client,
        site: site ?? null,
        bytes,
        status: Number(at('sc-status')) || 0,
        request: at('cs-uri-stem'),
        referer: at('cs(Referer)'),
        userAgent: agent === '-' ? null : agent.replaceAll('+', ' '),
      };
    },
  };
}
