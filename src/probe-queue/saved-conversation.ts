import type { Conversation } from '../mx/conversation.ts';
import type { SavedConversation } from '../schema/probe-job.ts';
import type { Ehlo } from '../smtp/extensions.ts';
import type { Fault } from '../smtp/fault.ts';

/** Longest text of a conversation that is shared, in characters. */
const MAX_TEXT = 512 * 1024;

function packEhlo(ehlo: Ehlo | null) {
  return ehlo && { name: ehlo.name, extensions: [...ehlo.extensions] };
}

function unpackEhlo(ehlo: SavedConversation['ehlo']): Ehlo | null {
  return ehlo && { name: ehlo.name, extensions: new Map(ehlo.extensions as [string, string][]) };
}

/** A conversation as text; null for one that is too long to be handed around. */
export function packConversation(talk: Conversation): string | null {
  const { ehlo, ehloInTls, tls } = talk;
  const text = JSON.stringify({
    ...talk,
    ehlo: packEhlo(ehlo),
    ehloInTls: packEhlo(ehloInTls),
    tls: tls && { ...tls, chain: tls.chain.map((der) => Buffer.from(der).toString('base64')) },
  });
  return text.length > MAX_TEXT ? null : text;
}

/** A conversation from its text; undefined for what is none, as whoever can write to the queue may have made it. */
export async function unpackConversation(text: string): Promise<Conversation | undefined> {
  if (text.length > MAX_TEXT) return undefined;
  const { savedConversation } = await import('../schema/probe-job.ts');
  const saved = savedConversation.safeParse(parse(text)).data as SavedConversation | undefined;
  if (!saved) return undefined;
  const { ehlo, ehloInTls, tls } = saved;
  return {
    ...saved,
    // JSON has no undefined.
    fault: saved.fault as Fault | null,
    ehlo: unpackEhlo(ehlo),
    ehloInTls: unpackEhlo(ehloInTls),
    tls: tls && { ...tls, chain: tls.chain.map((der) => Buffer.from(der, 'base64')) },
  };
}

/** JSON, or undefined for what is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
