/** An extension as a profile's `extensions.json` has it (schema 37). */
export type Addon = {
  readonly id: string;
  readonly name: string;
  readonly creator: string;
  readonly version: string;
  /** Whether it runs. */
  readonly active: boolean;
  /** Who switched it off, where it does not run. */
  readonly disabledBy: 'user' | 'firefox' | null;
  /** `profile` for what the user installed, `system` for what the operating system brings. */
  readonly source: 'profile' | 'system' | 'other';
  /** Its file or folder. */
  readonly path: string;
  /** Whether it may run a script in every page. */
  readonly everyPage: boolean;
};

/** Most extensions of one profile that are looked at. */
const MAX_ADDONS = 2000;

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Patterns that match any host. */
const EVERY_PAGE = /^(?:<all_urls>|(?:\*|https?):\/\/\*\/.*)$/;

function originsOf({ userPermissions }: Json): readonly unknown[] {
  const origins = isObject(userPermissions) ? userPermissions['origins'] : undefined;
  return Array.isArray(origins) ? origins : [];
}

function sourceOf(location: string): Addon['source'] {
  if (location === 'app-profile') return 'profile';
  return /^app-system|^app-global|^winreg/.test(location) ? 'system' : 'other';
}

function addonOf(entry: Json): Addon {
  const locale = isObject(entry['defaultLocale']) ? entry['defaultLocale'] : {};
  const id = textOf(entry['id']);
  const byUser = entry['userDisabled'] === true;
  const byFirefox = entry['appDisabled'] === true || entry['softDisabled'] === true;
  return {
    id,
    name: textOf(locale['name']) || id,
    creator: textOf(locale['creator']),
    version: textOf(entry['version']),
    active: entry['active'] === true,
    disabledBy: byUser ? 'user' : byFirefox ? 'firefox' : null,
    source: sourceOf(textOf(entry['location'])),
    path: textOf(entry['path']),
    everyPage: originsOf(entry).some((origin) => EVERY_PAGE.test(textOf(origin))),
  };
}

/** Firefox's own parts, which nobody installed. */
const isBuiltIn = (entry: Json): boolean =>
  /^app-(?:builtin|system-defaults|system-addons|builtin-addons)/.test(textOf(entry['location']));

/**
 * Extensions of a profile; themes, dictionaries and what Firefox itself consists of are left out.
 *
 * @param text  content of `extensions.json`
 * @returns undefined where it is not what Firefox writes
 */
export function parseAddons(text: string): readonly Addon[] | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(document) || !Array.isArray(document['addons'])) return undefined;
  return document['addons']
    .slice(0, MAX_ADDONS)
    .filter((entry): entry is Json => isObject(entry) && textOf(entry['id']) !== '')
    .filter((entry) => entry['type'] === 'extension' && !isBuiltIn(entry))
    .map(addonOf);
}

/** Ids that RoboForm has had: the toolbar up to Firefox 56, and the extension since. */
const ROBOFORM_IDS: ReadonlySet<string> = new Set([
  '{22119944-ed35-4ab1-910b-e619ea06a115}',
  'rf-firefox@siber.com',
]);

/**
 * Whether an extension is RoboForm, by its id, its name or its maker.
 *
 * @param ownId  another id that counts as RoboForm's
 */
export function isRoboForm({ id, name, creator }: Addon, ownId?: string): boolean {
  return (
    id === ownId ||
    ROBOFORM_IDS.has(id.toLowerCase()) ||
    /roboform/i.test(name) ||
    /siber systems/i.test(creator)
  );
}
