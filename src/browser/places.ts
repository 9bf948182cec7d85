import { posix, win32 } from 'node:path';

/** What decides where Firefox keeps its profiles. */
export type Surroundings = {
  /** As Node names it: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  readonly home: string;
  /** `XDG_CONFIG_HOME` and `APPDATA` are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** A folder that may hold a `profiles.ini`, and how Firefox was installed when it lies there. */
export type Place = { readonly folder: string; readonly packaging: 'system' | 'snap' | 'flatpak' };

/** Folders in which Firefox may keep its list of profiles, the newest habit first; none of them has to be there. */
export function placesOf({ platform, home, env }: Surroundings): readonly Place[] {
  const system = (folder: string): Place => ({ folder, packaging: 'system' });
  if (platform === 'win32') {
    const roaming = env['APPDATA'] || win32.join(home, 'AppData', 'Roaming');
    return [system(win32.join(roaming, 'Mozilla', 'Firefox'))];
  }
  if (platform === 'darwin') return [system(posix.join(home, 'Library', 'Application Support', 'Firefox'))];
  const sandbox = posix.join(home, '.var', 'app', 'org.mozilla.firefox');
  return [
    // Firefox 147 moved there for new installations.
    system(posix.join(env['XDG_CONFIG_HOME'] || posix.join(home, '.config'), 'mozilla', 'firefox')),
    system(posix.join(home, '.mozilla', 'firefox')),
    {
      folder: posix.join(home, 'snap', 'firefox', 'common', '.mozilla', 'firefox'),
      packaging: 'snap',
    },
    { folder: posix.join(sandbox, 'config', 'mozilla', 'firefox'), packaging: 'flatpak' },
    { folder: posix.join(sandbox, '.mozilla', 'firefox'), packaging: 'flatpak' },
  ];
}
