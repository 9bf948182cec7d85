/** Where things stand in a JSON text. */
export type JsonLines = {
  /** Line of each member of an object by its {@link pathKey}, from 1; of a name given twice the later. */
  readonly lines: ReadonlyMap<string, number>;
  /** Names that an object has more than once: only the last counts. */
  readonly twice: readonly { readonly path: readonly string[]; readonly line: number }[];
  /** What stops it from being JSON. */
  readonly fault: JsonFault | null;
};

export type JsonFault = { readonly line: number; readonly column: number; readonly reason: string };

/** Deepest nesting that is followed. */
const MAX_DEPTH = 64;

const BLANK = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;

export function pathKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

class Fault extends Error {
  readonly at: number;

  constructor(at: number, reason: string) {
    super(reason);
    this.at = at;
  }
}

/** Line and column of a place, from 1. */
function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

/** Walks a JSON text (RFC 8259) once and notes where each member is. */
class Walker {
  readonly members: { readonly path: readonly string[]; readonly at: number }[] = [];
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  walk(): void {
    this.value([]);
    this.skipBlank();
    if (this.at < this.text.length) throw new Fault(this.at, 'something follows the end');
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private skipBlank(): void {
    this.take(BLANK);
  }

  private is(sign: string): boolean {
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private value(path: readonly string[]): void {
    if (path.length > MAX_DEPTH) throw new Fault(this.at, 'it is nested too deeply');
    this.skipBlank();
    if (this.is('{')) this.object(path);
    else if (this.is('[')) this.array(path);
    else if (this.take(STRING) === undefined && this.take(SCALAR) === undefined)
      throw new Fault(this.at, 'a value is expected');
  }

  private object(path: readonly string[]): void {
    this.skipBlank();
    if (this.is('}')) return;
    do {
      this.skipBlank();
      const at = this.at;
      const name = this.take(STRING);
      if (name === undefined) throw new Fault(at, 'a name in double quotes is expected');
      const member = [...path, JSON.parse(name) as string];
      this.members.push({ path: member, at });
      this.skipBlank();
      if (!this.is(':')) throw new Fault(this.at, 'a colon is expected');
      this.value(member);
      this.skipBlank();
    } while (this.is(','));
    if (!this.is('}')) throw new Fault(this.at, 'a comma or } is expected');
  }

  private array(path: readonly string[]): void {
    this.skipBlank();
    if (this.is(']')) return;
    let index = 0;
    do {
      this.value([...path, String(index)]);
      index += 1;
      this.skipBlank();
    } while (this.is(','));
    if (!this.is(']')) throw new Fault(this.at, 'a comma or ] is expected');
  }
}

/** Find the lines of all members of a JSON text, and its first fault. Never throws. */
export function locateJson(text: string): JsonLines {
  const walker = new Walker(text);
  let fault: JsonFault | null = null;
  try {
    walker.walk();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    fault = { ...placeOf(text, error.at), reason: error.message };
  }
  const lines = new Map<string, number>();
  const twice: { path: readonly string[]; line: number }[] = [];
  for (const { path, at } of walker.members) {
    const { line } = placeOf(text, at);
    const key = pathKey(path);
    if (lines.has(key)) twice.push({ path, line });
    lines.set(key, line);
  }
  return { lines, twice, fault };
}
