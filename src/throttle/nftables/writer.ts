import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAddress } from '../../net/address.ts';
import { holds, LOOPBACK, type Network, parseNetwork } from '../../net/network.ts';
import { clientOfWords } from '../client.ts';
import { enforcedBlocks } from '../enforced.ts';
import { replaceFile, type Writer } from '../publisher.ts';
import type { Warden } from '../warden.ts';

/** Who is to be dropped, an address and whole seconds a line, and a last line that says that the file is whole. */
export const DROP_LIST = 'drop.list';

/** Exists while the list was not applied; the unit that does it takes it away. */
const APPLY_FLAG = 'reload';

/** Most elements: the sets of the kernel have room for 65,536. */
const MOST_DROPPED = 50_000;

const addressOf = ({ text }: Network) => parseAddress(text.replace(/\/\d+$/, ''));

/** Whether two networks have an address in common. */
function overlap(one: Network, other: Network): boolean {
  return one.bits <= other.bits ? holds(one, addressOf(other)) : holds(other, addressOf(one));
}

/**
 * Clients whose packets are to be dropped, and until when, in milliseconds since the epoch: those who went on asking
 * while they were refused, but for networks that are exempt anywhere, this machine, and proxies of ours.
 */
export function droppedClients(
  warden: Warden,
  after: number,
  trusted: readonly Network[],
): ReadonlyMap<string, number> {
  const spared = [
    ...LOOPBACK,
    ...trusted,
    ...warden.exemptions().flatMap(({ network }) => parseNetwork(network) ?? []),
  ];
  const dropped = new Map<string, number>();
  for (const block of enforcedBlocks(warden)) {
    if (warden.refusedIn(block) < after || dropped.size >= MOST_DROPPED || block.client.kind !== 0) continue;
    // Made of numbers, so that nothing of a client's words is ever in the file.
    const { text } = clientOfWords(block.client.words, warden.prefix);
    const network = parseNetwork(text);
    if (network === null || spared.some((each) => overlap(each, network))) continue;
    dropped.set(text, Math.max(dropped.get(text) ?? 0, block.untilMs));
  }
  return dropped;
}

/**
 * Writes who is to be dropped by the packet filter. Nothing here runs nft: a list of addresses is all that it gets, and
 * whoever applies it makes commands of nothing else.
 */
export class NftablesWriter implements Writer {
  readonly coalescedMs = 1000;
  readonly longestMs = 60_000;
  private readonly folder: string;
  private readonly after: number;
  private readonly trusted: readonly Network[];
  private written: ReadonlyMap<string, number> | null = null;

  /** @param after  refused requests in one block */
  constructor(folder: string, after: number, trusted: readonly Network[]) {
    this.folder = folder;
    this.after = after;
    this.trusted = trusted;
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
  }

  async write(warden: Warden): Promise<boolean> {
    const dropped = droppedClients(warden, this.after, this.trusted);
    if (this.isApplied(dropped, warden.nowMs)) return false;
    const lines = [...dropped].map(([client, untilMs]) => {
      const seconds = Math.max(1, Math.ceil((untilMs - warden.nowMs) / 1000));
      return `${client} ${seconds}\n`;
    });
    await replaceFile(this.folder, DROP_LIST, `${lines.join('')}end\n`);
    await writeFile(join(this.folder, APPLY_FLAG), '');
    this.written = dropped;
    return true;
  }

  /** Elements end by themselves: only who comes, or leaves before the time, is a change. */
  private isApplied(dropped: ReadonlyMap<string, number>, nowMs: number): boolean {
    if (this.written === null) return false;
    const left = [...this.written].filter(([, untilMs]) => untilMs > nowMs);
    return left.length === dropped.size && left.every(([client, untilMs]) => dropped.get(client) === untilMs);
  }
}
