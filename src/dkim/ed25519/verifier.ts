import { type KeyObject, verify } from 'node:crypto';
import { Tables } from './tables.ts';

/** Keys that have a table at a time; each takes 165 KB. */
const MOST_TABLES = 8;
/**
 * Signatures of a key before it gets a table: that takes 2 ms to make, as long as 40 signatures are faster with it, and
 * the first one 20 ms, with all the code.
 */
const WORTH_A_TABLE = 250;
/** The place of a key that cannot have a table. */
const NOWHERE = -1;

/**
 * Verifies Ed25519 signatures as OpenSSL does, those of a key that signs many in less than half the time. Only what
 * comes out as valid is taken from the tables: all else is asked of OpenSSL, so a slip in the arithmetic costs time.
 */
export class Ed25519Verifier {
  private readonly worth: number;
  private readonly uses = new WeakMap<KeyObject, number>();
  private readonly places = new WeakMap<KeyObject, number>();
  /** Whose tables there are, by their place. */
  private readonly owners: KeyObject[] = [];
  private oldest = 0;
  /** Undefined before the first one is needed; null where there is no WebAssembly. */
  private tables: Tables | null | undefined;

  /** @param worth  signatures of a key before it gets a table */
  constructor(worth = WORTH_A_TABLE) {
    this.worth = worth;
  }

  /** RFC 8032 §5.1.7 for an Ed25519 key. */
  verify(message: Buffer, key: KeyObject, signature: Buffer): boolean {
    const place = this.places.get(key) ?? this.meet(key);
    const isValid = place !== NOWHERE && this.tables?.verifies(place, message, signature) === true;
    return isValid || verify(null, message, key, signature);
  }

  private meet(key: KeyObject): number {
    const uses = (this.uses.get(key) ?? 0) + 1;
    this.uses.set(key, uses);
    if (uses < this.worth) return NOWHERE;
    const place = this.tabulate(key);
    this.places.set(key, place);
    return place;
  }

  private tabulate(key: KeyObject): number {
    if (this.tables === undefined) this.tables = openTables();
    const place = this.oldest;
    if (!this.tables?.set(place, bytesOf(key))) return NOWHERE;
    this.oldest = (place + 1) % MOST_TABLES;
    this.release(place);
    this.owners[place] = key;
    return place;
  }

  /** The key whose table this was begins anew. */
  private release(place: number): void {
    const owner = this.owners[place];
    if (owner === undefined) return;
    this.places.delete(owner);
    this.uses.delete(owner);
  }
}

function bytesOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function openTables(): Tables | null {
  try {
    return new Tables(MOST_TABLES);
  } catch {
    // Node was started with --jitless, or there is no memory for it.
    return null;
  }
}
