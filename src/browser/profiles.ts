import { statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { readBounded } from './files.ts';
import type { Place } from './places.ts';

/** A profile of Firefox that is listed in a `profiles.ini`. */
export type Profile = {
  readonly name: string;
  readonly folder: string;
  /** Whether Firefox starts with it when none is named. */
  readonly isDefault: boolean;
  readonly packaging: Place['packaging'];
};

/** Largest list of profiles that is read, in bytes. */
const MAX_BYTES = 1_000_000;

/** Most profiles of one list that are looked at. */
const MAX_PROFILES = 200;

type Section = { readonly name: string; readonly values: ReadonlyMap<string, string> };

/** Sections of an ini file as Firefox writes it, in order; what is no section and no `key=value` is passed over. */
export function parseIni(text: string): readonly Section[] {
  const sections: { name: string; values: Map<string, string> }[] = [];
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const head = /^\[([^\]]*)\]\s*$/.exec(line);
    if (head) sections.push({ name: head[1] ?? '', values: new Map() });
    else {
      const at = line.indexOf('=');
      if (at > 0 && !/^[;#]/.test(line)) sections.at(-1)?.values.set(line.slice(0, at), line.slice(at + 1));
    }
  }
  return sections;
}

/**
 * Profiles that a `profiles.ini` lists. The default is what an `[Install…]` section names, since Firefox 67 has one
 * for each installation; only where there is none does `Default=1` of a profile count.
 *
 * @param place  folder of the file, from which relative paths go out
 */
export function profilesIn(text: string, place: Place): readonly Profile[] {
  const sections = parseIni(text);
  const chosen = sections
    .filter(({ name }) => name.startsWith('Install'))
    .flatMap(({ values }) => values.get('Default') ?? []);
  return sections
    .filter(({ name }) => /^Profile\d+$/.test(name))
    .slice(0, MAX_PROFILES)
    .flatMap(({ values }) => {
      const path = values.get('Path');
      if (!path) return [];
      const isRelative = values.get('IsRelative') !== '0' && !isAbsolute(path);
      return {
        name: values.get('Name') || path,
        folder: isRelative ? resolve(place.folder, path) : path,
        isDefault: chosen.length > 0 ? chosen.includes(path) : values.get('Default') === '1',
        packaging: place.packaging,
      };
    });
}

/** Every profile in these places, each folder once; a list that cannot be read counts as none. */
export function findProfiles(places: readonly Place[]): readonly Profile[] {
  const byFolder = new Map<string, Profile>();
  for (const place of places) {
    const bytes = readBounded(join(place.folder, 'profiles.ini'), MAX_BYTES);
    if (bytes.kind !== 'read') continue;
    for (const profile of profilesIn(bytes.bytes.toString('utf8'), place))
      if (!byFolder.has(profile.folder) && isFolder(profile.folder)) byFolder.set(profile.folder, profile);
  }
  return [...byFolder.values()];
}

/** Whether there is such a folder. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
