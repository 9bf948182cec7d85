import { createClfParser } from './clf.ts';
import type { LogEntry } from './entry.ts';
import { createHaproxyParser } from './haproxy.ts';
import { createJsonParser } from './json.ts';
import { createW3cParser } from './w3c.ts';

/** A request; nothing, where a line says something about the log itself; or null when it is not understood. */
export type Parsed = LogEntry | 'comment' | null;

/**
 * Reads the lines of one access log, whatever format each is in: common, combined, with virtual host, JSON of nginx,
 * Caddy and Traefik, HAProxy, W3C.
 */
export function createLogParser(): (line: string) => Parsed {
  const clf = createClfParser();
  const json = createJsonParser();
  const haproxy = createHaproxyParser();
  const w3c = createW3cParser();
  return (line) => {
    if (line[0] === '{') return json(line);
    if (line[0] === '#' && w3c.isDirective(line)) return 'comment';
    if (w3c.active) return w3c.parse(line);
    return clf(line) ?? (line.includes('] ') ? haproxy(line) : null);
  };
}
