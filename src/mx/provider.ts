import { getDomain } from 'tldts';

/** Who runs an exchanger: its registered domain, or the name itself where there is none. */
export function registeredDomain(host: string): string {
  return getDomain(host) ?? host;
}
