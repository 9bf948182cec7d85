/** Firmware version: major, minor, build. */
export type Version = readonly [major: number, minor: number, build: number];

/** Whether a version is another one or newer. */
export function atLeast(version: Version, other: Version): boolean {
  for (const [index, number] of version.entries()) {
    const least = other[index] ?? 0;
    if (number !== least) return number > least;
  }
  return true;
}

export function versionText(version: Version): string {
  return version.join('.');
}

/** The version in the release number of a USB device: 0x0543 is 5.4.3. */
export function versionOfRelease(release: number): Version {
  return [(release >> 8) & 0xff, (release >> 4) & 0xf, release & 0xf];
}
