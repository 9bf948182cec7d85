import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, type Writer } from '../publisher.ts';
import type { Warden } from '../warden.ts';
import { type NginxFiles, nginxFiles } from './maps.ts';

/** Exists while nginx has not read what was written; the unit that reloads it takes it away. */
const RELOAD_FLAG = 'reload';

/**
 * Writes the files that nginx includes: each is replaced as a whole, and after them a flag asks whoever may do it for
 * a reload. Nothing here runs or signals nginx.
 */
export class NginxWriter implements Writer {
  readonly coalescedMs = 1000;
  readonly longestMs = 60_000;
  private readonly folder: string;
  private written: NginxFiles = new Map();

  constructor(folder: string) {
    this.folder = folder;
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
  }

  async write(warden: Warden): Promise<boolean> {
    const files = nginxFiles(warden);
    const changed = [...files].filter(([name, content]) => this.written.get(name) !== content);
    // Clients stand before the blocks that name them; one without the other refuses nobody.
    for (const [name, content] of changed) await replaceFile(this.folder, name, content);
    if (changed.length > 0) await writeFile(join(this.folder, RELOAD_FLAG), '');
    this.written = files;
    return changed.length > 0;
  }
}
