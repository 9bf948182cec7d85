import { fetchHttps, HttpsFault, type HttpsWorld } from '../net/https.ts';
import { RuleFault } from './rules.ts';
import type { Source } from './update.ts';

/**
 * A mediator that publishes on a web server. No redirects: whoever is named is asked.
 *
 * @param base  `https://…/`; files are asked for below it
 */
export function httpsSource(base: URL, world: HttpsWorld): Source {
  return {
    async read(name, maxBytes) {
      try {
        const answer = await fetchHttps(new URL(name, base), { accept: 'application/json', maxBytes }, world);
        return answer.kind === 'found' ? answer.bytes : null;
      } catch (error) {
        if (!(error instanceof HttpsFault)) throw error;
        const ways = [
          ...(error.isPrivate ? [' --allow-private takes it all the same.'] : []),
          ...(error.isUntrusted ? [' --ca FILE trusts the authority in that file.'] : []),
        ];
        throw new RuleFault('source', `${error.message}${ways.join('')}`);
      }
    },
  };
}
