import { type Field, isField } from '../message/headers.ts';
import type { ContentProtection } from './types.ts';

/** How much of the body is looked at for inline PGP. */
const BODY_BYTES = 8192;

/**
 * Whether the message protects itself, whatever the transport did: PGP/MIME (RFC 3156), S/MIME (RFC 8551
 * §3.2) or inline PGP (RFC 4880 §6.2) in the first bytes of the body.
 *
 * @param body  its beginning; without it a message that names no protection is `unknown`
 */
export function contentProtection(fields: readonly Field[], body: Uint8Array | undefined): ContentProtection {
  const type = fields.find((field) => isField(field, 'content-type'))?.value.toLowerCase() ?? '';
  const byType = protectionOfType(type);
  if (byType !== null) return byType;
  if (body === undefined) return 'unknown';
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, BODY_BYTES)).toString(
    'latin1',
  );
  if (/^-----BEGIN PGP MESSAGE-----/m.test(start)) return 'pgp-inline';
  if (/^-----BEGIN PGP SIGNED MESSAGE-----/m.test(start)) return 'pgp-signed';
  return 'none';
}

function protectionOfType(type: string): ContentProtection | null {
  if (type.startsWith('multipart/encrypted')) return 'pgp-mime';
  if (type.startsWith('multipart/signed'))
    return type.includes('pgp-signature') ? 'pgp-signed' : 'smime-signed';
  if (!/^application\/(?:x-)?pkcs7-mime/.test(type)) return null;
  // RFC 8551 §3.2.2: smime-type may be missing, then it cannot be told
  if (/smime-type="?signed-data/.test(type)) return 'smime-signed';
  return /smime-type="?(?:auth)?enveloped-data/.test(type) ? 'smime-encrypted' : 'unknown';
}
