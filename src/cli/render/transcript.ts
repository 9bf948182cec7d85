import type { TranscriptLine } from '../../smtp/connection.ts';
import { dim, type Line, line } from '../text.ts';

/** Who said it, and whether inside TLS: the signs that swaks uses. */
const ARROWS = { client: ['->', '~>'], server: ['<-', '<~'], note: ['==', '=='] } as const;

/** One line of a conversation, with its time and phase. */
export function renderTranscriptLine({ atMs, phase, side, encrypted, text }: TranscriptLine): Line {
  const time = new Date(atMs).toISOString().slice(11, 23);
  return line`${dim(`${time} ${phase.padEnd(8)}`)} ${ARROWS[side][encrypted ? 1 : 0]} ${text}`;
}
