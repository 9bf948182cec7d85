import { escapeJson } from './clean.ts';

/** One line a happening of a service, on standard output, for the journal. */
export function tell(event: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${escapeJson(JSON.stringify({ time: new Date().toISOString(), ...event }))}\n`);
}
