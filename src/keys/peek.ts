import { existsSync } from 'node:fs';

/** What is asked most while somebody types; beyond that nobody reads a list of offers. */
const MOST_ROWS = 1000;

/** Two columns of a table of a database, as text: what it is called, and what is said of it. */
export type Peeked = readonly (readonly [name: string, about: string])[];

/**
 * Look into a database without opening it for anything else: it is not made, not migrated, and its secrets stay sealed.
 *
 * @param select  a statement with two columns
 * @returns the first thousand rows; none where there is no such database, table or permission
 */
export async function peek(file: string, select: string): Promise<Peeked> {
  if (!existsSync(file)) return [];
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 100 });
    try {
      const rows = database.prepare(`SELECT * FROM (${select}) LIMIT ${MOST_ROWS}`).all();
      return rows.map((row) => {
        const [name, about] = Object.values(row);
        return [String(name), String(about)] as const;
      });
    } finally {
      database.close();
    }
  } catch {
    return [];
  }
}
