import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { entryOf } from '../mediator/ledger.ts';
import { withEnvironment } from './flags.ts';
import { allowed, answerYesNo, Office } from './mediator.ts';
import { dim, type Line, line } from './text.ts';

const DAY_MS = 86_400_000;

export const termFlag = withEnvironment({
  days: Flags.integer({
    summary: 'Days until it has to be vetted again.',
    default: 365,
    min: 1,
    max: 396,
    helpValue: 'N',
  }),
});

/** End of a term that begins now, to the second. */
export function untilMs(days: number): number {
  return Math.floor(Date.now() / 1000) * 1000 + days * DAY_MS;
}

/** Show what was found out and have a person say that it is enough. */
export async function confirmEntry(
  folder: string | undefined,
  id: string,
  yes: boolean,
  mayAsk: boolean,
  note: (text: Line) => void,
): Promise<void> {
  if (yes) return;
  const { ledger } = new Office(folder).journal();
  const { pending, proposal } = allowed(() => entryOf(ledger, id));
  for (const { kind, text } of pending?.evidence ?? []) note(line`  ${dim(kind)}  ${text}`);
  const message = `Does this show that mail of ${proposal.domains.map(({ domain }) => domain).join(', ')} is ${proposal.name}’s?`;
  if (await answerYesNo(undefined, { message, flag: 'yes' }, mayAsk)) return;
  throw new AppError('Not approved.', {
    code: 'E_REFUSED',
    exit: ExitCode.usage,
    hint: 'Nothing was noted.',
  });
}
