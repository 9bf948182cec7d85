import type { MarkWorld } from '../../bimi/indicator.ts';
import { type CheckOptions, checkMessage } from '../../check/check.ts';
import { checkOnly } from '../../check/only.ts';
import type { MessageCheck, PartialCheck } from '../../check/types.ts';
import { type Case, pathBelow, stringField } from '../batch.ts';
import { caseDns } from '../case-dns.ts';
import type { CheckFlags } from '../check-flags.ts';
import { caseOptions, checkOptionsOf } from '../check-options.ts';
import type { Head } from '../envelope.ts';
import { newRoom } from '../input.ts';
import type { openMarks } from '../marks.ts';
import { checkInput, READ_BYTES } from '../message-check-input.ts';
import { type MessagePlace, readMessage } from '../message-sources.ts';
import { openDns } from '../open-dns.ts';

/** What one run of `message check` is about; plain values, so that threads can be told. */
export type Order = {
  readonly flags: CheckFlags;
  /** Folder of the package. */
  readonly root: string;
  /** Where paths in the cases of a batch start. */
  readonly folder: string;
  /** The clock of the run, milliseconds since the epoch. */
  readonly nowMs: number;
  /** What the rows begin with where they are lines of `jsonl`; null where they are not. */
  readonly head: Head | null;
};

/** A message, or a case of a batch. */
export type Job = MessagePlace | Case;

export type AnyCheck = MessageCheck | PartialCheck;

/** The id of a case; a message has none. */
export function idOf(job: Job): string | undefined {
  return 'id' in job ? job.id : undefined;
}

/** How a job is called in its row. */
export function nameOf(job: Job): string {
  return 'id' in job ? job.id : job.name;
}

/** Checks messages one after the other, as the flags say; a thread has its own. */
export type Checker = {
  /** @throws AppError for what cannot be read or is no message */
  readonly check: (job: Job) => Promise<AnyCheck>;
  /** Closes what was opened. */
  readonly finish: () => void;
};

/** Loaded only where somebody asks: most never do. */
async function marksFor(...asked: Parameters<typeof openMarks>): Promise<MarkWorld> {
  return (await import('../marks.ts')).openMarks(...asked);
}

/** @throws AppError for a flag that cannot be, or a list that cannot be read */
export async function openChecker(
  { flags, root, folder, nowMs }: Order,
  signal: AbortSignal,
): Promise<Checker> {
  const { dns, finish } = await openDns(flags, signal);
  try {
    const options: CheckOptions = {
      ...(await checkOptionsOf(flags, root, nowMs)),
      dns,
      ...(flags.bimi && { marks: await marksFor(flags, { root, dns, signal }) }),
    };
    const pathOf = (name: string) => pathBelow(folder, name);
    const dnsOf = caseDns(pathOf, dns);
    const checkBytes = (name: string, bytes: Buffer, lenient: boolean, own: CheckOptions) => {
      const message = checkInput(name, bytes, { lenient });
      return flags.only === undefined ? checkMessage(message, own) : checkOnly(message, flags.only, own);
    };
    const rooms: Buffer[] = [];
    /** Nothing of a message stays when it has been checked, so the next is read to the same place. */
    const check = async (job: Job) => {
      const room = rooms.pop() ?? newRoom();
      try {
        return 'id' in job ? await checkCase(job, room) : await checkPlace(job, room);
      } finally {
        rooms.push(room);
      }
    };
    const checkPlace = async (place: MessagePlace, room: Buffer) =>
      checkBytes(place.name, await readMessage(place, READ_BYTES, room), false, options);
    const checkCase = async (each: Case, room: Buffer) => {
      const name = stringField(each, 'eml');
      const file = pathOf(name);
      const place = { name, file, part: null, isRegular: null };
      const bytes = await readMessage(place, READ_BYTES, room);
      return checkBytes(name, bytes, true, { ...options, ...caseOptions(each), dns: await dnsOf(each) });
    };
    return { check, finish };
  } catch (error) {
    finish();
    throw error;
  }
}
