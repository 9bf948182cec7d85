import type { DkimKeyMakeResult } from '../../schema/dkim-key-make.ts';
import { dim, type Line, line, strong } from '../text.ts';

/** The record as it is pasted into a zone, where a line with a semicolon is a comment; it must not be broken. */
export function renderDkimKeyMake({ zone, file }: DkimKeyMakeResult): Line[] {
  return [line`${dim(`; private key: ${file}`)}`, line`${strong(zone)}`];
}
