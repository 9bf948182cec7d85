import type { LineScanner } from '../../src/throttle/log/scan.ts';
import type { Request } from '../../src/throttle/visitors.ts';

/** What the scanner said last, without what it remembers of the client for itself. */
export function saidBy({ request }: LineScanner): Request {
  const { agent: _, ...who } = request.who;
  return { ...request, who };
}
