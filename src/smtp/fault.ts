import type { Reply } from './reply.ts';

/** Where in the conversation something happened, in the order in which it goes. */
export const PHASES = [
  'connect',
  'banner',
  'ehlo',
  'starttls',
  'tls',
  'ehlo-tls',
  'mail',
  'rcpt',
  'data',
  'message',
  'quit',
] as const;
export type Phase = (typeof PHASES)[number];

/**
 * What went wrong with the remote side.
 *
 * - `refused`, `unreachable`, `no-route`: no connection; `no-route` is this machine's own lack (no IPv6)
 * - `timeout`: silence; `tarpit`: bytes came, too slowly to be a reply in time
 * - `closed`, `reset`: the connection ended in this phase
 * - `reply-too-long`, `protocol`: what came is no reply
 * - `rejected`: a reply that says no; it is in `reply`
 * - `not-offered`: STARTTLS is not among the extensions
 * - `injection`: bytes beyond the reply to STARTTLS, before TLS
 * - `not-tls`: bytes after that reply that are no TLS
 * - `unauthenticated`: the certificate is not what the sender's policy demands
 * - `alert`: the server refused the handshake with a TLS alert; `handshake`: it failed otherwise
 */
export const FAULT_KINDS = [
  'refused',
  'unreachable',
  'no-route',
  'timeout',
  'tarpit',
  'closed',
  'reset',
  'reply-too-long',
  'protocol',
  'rejected',
  'not-offered',
  'injection',
  'not-tls',
  'alert',
  'unauthenticated',
  'handshake',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type Fault = {
  readonly phase: Phase;
  readonly kind: FaultKind;
  /** A clause, without capital and full stop: "the server closed the connection". */
  readonly message: string;
  readonly evidence?: string;
  readonly reply?: Reply;
};

/** Carries a fault out of the dialogue; caught where a result is made of it, never shown as it is. */
export class SmtpFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(`${fault.phase}: ${fault.message}`);
    this.name = 'SmtpFault';
    this.fault = fault;
  }
}

/** The fault in what was thrown; anything else is thrown on, as it is no fault of the remote side. */
export function faultOf(thrown: unknown): Fault {
  if (thrown instanceof SmtpFault) return thrown.fault;
  throw thrown;
}
