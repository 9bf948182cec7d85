import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError, ExitCode } from '../errors.ts';

/** What a caller may do. */
export type Right = 'read' | 'write';

/** Fewest characters of a token: 128 bits in base64. */
const SHORTEST = 22;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Knows tokens by their digests. Every one is compared, each in constant time. */
export class Tokens {
  private known: { readonly digest: Buffer; readonly right: Right }[] = [];

  /** @throws AppError E_TOKEN (exit 78) when it could be guessed */
  add(token: string, right: Right): void {
    if (token.length < SHORTEST || /\s/.test(token)) {
      throw new AppError(`A token has at least ${SHORTEST} characters and no blanks.`, {
        code: 'E_TOKEN',
        exit: ExitCode.config,
        hint: 'Make one with: openssl rand -base64 32.',
      });
    }
    this.known.push({ digest: digest(token), right });
  }

  /** Know others in their place, all at once. @throws AppError E_TOKEN (exit 78); the old ones stay then */
  replace(tokens: Iterable<readonly [token: string, right: Right]>): void {
    const fresh = new Tokens();
    for (const [token, right] of tokens) fresh.add(token, right);
    this.known = fresh.known;
  }

  /** What the bearer of an Authorization field (RFC 6750 §2.1) may do; null when nothing. */
  rightOf(authorization: string | undefined): Right | null {
    const [, token] = /^Bearer +(\S{1,512})$/i.exec(authorization ?? '') ?? [];
    const given = digest(token ?? '');
    let right: Right | null = null;
    for (const each of this.known)
      if (timingSafeEqual(each.digest, given) && right !== 'write') right = each.right;
    return token === undefined ? null : right;
  }
}
