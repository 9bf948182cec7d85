import type { Check, Status } from '../report.ts';
import type { ThrottleService, ThrottleShare } from '../schema/throttle.ts';
import { APART_MS } from './share/clock.ts';

/** Whether the service does its work. @param service  what it says, or why it says nothing */
export function judgeService(service: ThrottleService | Error): {
  readonly status: Status;
  readonly summary: string;
  readonly checks: readonly Check[];
} {
  if (service instanceof Error) {
    const check: Check = {
      id: 'throttle.service',
      status: 'crit',
      message: service.message,
      fix: 'Start it: systemctl start postern-throttle, or postern throttle serve.',
    };
    return { status: 'crit', summary: service.message, checks: [check] };
  }
  const { blocks, sites } = service;
  const summary = `The service runs: ${sites} ${sites === 1 ? 'site' : 'sites'}, ${blocks} ${blocks === 1 ? 'client' : 'clients'} blocked.`;
  const found = [...storeChecks(service), ...memoryChecks(service), ...shareChecks(service)];
  if (found.length === 0)
    return { status: 'ok', summary, checks: [{ id: 'throttle.service', status: 'ok', message: summary }] };
  return { status: 'warn', summary, checks: found };
}

function storeChecks({ storeFailures }: ThrottleService): Check[] {
  if (storeFailures === 0) return [];
  return [
    {
      id: 'throttle.store',
      status: 'warn',
      message: 'The database could not be written: what is in memory holds, and is lost with the service.',
      evidence: `${storeFailures} times since the start`,
      fix: 'Look at what it says: journalctl -u postern-throttle; is the disk full?',
    },
  ];
}

function memoryChecks({ evictedLive, evictedMaxShare }: ThrottleService): Check[] {
  if (evictedLive === 0) return [];
  return [
    {
      id: 'throttle.memory',
      status: 'warn',
      message: 'Clients were forgotten before their ten minutes were over, as there were too many at once.',
      evidence: `${evictedLive} of them, which had used up to ${(evictedMaxShare * 100).toFixed(1)} % of a limit`,
      fix: 'Look with "throttle top" who they are; blocks are never forgotten.',
    },
  ];
}

function shareChecks({ share }: ThrottleService): Check[] {
  return share === null ? [] : [...awayChecks(share), ...clockChecks(share), ...lossChecks(share)];
}

function awayChecks({ state, since, reason, server }: ThrottleShare): Check[] {
  if (state === 'connected') return [];
  return [
    {
      id: 'throttle.share',
      status: 'warn',
      message: 'What the other nodes count is not known: this one limits by what it counts itself.',
      evidence: `${server} is away since ${since}: ${reason ?? ''}`,
      fix: 'Look after that server; whatever still matters is told when it is back.',
    },
  ];
}

function clockChecks({ clockAheadMs }: ThrottleShare): Check[] {
  if (Math.abs(clockAheadMs) <= APART_MS) return [];
  return [
    {
      id: 'throttle.share-clock',
      status: 'warn',
      message: 'The clock of this node and that of the server which the nodes share by are apart.',
      evidence: `the server is ${(clockAheadMs / 1000).toFixed(1)} s ahead`,
      fix: 'Let both keep time by NTP; limits and blocks allow for it meanwhile.',
    },
  ];
}

function lossChecks({ lost, strange, cut }: ThrottleShare): Check[] {
  if (lost + strange + cut === 0) return [];
  return [
    {
      id: 'throttle.share-loss',
      status: 'warn',
      message: 'Some of what the nodes tell each other was given up, so the sum was too low for a while.',
      evidence: `${lost} counts for want of memory here, ${cut} times the oldest for want of room there, ${strange} entries that made no sense`,
      fix: 'Was the server away for long, or does something else write to its keys? It needs a database of its own.',
    },
  ];
}
