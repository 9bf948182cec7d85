import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A path as a URI reference (RFC 3986): relative stays relative. */
export function pathUri(path: string): string {
  if (isAbsolute(path)) return pathToFileURL(path).href;
  const parts = path.toWellFormed().split('/').map(encodeURIComponent);
  // A colon in the first part would make it a scheme; encodeURIComponent has taken care of that.
  return parts.join('/');
}
