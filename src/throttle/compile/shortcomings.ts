import type { Check } from '../../report.ts';

const SAID = {
  haproxy: {
    message:
      'HAProxy counts by itself in windows of the clock, bytes in whole kibibytes; a budget for a whole site begins and ends up to a second late.',
    evidence:
      'Of more than 20,000 clients at once only those with the most requests or bytes reach "throttle top"; a request of a block is not kept.',
    fix: 'Where every request has to be exact, let nginx ask the service, or use the built-in front.',
  },
  log: {
    message:
      'nginx learns from its own log whom to refuse: a block, and the budget of a whole site, begins and ends up to two seconds late.',
    evidence: 'A service that is away lets everybody pass; Retry-After is a date.',
    fix: 'Where every request has to be exact, write the configuration with --mode auth.',
  },
  auth: {
    message: 'nginx asks before each request, and tells the bytes 0.3 s later by its log.',
    evidence: 'A service that is away lets everybody pass, within 50 ms.',
    fix: 'Where the service must not be needed, use HAProxy by itself.',
  },
} as const;

/** What a web server cannot do of what the service can, said with every configuration that is written for it. */
export function shortcomings(target: 'haproxy' | 'nginx', mode: 'log' | 'auth'): Check {
  return { id: 'throttle.compile.front', status: 'ok', ...SAID[target === 'haproxy' ? target : mode] };
}
