import type { Act } from '../mediator/acts.ts';
import { entryOf } from '../mediator/ledger.ts';
import { entryView } from '../mediator/view.ts';
import type { Check } from '../report.ts';
import type { MediatorActResult } from '../schema/mediator.ts';
import { allowed, Office } from './mediator.ts';

/** Note one act about an entry and tell how it stands now. */
export async function actOnEntry(
  folder: string | undefined,
  actor: string,
  id: string,
  {
    act,
    summary,
    checks = [],
  }: { readonly act: Act; readonly summary: string; readonly checks?: readonly Check[] },
): Promise<MediatorActResult> {
  const office = new Office(folder);
  return await office.alone(async () => {
    const { ledger } = office.note(office.journal(), [act], actor, Date.now());
    return actResult(ledger, actor, id, summary, checks);
  });
}

/** How an entry stands, as the result of an act. */
export function actResult(
  ledger: Parameters<typeof entryView>[1],
  actor: string,
  id: string,
  summary: string,
  checks: readonly Check[],
): MediatorActResult {
  return {
    target: id,
    status: 'ok',
    summary,
    checks: [...checks],
    mediator: ledger.mediator?.id ?? '',
    actor,
    entry: entryView(
      allowed(() => entryOf(ledger, id)),
      ledger,
    ),
  };
}
