import type { Report } from '../report.ts';

/**
 * Whether the line says that the hop was encrypted. `local`: the message did not cross a network.
 * `unknown`: the software does not write it, or the line does not tell. A `yes` needs evidence that the
 * software is known to write; a bare word "TLS" somewhere is none.
 */
export type Encrypted = 'yes' | 'no' | 'unknown' | 'local';

export type TlsVersion = 'SSLv3' | 'TLSv1.0' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** What a server wrote of the certificate of its client; `verified` null: it did not say. */
export type ClientCertificate = {
  readonly cn: string | null;
  readonly issuer: string | null;
  readonly verified: boolean | null;
};

/** What a Received field tells of TLS; null is what it does not tell. */
export type Tls = {
  /** Only where the label is sure: "TLSv1/SSLv3" names a family of ciphers, not a version. */
  readonly version: TlsVersion | null;
  /** The label as written, such as `TLS1_3` or `TLSv1/SSLv3`. */
  readonly versionWritten: string | null;
  /** The least version that it can have been: an AEAD suite needs TLS 1.2 (RFC 5246), whatever the label. */
  readonly atLeast: TlsVersion | null;
  /** As written. */
  readonly cipher: string | null;
  /** The name in the IANA registry "TLS Cipher Suites", where the mapping is sure. */
  readonly cipherIana: string | null;
  readonly bits: number | null;
  /** Named group of the key exchange as written, such as `X25519`, `P-256` or `X25519MLKEM768`. */
  readonly group: string | null;
  /** As written, such as `ECDHE` or `X25519`. */
  readonly keyExchange: string | null;
  readonly serverSignature: string | null;
  readonly clientCert: ClientCertificate | null;
  /** The word of Sendmail and its kin: NO, NOT, OK, FAIL, NONE, TRUSTED. */
  readonly verify: string | null;
};

/** The from clause. `helo` is what the client said; the rest is what the receiving server saw. */
export type Peer = {
  readonly helo: string | null;
  readonly rdns: string | null;
  /** Canonical: an IPv4-mapped address is IPv4, without a zone. */
  readonly ip: string | null;
  readonly port: number | null;
  /** RFC 1413 answer, or the name a qmail client logged in with. */
  readonly ident: string | null;
};

/** Evidence of SMTP AUTH or of another login; as the line writes it. */
export type Auth = {
  readonly user: string | null;
  /** SASL mechanism, or null. */
  readonly mechanism: string | null;
  /** What said so, such as `with ESMTPSA` or `Authenticated sender`. */
  readonly evidence: string;
};

/** A remark about a line; identifiers are a contract with scripts. */
export type Flag =
  // weakness of the TLS session
  | 'sslv3'
  | 'tls1.0'
  | 'tls1.1'
  | 'null-cipher'
  | 'anonymous'
  | 'export'
  | 'rc4'
  | 'des'
  | '3des'
  | 'cbc'
  | 'no-forward-secrecy'
  | 'post-quantum'
  // the time
  | 'no-date'
  | 'zone-unknown'
  | 'clock-skew'
  | 'slow'
  | 'future-date'
  | 'before-date-header'
  // signs of forgery or replay; none is proof
  | 'impossible-tls'
  | 'id-format'
  | 'date-backwards'
  | 'replayed'
  | 'below-http'
  | 'helo-own-name'
  | 'private-ip'
  | 'chain-broken'
  // the line itself
  | 'truncated'
  | 'may-be-forged';

/** What a Received field states, and who is to be believed for it. */
export type Fact = 'helo' | 'rdns' | 'ip' | 'envelopeFrom' | 'tls' | 'auth' | 'date' | 'id';

/** One Received field, parsed (RFC 5321 §4.4 and what software makes of it). */
export type Trace = {
  readonly from: Peer;
  readonly by: string | null;
  /** Address of the receiving server, where it writes one. */
  readonly byIp: string | null;
  /** As written, such as `Postfix`, `Exim 4.96` or `8.17.1/8.17.1`. */
  readonly bySoftware: string | null;
  readonly via: string | null;
  /** As written, such as `ESMTPS` or `Microsoft SMTP Server`. */
  readonly with: string | null;
  readonly id: string | null;
  readonly for: string | null;
  /** Without brackets; `''` is the null reverse-path. */
  readonly envelopeFrom: string | null;
  readonly encrypted: Encrypted;
  /** Why, naming the evidence, such as `with ESMTPS (RFC 3848)`. */
  readonly encryptedReason: string;
  readonly tls: Tls | null;
  readonly auth: Auth | null;
  /** ISO 8601, UTC. */
  readonly date: string | null;
  /** A client handed the message in here (RFC 6409, webmail), not another relay. */
  readonly submission: boolean;
  /** Inside one system: loopback, pickup, a filter, LMTP, a store; never counted as a plaintext hop. */
  readonly internal: boolean;
  readonly flags: readonly Flag[];
  /** The field body as it stands in the input, folds kept. */
  readonly raw: string;
};

/** One hop of a path. */
export type Hop = Trace & {
  /** Place in `hops`; 0 is the oldest. */
  readonly index: number;
  /** Whole seconds since the hop before; negative is a clock that is wrong; null when it cannot be told. */
  readonly delaySeconds: number | null;
  /** Written by the reader's own system, as far as the run from the top can be believed. */
  readonly trusted: boolean;
  /** Where the message entered that system: the last line whose facts are known. */
  readonly border: boolean;
  /** Seen by the server that wrote a trusted line. */
  readonly observed: readonly Fact[];
  /** Said by a client, or standing in a line that anyone below the border may have written. */
  readonly claimed: readonly Fact[];
  /** Bytes of the whole field in the input: start, end (exclusive). */
  readonly range: readonly [number, number];
};

/** A field beside Received that tells of the way. Information, never evidence. */
export type Annotation = {
  readonly kind: 'x-received' | 'arc' | 'authentication-results' | 'origin' | 'exchange';
  readonly name: string;
  /** Unfolded, cut at 1,000 characters. */
  readonly value: string;
  /** RFC 8617 instance, of ARC fields. */
  readonly instance: number | null;
  /** The newest hop that stands below the field, that is, was there before it; null: none. */
  readonly afterHop: number | null;
  /** Added by the reader's own system: it stands above the border's Received field. */
  readonly trusted: boolean;
  readonly range: readonly [number, number];
};

/** Whether the message itself is protected, whatever the transport did. */
export type ContentProtection =
  | 'pgp-mime'
  | 'pgp-inline'
  | 'smime-encrypted'
  | 'smime-signed'
  | 'pgp-signed'
  | 'none'
  | 'unknown';

/** The way of a message as its headers tell it, oldest hop first. */
export type MessagePath = Report & {
  readonly hops: readonly Hop[];
  /** Index into `hops`; null when no line shows a client outside. */
  readonly border: number | null;
  /** From the oldest dated hop to the newest, whole seconds. */
  readonly totalSeconds: number | null;
  readonly content: ContentProtection;
  readonly annotations: readonly Annotation[];
  /** The header section was longer than what is read. */
  readonly truncated: boolean;
};
