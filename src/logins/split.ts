import { type SplitOtp, splitOtp } from '../otp/token.ts';

/** Characters of the encrypted part. */
const BLOCK_CHARS = 32;

/** Usual length of a public id. */
const USUAL_ID_CHARS = 12;

/** Lengths that a public id can have, in characters. */
export const ID_LENGTHS: readonly number[] = Array.from({ length: 17 }, (_, bytes) => bytes * 2);

/** A field taken apart: what stands before the OTP is the base password. */
export type Taken = { readonly base: string; readonly otp: SplitOtp };

function takenAt(field: string, idLength: number): Taken | null {
  const at = field.length - BLOCK_CHARS - idLength;
  if (at < 0) return null;
  const otp = splitOtp(field.slice(at));
  return otp && otp.publicId.length === idLength ? { base: field.slice(0, at), otp } : null;
}

/** Every way in which the end of a field can be read as an OTP: the length of its public id is not told. */
export function waysToRead(field: string): readonly Taken[] {
  return ID_LENGTHS.flatMap((length) => takenAt(field, length) ?? []);
}

/**
 * The way that is meant: with a key of the account, else a key that anybody has, else with an id of usual length. The
 * longest id goes first, as the shorter ones are ends of it.
 */
export function chooseReading(
  ways: readonly Taken[],
  own: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Taken | null {
  const longestFirst = ways.toReversed();
  return (
    longestFirst.find(({ otp }) => own.has(otp.publicId)) ??
    longestFirst.find(({ otp }) => known.has(otp.publicId)) ??
    ways.find(({ otp }) => otp.publicId.length === USUAL_ID_CHARS) ??
    ways[0] ??
    null
  );
}
