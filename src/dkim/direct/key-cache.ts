import { type Key, readKey } from '../key.ts';

/** Keys that are remembered. */
const MOST_KEYS = 1000;
/** A longer record is read each time: nobody is to fill the memory with them. */
const LONGEST = 4096;

/**
 * Key records that were read, by their text: the same few keys sign most of the mail, and making a `KeyObject` takes
 * longer than verifying with it. The one that was not asked for the longest is forgotten first.
 */
export class KeyCache {
  private readonly known = new Map<string, Key>();
  private newest: Key | null = null;

  /** As `readKey`. */
  read(name: string, text: string): Key {
    const found = this.known.get(text);
    if (found === undefined) return this.remember(text, readKey(name, text));
    // Neighbours are often of one sender: then it is the newest already.
    if (found !== this.newest) {
      this.known.delete(text);
      this.known.set(text, found);
      this.newest = found;
    }
    return found.record.name === name ? found : { ...found, record: { ...found.record, name } };
  }

  private remember(text: string, key: Key): Key {
    if (text.length > LONGEST) return key;
    if (this.known.size >= MOST_KEYS) this.known.delete(this.known.keys().next().value ?? '');
    this.known.set(text, key);
    this.newest = key;
    return key;
  }
}
