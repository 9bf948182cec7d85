import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { type Check, worst } from '../report.ts';
import type { BrowserDiagnoseResult, Measurement } from '../schema/browser.ts';
import { type Addon, isRoboForm, parseAddons } from './addons.ts';
import { readBounded } from './files.ts';
import { useOf } from './lock.ts';
import { type Measuring, measureProfile } from './measure.ts';
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
  if (profiles.length === 0)
    return 'There is no profile of Firefox in this home; --profile-dir names a folder elsewhere.';
  if (profiles.length === 1 && unknown === 0)
    return `RoboForm ${enabled > 0 ? 'runs' : 'does not run'} in this profile.`;
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
    measurement: null,
  };
}

/** A stall that a person notices, in milliseconds. */
const NOTICED_MS = 200;

function stallCheck({ sizes }: Measurement): Check {
  const last = sizes.at(-1);
  const [withIt, without] = [last?.with.stallMs ?? 0, last?.without.stallMs ?? 0];
  const message = `At ${last?.rows ?? 0} rows the page stalls for ${withIt} ms with RoboForm and for ${without} ms without.`;
  if (withIt - without < NOTICED_MS) return { id: 'browser.stall', status: 'ok', info: true, message };
  return {
    id: 'browser.stall',
    status: 'warn',
    message,
    fix: 'Switch RoboForm off: "postern browser disable"; it can be undone.',
  };
}

/**
 * Measure what RoboForm does to pages of a profile, and put it into the result.
 *
 * @param result  of looking at that one profile
 * @throws {AppError} E_NOT_THERE, exit 65, where there is no RoboForm; E_FIREFOX, exit 69
 */
export async function measureInto(
  result: BrowserDiagnoseResult,
  addonId: string | undefined,
  how: Measuring,
): Promise<BrowserDiagnoseResult> {
  const [profile] = result.profiles;
  const extensions = profile?.extensions ?? [];
  const roboForm = extensions.filter((addon) => isRoboForm(addon, addonId));
  if (!profile || (roboForm.length === 0 && !how.each)) {
    throw new AppError('RoboForm is not in this profile, so there is nothing to compare.', {
      code: 'E_NOT_THERE',
      exit: ExitCode.input,
      hint: 'With --each every extension is measured; --addon-id names another one.',
    });
  }
  const running = extensions.filter(({ active }) => active);
  const measurement = await measureProfile(profile.folder, roboForm, running, how);
  const checks = [...result.checks, stallCheck(measurement)];
  return { ...result, status: worst(checks.map(({ status }) => status)), checks, measurement };
}
