/** @returns whether a host is one of the names or below one of them; names may start with `.` or `*.` */
export function isNamed(host: string | null, names: readonly string[]): boolean {
  if (host === null) return false;
  const plain = host.toLowerCase();
  return names.some((name) => {
    const wanted = name
      .toLowerCase()
      .replace(/^\*?\./, '')
      .replace(/\.$/, '');
    return wanted !== '' && (plain === wanted || plain.endsWith(`.${wanted}`));
  });
}

/** The last two labels of a host name: good enough to compare two names, no more is claimed. */
export function organisation(host: string | null): string | null {
  if (host === null || !/^[\w.-]+\.[a-z]{2,}$/i.test(host)) return null;
  return host.toLowerCase().split('.').slice(-2).join('.');
}
