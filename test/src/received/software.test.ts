import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseReceived } from '../../../src/received/parse.ts';

/** What must come out of a line; what a row does not name is not looked at. */
type Expected = {
  readonly encrypted: 'yes' | 'no' | 'unknown' | 'local';
  readonly helo?: string | null;
  readonly rdns?: string | null;
  readonly ip?: string | null;
  readonly port?: number;
  readonly by?: string | null;
  readonly bySoftware?: string;
  readonly with?: string | null;
  readonly via?: string;
  readonly id?: string | null;
  readonly for?: string | null;
  readonly envelopeFrom?: string;
  readonly version?: string | null;
  readonly cipher?: string;
  readonly iana?: string | null;
  readonly bits?: number | null;
  readonly group?: string;
  readonly verify?: string;
  readonly user?: string;
  readonly date?: string | null;
  readonly submission?: boolean;
  readonly internal?: boolean;
};

type Row = { readonly software: string; readonly line: string; readonly expected: Expected };

/** One row for each way of writing that a server is known for. */
const ROWS: readonly Row[] = JSON.parse(
  readFileSync(new URL('../../fixtures/received/software.json', import.meta.url), 'utf8'),
);

test.for(ROWS)('$software', ({ line, expected }) => {
  const trace = parseReceived(line);
  const { from, tls, auth } = trace;
  const seen: Record<keyof Expected, unknown> = {
    encrypted: trace.encrypted,
    helo: from.helo,
    rdns: from.rdns,
    ip: from.ip,
    port: from.port,
    by: trace.by,
    bySoftware: trace.bySoftware,
    with: trace.with,
    via: trace.via,
    id: trace.id,
    for: trace.for,
    envelopeFrom: trace.envelopeFrom,
    version: tls?.version ?? null,
    cipher: tls?.cipher,
    iana: tls?.cipherIana,
    bits: tls?.bits,
    group: tls?.group,
    verify: tls?.verify,
    user: auth?.user,
    date: trace.date,
    submission: trace.submission,
    internal: trace.internal,
  };
  expect(seen).toMatchObject(expected);
});

test('the client certificate that Postfix describes', () => {
  const line = (verdict: string) =>
    `from c.example (c.example [192.0.2.1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) client-signature ECDSA (P-256)) (Client CN "c (x) example", Issuer "Let's Encrypt (R3)" (${verdict})) by mx.example (Postfix) with ESMTPS id 4AB0C12345; Tue, 24 Nov 2026 10:00:00 +0000`;
  expect(parseReceived(line('verified OK')).tls).toMatchObject({
    serverSignature: 'RSA-PSS (2048 bits)',
    keyExchange: 'X25519',
    group: 'X25519',
    clientCert: { cn: 'c (x) example', issuer: "Let's Encrypt (R3)", verified: true },
  });
  expect(parseReceived(line('not verified')).tls?.clientCert?.verified).toBe(false);
});
