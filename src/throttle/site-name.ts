/** What a name of a site may be made of; an address as a name has colons and brackets. */
const NAME = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])$/;

/**
 * The site that a Host field (RFC 9110 §7.2) or a log names: lower case, without port and final dot.
 *
 * @returns null when it is no name
 */
export function siteName(host: string): string | null {
  const name = host
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '');
  return NAME.test(name) ? name : null;
}
