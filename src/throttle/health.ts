import type { Check, Status } from '../report.ts';
import type { ThrottleService } from '../schema/throttle.ts';

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
  const found = [...storeChecks(service), ...memoryChecks(service)];
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
