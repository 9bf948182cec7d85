/** Set by the key in a scan code that is typed with shift. */
const SHIFT = 0x80;

/** Rows of the US layout by their first scan code (USB HID usage tables, keyboard page). */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x04, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
  [0x1e, '1234567890', '!@#$%^&*()'],
  [0x2c, ' -=[]\\', ' _+{}|'],
  [0x33, ";'`,./", ':"~<>?'],
];

const CODES: ReadonlyMap<string, number> = new Map(
  ROWS.flatMap(([first, plain, shifted]) =>
    [...plain].flatMap((char, index) => [
      [shifted[index] ?? char, SHIFT | (first + index)] as const,
      [char, first + index] as const,
    ]),
  ),
);

const CHARS: ReadonlyMap<number, string> = new Map([...CODES].map(([char, code]) => [code, char]));

/** Most characters of a static password: the fixed part, the uid and the key together. */
export const MAX_STATIC = 38;

/**
 * Scan codes that type a text on a computer set to the US layout.
 *
 * @returns undefined for a character that this layout has not
 */
export function scanCodesOf(text: string): Uint8Array | undefined {
  const codes = [...text].map((char) => CODES.get(char));
  return codes.every((code) => code !== undefined) ? Uint8Array.from(codes) : undefined;
}

/** What scan codes type under the US layout, up to the first code that is none. */
export function textOfScanCodes(codes: Uint8Array): string {
  const end = codes.indexOf(0);
  return [...(end === -1 ? codes : codes.subarray(0, end))].map((code) => CHARS.get(code) ?? '?').join('');
}
