import type { Server as TlsServer } from 'node:https';
import { AppError, ExitCode } from '../errors.ts';
import type { Endpoint } from '../service/address.ts';
import { createApi, TextAnswer } from '../service/api.ts';
import { type Listening, listen } from '../service/listen.ts';
import { Metrics } from '../service/metrics.ts';
import type { VerifyStatus } from './answer.ts';
import type { DelayPolicy } from './delay.ts';
import { WrongOtps } from './limits.ts';
import { type Certificate, createValidationServer } from './server.ts';
import type { ValidationStore } from './types.ts';
import type { VerifyEvent } from './verify.ts';

export type ServiceOptions = {
  readonly store: ValidationStore;
  readonly listen: Endpoint;
  readonly metrics?: Endpoint;
  readonly activated: ReadonlyMap<string, number>;
  readonly certificate?: Certificate;
  readonly delay: DelayPolicy;
  readonly nowMs: () => number;
  readonly onEvent: (event: VerifyEvent) => void;
};

export type ValidationService = {
  readonly at: string;
  readonly metricsAt: string | null;
  /** New connections get it; those that are open go on. @throws AppError E_CERTIFICATE (exit 78) */
  readonly replaceCertificate: (certificate: Certificate) => void;
  readonly close: (graceMs: number) => Promise<void>;
};

function unusable(cause: unknown): AppError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new AppError(`The certificate and its key cannot be used: ${reason}.`, {
    code: 'E_CERTIFICATE',
    exit: ExitCode.config,
    hint: 'Both are PEM, the chain begins with the server’s certificate, and the key belongs to it.',
    cause,
  });
}

function startMetrics(at: Endpoint, options: ServiceOptions, render: () => string): Promise<Listening> {
  const server = createApi({
    routes: { 'GET /metrics': () => new TextAnswer('text/plain; version=0.0.4', render()) },
    onError: () => undefined,
  });
  return listen(server, at, { mode: 0o660, activated: options.activated });
}

/**
 * Start the server.
 *
 * @throws AppError E_CERTIFICATE (exit 78), E_CANNOT_LISTEN (exit 69, or 77 without permission)
 */
export async function startValidation(options: ServiceOptions): Promise<ValidationService> {
  const { store, delay, nowMs, onEvent, certificate } = options;
  const metrics = new Metrics();
  const count = metrics.counter('postern_validation_answers_total', 'Answers to verify requests, by status.');
  const server = serverOf(() =>
    createValidationServer({
      world: { store, delay, wrong: new WrongOtps(), nowMs, onEvent },
      ...(certificate && { certificate }),
      onAnswer: (status: VerifyStatus) => count({ status }),
    }),
  );
  const listening = await listen(server, options.listen, { mode: 0o660, activated: options.activated });
  const figures = options.metrics && (await startMetrics(options.metrics, options, () => metrics.render()));
  return {
    at: listening.at,
    metricsAt: figures?.at ?? null,
    replaceCertificate: (next) => {
      try {
        (server as TlsServer).setSecureContext({ ...next, minVersion: 'TLSv1.2' });
      } catch (error) {
        throw unusable(error);
      }
    },
    close: async (graceMs) => {
      await Promise.all([listening.close(graceMs), figures?.close(graceMs)]);
    },
  };
}

function serverOf<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw unusable(error);
  }
}
