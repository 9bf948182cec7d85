import type { IncomingMessage, RequestOptions } from 'node:http';

/** Asks one service. @throws Error when there is no answer */
export type Ask = (
  url: URL,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

/** Larger than any answer, in bytes. */
const MAX_BYTES = 4096;

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error('its answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}

/**
 * Asks over HTTPS, or HTTP; connections are kept for the next OTP. No redirect is followed.
 *
 * @param ca  certificate authorities to trust instead of those of Node, PEM
 */
export async function openAsk(ca?: string): Promise<Ask> {
  const [http, https] = await Promise.all([import('node:http'), import('node:https')]);
  const kept = { keepAlive: true, maxSockets: 64, maxFreeSockets: 4, timeout: 30_000 };
  const agents = {
    http: new http.Agent(kept),
    https: new https.Agent({ ...kept, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }),
  };
  return (url, signal) =>
    new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const options: RequestOptions = {
        agent: secure ? agents.https : agents.http,
        signal,
        headers: { accept: 'text/plain' },
      };
      const sent = (secure ? https : http).request(url, options);
      sent.once('error', reject);
      sent.once('response', (response) => {
        bodyOf(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      });
      sent.end();
    });
}
