import type { Interfaces } from '@oclif/core';
import type { KeyStore, SlotRecord } from '../keys/store.ts';
import { recordIn, viewOf } from '../keys/views.ts';
import { type Check, worst } from '../report.ts';
import type { YubikeyChangeResult } from '../schema/yubikey.ts';
import type { SlotNumber } from '../yubikey/commands.ts';
import { NO_CODE } from '../yubikey/slot.ts';
import type { OpenKey } from '../yubikey/survey.ts';
import type { Codes } from '../yubikey/write.ts';
import { BaseCommand } from './base.ts';
import { type changeFlags, confirmKey, readAccessCode, withKeyOf } from './desk.ts';
import { type deskStoreFlags, withStore, withStoreIfAny } from './key-store.ts';
import { renderChange } from './render/yubikey.ts';
import { line } from './text.ts';
import { recordAtDesk } from './validation.ts';

type ChangeFlags = Interfaces.InferredFlags<typeof changeFlags> &
  Interfaces.InferredFlags<typeof deskStoreFlags>;

/** What will be done to a key, told before anybody is asked. */
export type Planned = {
  readonly slot: SlotNumber | null;
  /** Sentences, in order. */
  readonly plan: readonly string[];
  readonly checks: readonly Check[];
  readonly carryOut: () => Promise<Done>;
};

/** What was done. */
export type Done = {
  readonly summary: string;
  readonly checks?: readonly Check[];
  /** The record of the slot, by its id. */
  readonly recordId?: string | undefined;
};

/** What a command that changes a key shares with the others: plan, confirmation, result. */
export abstract class ChangeCommand extends BaseCommand {
  /**
   * Plan a change of one key, have it confirmed and carry it out; with --dry-run the plan is the result.
   *
   * @param makesStore  whether there has to be a store for it
   * @param planned  what will be done; it changes nothing
   */
  protected async change(
    flags: ChangeFlags,
    makesStore: boolean,
    planned: (key: OpenKey, store: KeyStore | undefined) => Planned,
  ): Promise<YubikeyChangeResult> {
    return this.emit(await this.changed(flags, makesStore, planned), renderChange);
  }

  /** The same for one of several keys: the result is not shown yet. */
  protected async changed(
    flags: ChangeFlags,
    makesStore: boolean,
    planned: (key: OpenKey, store: KeyStore | undefined) => Planned,
  ): Promise<YubikeyChangeResult> {
    const work = (store: KeyStore | undefined) =>
      withKeyOf(
        flags,
        this.signal,
        (opened) => {
          const key = { ...opened, owner: ownerOf(opened, store) };
          return this.perform(flags, key, store, planned(key, store));
        },
        () => this.tellTouch(),
      );
    const open = makesStore && !flags['dry-run'];
    return open ? await withStore(flags, (text) => this.note(text), work) : await withStoreIfAny(flags, work);
  }

  private toldTouch = false;

  private tellTouch(): void {
    if (!this.toldTouch) this.note(line`Touch the key.`);
    this.toldTouch = true;
  }

  private async perform(
    flags: ChangeFlags,
    key: OpenKey,
    store: KeyStore | undefined,
    { slot, plan, checks, carryOut }: Planned,
  ): Promise<YubikeyChangeResult> {
    const { serial, node } = key.view;
    const name = serial === null ? node : String(serial);
    const shared = { target: name, serial, slot, plan: [...plan], dryRun: flags['dry-run'] };
    if (flags['dry-run']) {
      const summary = `Nothing was done; this would be done to ${name}:`;
      return { ...shared, status: 'ok', summary, checks: [...checks], record: null };
    }
    if (!flags.yes) for (const step of plan) this.note(line`  ${step}`);
    for (const { message } of checks) this.note(line`  ${message}`);
    await confirmKey(key, flags, this.mayAsk);
    // Before it is done: what breaks off in the middle is in the log as well.
    await recordAtDesk(flags, this.words, `serial ${key.owner}${slot === null ? '' : ` slot ${slot}`}`);
    const done = await carryOut();
    const all = [...checks, ...(done.checks ?? [])];
    const record = store?.slots(key.owner).find(({ id }) => id === done.recordId);
    return {
      ...shared,
      status: worst(all.map(({ status }) => status)),
      summary: done.summary,
      checks: all,
      record: record ? viewOf(record) : null,
    };
  }
}

/**
 * The access codes that a slot may have now: as given, as recorded, or none. Two are on record where a change of the
 * code may have been interrupted.
 */
export function currentCodes(
  flags: Pick<ChangeFlags, 'access-code-file'>,
  store: KeyStore | undefined,
  record: SlotRecord | undefined,
): Codes {
  const given = readAccessCode(flags['access-code-file'], 'access-code-file');
  if (given) return [given];
  return store && record ? [store.contentOf(record).accessCode, store.oldCodeOf(record)] : [NO_CODE];
}

/** The record of what is in a slot of a key. */
export function recordFor(
  { owner }: OpenKey,
  store: KeyStore | undefined,
  slot: SlotNumber,
): SlotRecord | undefined {
  return recordIn(store, owner, slot);
}

/**
 * What our records know a key by. One that shows no serial number, and was not named as we know it, gets a number of
 * its own: two of them never share records, so that programming the second takes nothing from the first.
 */
function ownerOf({ owner }: OpenKey, store: KeyStore | undefined): number {
  return owner === 0 ? (store?.freeNumber() ?? -1) : owner;
}
