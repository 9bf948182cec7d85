import { join } from 'node:path';
import { type Check, worst } from '../report.ts';
import type { BrowserDiagnoseResult } from '../schema/browser.ts';
import { type Addon, isRoboForm, parseAddons } from './addons.ts';
import { readBounded } from './files.ts';
import { useOf } from './lock.ts';
import type { Profile } from './profiles.ts';

/** Largest list of extensions that is read, in bytes. */
const MAX_BYTES = 32_000_000;

type View = BrowserDiagnoseResult['profiles'][number];

/** How a profile is looked at. */
export type DiagnoseOptions = {
  /** As Node names it. */
  readonly platform: string;
  /** Another id that counts as RoboForm's. */
  readonly addonId?: string | undefined;
};

function extensionsOf(profile: Profile): readonly Addon[] | { readonly reason: string } {
  const content = readBounded(join(profile.folder, 'extensions.json'), MAX_BYTES);
  // A profile that has never been started has no list yet.
  if (content.kind === 'absent') return [];
  if (content.kind === 'failed') return { reason: content.reason };
  return parseAddons(content.bytes.toString('utf8')) ?? { reason: 'it is not what Firefox writes' };
}

function roboFormChecks({ name }: Profile, found: readonly Addon[]): readonly Check[] {
  const running = found.filter(({ active }) => active);
  return running.map(({ id, version, source }) => ({
    id: 'browser.roboform',
    status: 'warn' as const,
    message: `RoboForm runs in the profile '${name}' and may run a script in every page.`,
    evidence: `${id} ${version}, ${source === 'system' ? 'brought by the system' : 'installed in the profile'}`,
    fix: 'If pages freeze after they have appeared, switch the extension off in about:addons and look again.',
  }));
}

function otherChecks({ name }: Profile, others: readonly Addon[]): readonly Check[] {
  const everywhere = others.filter(({ active, everyPage }) => active && everyPage);
  if (everywhere.length === 0) return [];
  return [
    {
      id: 'browser.every-page',
      status: 'ok',
      info: true,
      message: `Other extensions that touch every page of '${name}': ${everywhere.map((each) => each.name).join(', ')}.`,
    },
  ];
}

function unreadable({ name, folder }: Profile, reason: string): Check {
  return {
    id: 'browser.extensions',
    status: 'unknown',
    message: `The extensions of the profile '${name}' cannot be told: ${reason}.`,
    evidence: join(folder, 'extensions.json'),
  };
}

/** One profile: its extensions, RoboForm among them or not, and what is to be said about it. */
function lookAt(profile: Profile, { platform, addonId }: DiagnoseOptions): readonly [View, readonly Check[]] {
  const extensions = extensionsOf(profile);
  const use = useOf(profile.folder, platform);
  if ('reason' in extensions) {
    const view = { ...profile, use, roboform: 'unknown' as const, extensions: [] };
    return [view, [unreadable(profile, extensions.reason)]];
  }
  const found = extensions.filter((addon) => isRoboForm(addon, addonId));
  const state = found.some(({ active }) => active) ? 'enabled' : found.length > 0 ? 'disabled' : 'absent';
  const view: View = {
    ...profile,
    use,
    roboform: state,
    extensions: extensions.map((addon) => ({ ...addon, isRoboForm: found.includes(addon) })),
  };
  const others = extensions.filter((addon) => !found.includes(addon));
  return [view, [...roboFormChecks(profile, found), ...otherChecks(profile, others)]];
}

function summaryOf(profiles: readonly View[]): string {
  const enabled = profiles.filter(({ roboform }) => roboform === 'enabled').length;
  const unknown = profiles.filter(({ roboform }) => roboform === 'unknown').length;
  const all = profiles.length === 1 ? 'one profile' : `${profiles.length} profiles`;
  if (profiles.length === 0) return 'There is no profile of Firefox.';
  if (enabled > 0) return `RoboForm runs in ${enabled} of ${all}.`;
  return unknown > 0
    ? `Whether RoboForm runs cannot be told for ${unknown} of ${all}.`
    : `RoboForm runs in none of ${all}.`;
}

/**
 * Look at profiles without starting anything or changing anything.
 *
 * @param profiles  none makes a result that says so
 */
export function diagnoseProfiles(
  profiles: readonly Profile[],
  options: DiagnoseOptions,
): BrowserDiagnoseResult {
  const looked = profiles.map((profile) => lookAt(profile, options));
  const checks = looked.flatMap(([, found]) => found);
  const views = looked.map(([view]) => view);
  const [only] = profiles;
  return {
    target: profiles.length === 1 && only ? only.folder : null,
    status: worst(checks.map(({ status }) => status)),
    summary: summaryOf(views),
    checks,
    profiles: views,
  };
}
