import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RuleFault } from './rules.ts';
import type { Source } from './update.ts';

/** A mediator that publishes into a folder of this machine. */
export function folderSource(folder: string): Source {
  return {
    async read(name, maxBytes) {
      const file = join(folder, name);
      try {
        const handle = await open(file, 'r');
        try {
          const { size } = await handle.stat();
          if (size > maxBytes) throw tooLarge(name, maxBytes);
          return await handle.readFile();
        } finally {
          await handle.close();
        }
      } catch (error) {
        if (error instanceof RuleFault) throw error;
        const { code = String(error) } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') return null;
        throw new RuleFault('source', `Cannot read '${file}': ${code}.`);
      }
    },
  };
}

/** More was offered than belongs there. */
export function tooLarge(name: string, maxBytes: number): RuleFault {
  return new RuleFault('source', `${name} is larger than ${maxBytes} bytes.`);
}
