/** @returns whether a host is one of the names or below one of them; names may start with `.` or `*.` */
export function isNamed(host: string | null, names: readonly string[]): boolean {
  if (host === null) return false;
  const plain = host.toLowerCase();
  return names.some((name) => {
    const wanted = bare(name.toLowerCase());
    return wanted !== '' && plain.endsWith(wanted) && isWhole(plain, wanted);
  });
}

/** Without the `.` or `*.` that stands for every host below, and without the final dot of the DNS. */
function bare(name: string): string {
  const start = name.startsWith('*.') ? 2 : name.startsWith('.') ? 1 : 0;
  return name.slice(start, name.endsWith('.') && name.length > start ? -1 : undefined);
}

/** Whether labels at the end of a host are all of it or follow a dot. */
function isWhole(host: string, end: string): boolean {
  return host.length === end.length || host.charCodeAt(host.length - end.length - 1) === 0x2e;
}

/** The last two labels of a host name: good enough to compare two names, no more is claimed. */
export function organisation(host: string | null): string | null {
  if (host === null || !/^[\w.-]+\.[a-z]{2,}$/i.test(host)) return null;
  const above = host.lastIndexOf('.', host.lastIndexOf('.') - 1);
  return host.slice(above + 1).toLowerCase();
}
