import { Worker } from 'node:worker_threads';
import { workerUrl } from '../worker-url.ts';
import type { PolicyHostVersions } from './types.ts';

/** The versions that are asked for: older ones can no longer be, with the OpenSSL of today. */
export const ASKED_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type AskedVersion = (typeof ASKED_VERSIONS)[number];

/** What the worker is told. */
export type PolicyHostQuestion = {
  readonly host: string;
  /** The one address that its name is given. It was resolved and vetted by the caller. */
  readonly ip: string;
  readonly port: number;
  /** Certificates in PEM, trusted beside those of Node. */
  readonly ca: readonly string[];
};

/** What the worker says, once a version. */
export type PolicyHostAnswer = {
  readonly version: AskedVersion;
  readonly answer: PolicyHostVersions[AskedVersion];
};

export type PolicyHostOptions = PolicyHostQuestion & {
  /** For all versions together: then the worker is ended, and what it had not told is unknown. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
};

function isAnswer(message: unknown): message is PolicyHostAnswer {
  return typeof message === 'object' && message !== null && 'version' in message && 'answer' in message;
}

/**
 * Ask a policy host whether it speaks TLS 1.2 and 1.3, with the tls-check package. As that has no time-out, looks names
 * up by itself and trusts a list of its own, it runs in a worker that knows one address, and that is ended.
 *
 * @throws the reason of `signal` when it is aborted
 */
export async function checkPolicyHost({
  timeoutMs,
  signal,
  ...question
}: PolicyHostOptions): Promise<PolicyHostVersions> {
  signal?.throwIfAborted();
  const answers: Record<AskedVersion, PolicyHostVersions[AskedVersion]> = {
    'TLSv1.2': 'unknown',
    'TLSv1.3': 'unknown',
  };
  const worker = new Worker(workerUrl(import.meta.url, 'policy-host-worker'), {
    workerData: question satisfies PolicyHostQuestion,
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  worker.on('message', (message: unknown) => {
    if (isAnswer(message)) answers[message.version] = message.answer;
  });
  // A worker that falls over leaves what it had not told unknown.
  worker.once('error', stop).once('exit', stop);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
  signal?.throwIfAborted();
  return answers;
}
