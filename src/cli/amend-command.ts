import type { Interfaces } from '@oclif/core';
import { AppError, ExitCode } from '../errors.ts';
import { type Amendable, type Amendment, amend, amendmentCautions, requireAmendable } from '../keys/amend.ts';
import type { KeyStore } from '../keys/store.ts';
import type { YubikeyChangeResult } from '../schema/yubikey.ts';
import type { OpenKey } from '../yubikey/survey.ts';
import { ChangeCommand, currentCodes, type Planned, recordFor } from './change-command.ts';
import { type changeFlags, type slotFlag, slotOf } from './desk.ts';
import type { deskStoreFlags } from './key-store.ts';

type AmendFlags = Interfaces.InferredFlags<typeof changeFlags> &
  Interfaces.InferredFlags<typeof slotFlag> &
  Interfaces.InferredFlags<typeof deskStoreFlags>;

/** What is to become of a slot, in words and in flags. */
export type Amend = {
  readonly turn?: Readonly<Partial<Record<Amendable, boolean>>>;
  /** The access code from then on; it stays as it is when there is none. */
  readonly newCode?: Uint8Array;
  /** Whether the new code is known to nobody but our records, so that there has to be one. */
  readonly keepsCode?: boolean;
  /** What is done, as a sentence, and what was done. */
  readonly plan: string;
  readonly summary: string;
};

/** Commands that change a slot and leave its secrets alone. */
export abstract class AmendCommand extends ChangeCommand {
  protected amend(flags: AmendFlags, wish: Amend): Promise<YubikeyChangeResult> {
    return this.change(flags, false, (key, store) => this.planned(flags, wish, key, store));
  }

  private planned(flags: AmendFlags, wish: Amend, key: OpenKey, store: KeyStore | undefined): Planned {
    const slot = slotOf(flags);
    const record = recordFor(key, store, slot);
    if (wish.keepsCode && !record)
      throw new AppError(`Slot ${slot} is not on record, so a random code would be lost.`, {
        code: 'E_SLOT',
        exit: ExitCode.usage,
        hint: 'Give one with --new-access-code-file, and keep it.',
      });
    const codes = currentCodes(flags, store, record);
    const amendment: Amendment = {
      slot,
      turn: wish.turn ?? {},
      newCode: wish.newCode ?? codes[0],
      codes,
      record,
    };
    requireAmendable(key, store, amendment);
    return {
      slot,
      plan: [wish.plan],
      checks: amendmentCautions(amendment),
      carryOut: async () => {
        await amend(key, store, amendment, Date.now());
        return { summary: wish.summary, recordId: record?.id };
      },
    };
  }
}
