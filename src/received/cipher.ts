import type { Flag, TlsVersion } from './types.ts';

/**
 * OpenSSL's name and the rest of the name in the IANA registry "TLS Cipher Suites" (after `TLS_`), for the
 * suites that were ever common in mail. GnuTLS writes the registry's name without `WITH`.
 */
const SUITES = `
ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
ECDHE-RSA-AES256-GCM-SHA384 ECDHE_RSA_WITH_AES_256_GCM_SHA384
ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
ECDHE-RSA-AES128-GCM-SHA256 ECDHE_RSA_WITH_AES_128_GCM_SHA256
ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
ECDHE-RSA-CHACHA20-POLY1305 ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
ECDHE-ECDSA-AES256-CCM ECDHE_ECDSA_WITH_AES_256_CCM
ECDHE-ECDSA-AES128-CCM ECDHE_ECDSA_WITH_AES_128_CCM
ECDHE-ECDSA-AES256-SHA384 ECDHE_ECDSA_WITH_AES_256_CBC_SHA384
ECDHE-RSA-AES256-SHA384 ECDHE_RSA_WITH_AES_256_CBC_SHA384
ECDHE-ECDSA-AES128-SHA256 ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
ECDHE-RSA-AES128-SHA256 ECDHE_RSA_WITH_AES_128_CBC_SHA256
ECDHE-ECDSA-AES256-SHA ECDHE_ECDSA_WITH_AES_256_CBC_SHA
ECDHE-RSA-AES256-SHA ECDHE_RSA_WITH_AES_256_CBC_SHA
ECDHE-ECDSA-AES128-SHA ECDHE_ECDSA_WITH_AES_128_CBC_SHA
ECDHE-RSA-AES128-SHA ECDHE_RSA_WITH_AES_128_CBC_SHA
ECDHE-RSA-DES-CBC3-SHA ECDHE_RSA_WITH_3DES_EDE_CBC_SHA
ECDHE-ECDSA-DES-CBC3-SHA ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA
ECDHE-RSA-RC4-SHA ECDHE_RSA_WITH_RC4_128_SHA
ECDHE-ECDSA-RC4-SHA ECDHE_ECDSA_WITH_RC4_128_SHA
ECDHE-RSA-NULL-SHA ECDHE_RSA_WITH_NULL_SHA
DHE-RSA-AES256-GCM-SHA384 DHE_RSA_WITH_AES_256_GCM_SHA384
DHE-RSA-AES128-GCM-SHA256 DHE_RSA_WITH_AES_128_GCM_SHA256
DHE-RSA-CHACHA20-POLY1305 DHE_RSA_WITH_CHACHA20_POLY1305_SHA256
DHE-RSA-AES256-CCM DHE_RSA_WITH_AES_256_CCM
DHE-RSA-AES128-CCM DHE_RSA_WITH_AES_128_CCM
DHE-RSA-AES256-SHA256 DHE_RSA_WITH_AES_256_CBC_SHA256
DHE-RSA-AES128-SHA256 DHE_RSA_WITH_AES_128_CBC_SHA256
DHE-RSA-AES256-SHA DHE_RSA_WITH_AES_256_CBC_SHA
DHE-RSA-AES128-SHA DHE_RSA_WITH_AES_128_CBC_SHA
DHE-RSA-CAMELLIA256-SHA DHE_RSA_WITH_CAMELLIA_256_CBC_SHA
DHE-RSA-CAMELLIA128-SHA DHE_RSA_WITH_CAMELLIA_128_CBC_SHA
DHE-RSA-SEED-SHA DHE_RSA_WITH_SEED_CBC_SHA
DHE-DSS-AES256-SHA DHE_DSS_WITH_AES_256_CBC_SHA
DHE-DSS-AES128-SHA DHE_DSS_WITH_AES_128_CBC_SHA
DHE-RSA-DES-CBC3-SHA DHE_RSA_WITH_3DES_EDE_CBC_SHA
EDH-RSA-DES-CBC3-SHA DHE_RSA_WITH_3DES_EDE_CBC_SHA
EDH-DSS-DES-CBC3-SHA DHE_DSS_WITH_3DES_EDE_CBC_SHA
EDH-RSA-DES-CBC-SHA DHE_RSA_WITH_DES_CBC_SHA
EXP-EDH-RSA-DES-CBC-SHA DHE_RSA_EXPORT_WITH_DES40_CBC_SHA
ADH-AES256-GCM-SHA384 DH_anon_WITH_AES_256_GCM_SHA384
ADH-AES128-GCM-SHA256 DH_anon_WITH_AES_128_GCM_SHA256
ADH-AES256-SHA256 DH_anon_WITH_AES_256_CBC_SHA256
ADH-AES128-SHA256 DH_anon_WITH_AES_128_CBC_SHA256
ADH-AES256-SHA DH_anon_WITH_AES_256_CBC_SHA
ADH-AES128-SHA DH_anon_WITH_AES_128_CBC_SHA
ADH-CAMELLIA256-SHA DH_anon_WITH_CAMELLIA_256_CBC_SHA
ADH-DES-CBC3-SHA DH_anon_WITH_3DES_EDE_CBC_SHA
ADH-RC4-MD5 DH_anon_WITH_RC4_128_MD5
AECDH-AES256-SHA ECDH_anon_WITH_AES_256_CBC_SHA
AECDH-AES128-SHA ECDH_anon_WITH_AES_128_CBC_SHA
AECDH-DES-CBC3-SHA ECDH_anon_WITH_3DES_EDE_CBC_SHA
AECDH-NULL-SHA ECDH_anon_WITH_NULL_SHA
AES256-GCM-SHA384 RSA_WITH_AES_256_GCM_SHA384
AES128-GCM-SHA256 RSA_WITH_AES_128_GCM_SHA256
AES256-CCM RSA_WITH_AES_256_CCM
AES128-CCM RSA_WITH_AES_128_CCM
AES256-SHA256 RSA_WITH_AES_256_CBC_SHA256
AES128-SHA256 RSA_WITH_AES_128_CBC_SHA256
AES256-SHA RSA_WITH_AES_256_CBC_SHA
AES128-SHA RSA_WITH_AES_128_CBC_SHA
CAMELLIA256-SHA RSA_WITH_CAMELLIA_256_CBC_SHA
CAMELLIA128-SHA RSA_WITH_CAMELLIA_128_CBC_SHA
SEED-SHA RSA_WITH_SEED_CBC_SHA
IDEA-CBC-SHA RSA_WITH_IDEA_CBC_SHA
DES-CBC3-SHA RSA_WITH_3DES_EDE_CBC_SHA
DES-CBC-SHA RSA_WITH_DES_CBC_SHA
RC4-SHA RSA_WITH_RC4_128_SHA
RC4-MD5 RSA_WITH_RC4_128_MD5
NULL-SHA256 RSA_WITH_NULL_SHA256
NULL-SHA RSA_WITH_NULL_SHA
NULL-MD5 RSA_WITH_NULL_MD5
EXP-RC4-MD5 RSA_EXPORT_WITH_RC4_40_MD5
EXP-RC2-CBC-MD5 RSA_EXPORT_WITH_RC2_CBC_40_MD5
EXP-DES-CBC-SHA RSA_EXPORT_WITH_DES40_CBC_SHA
AEAD-AES256-GCM-SHA384 AES_256_GCM_SHA384
AEAD-AES128-GCM-SHA256 AES_128_GCM_SHA256
AEAD-CHACHA20-POLY1305-SHA256 CHACHA20_POLY1305_SHA256
TLS13-AES256-GCM-SHA384 AES_256_GCM_SHA384
TLS13-AES128-GCM-SHA256 AES_128_GCM_SHA256
TLS13-CHACHA20-POLY1305-SHA256 CHACHA20_POLY1305_SHA256
TLS_AES_128_CCM_SHA256 AES_128_CCM_SHA256
TLS_AES_128_CCM_8_SHA256 AES_128_CCM_8_SHA256
`;

/** A suite of the registry and what follows from its name. */
type Known = {
  readonly iana: string;
  readonly tls13: boolean;
  readonly aead: boolean;
  readonly weak: readonly Flag[];
};

/** Every spelling, upper case; made when the first cipher is met. */
let table: Map<string, Known> | undefined;

function suites(): Map<string, Known> {
  if (table !== undefined) return table;
  const names = new Map<string, Known>();
  for (const line of SUITES.trim().split('\n')) {
    const [openssl = '', rest = ''] = line.split(' ');
    const iana = `TLS_${rest}`;
    const upper = iana.toUpperCase();
    const suite = names.get(upper) ?? {
      iana,
      tls13: isTls13Name(iana),
      aead: isAeadName(iana),
      weak: weakSuite(upper),
    };
    const gnutls = rest.replace('_WITH', '').toUpperCase();
    names.set(openssl, suite).set(upper, suite).set(gnutls, suite);
    if (gnutls.endsWith('_SHA')) names.set(`${gnutls}1`, suite); // GnuTLS: …_CBC_SHA1
    if (!rest.includes('WITH')) names.set(`TLS13_${rest}`, suite); // rustls
  }
  for (const [name, suite] of [...names]) {
    if (name.includes('RC4_128_')) names.set(name.replace('RC4_128_', 'ARCFOUR_'), suite); // old GnuTLS
  }
  table = names;
  return names;
}

function suiteOf(written: string): Known | undefined {
  return suites().get(written) ?? suites().get(written.toUpperCase());
}

/** A cipher suite as written, taken apart. */
export type Suite = {
  /** Name in the IANA registry; null when the mapping is not sure. */
  readonly iana: string | null;
  /** The group that some write into the name: `_P384` of Exchange, `ECDHE_X25519__` of GnuTLS. */
  readonly group: string | null;
};

/** @param written  the suite in the spelling of any TLS library */
export function readSuite(written: string): Suite {
  const known = suiteOf(written);
  if (known !== undefined) return { iana: known.iana, group: null };
  const curve = /^(.*)_P(256|384|521)$/.exec(written);
  if (curve?.[1] !== undefined) return { iana: ianaName(curve[1]), group: `P-${curve[2]}` };
  // GnuTLS 3.6: ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM
  const [exchange = '', signature = '', cipher] = written.split('__');
  if (cipher === undefined) return { iana: ianaName(written), group: null };
  const [kind = '', group] = exchange.split('_');
  const algorithm = signature.split('_', 1)[0] ?? '';
  const hash = cipher.includes('256_GCM') ? 'SHA384' : 'SHA256';
  // The registry has one hash for each of these, so the name is sure without it.
  const sure = cipher.endsWith('_GCM') || cipher.endsWith('_POLY1305');
  return { iana: sure ? ianaName(`${kind}_${algorithm}_${cipher}_${hash}`) : null, group: group ?? null };
}

function ianaName(written: string): string | null {
  return suiteOf(written)?.iana ?? null;
}

const ALGORITHM = /AES|3?DES|RC[24]|ARCFOUR|CHACHA|CAMELLIA|ARIA|SEED|IDEA|NULL|GOST|KUZNYECHIK|MAGMA/i;

/** @returns whether a word is a cipher suite and not, say, a host name */
export function isCipherName(word: string): boolean {
  if (word.length >= 80) return false;
  return suites().has(word) || (/^[A-Za-z0-9]+(?:[-_]+[A-Za-z0-9]+)+$/.test(word) && ALGORITHM.test(word));
}

const VERSIONS: ReadonlyMap<string, TlsVersion> = new Map([
  ['ssl3', 'SSLv3'],
  ['ssl3.0', 'SSLv3'],
  ['tls1', 'TLSv1.0'],
  ['tls1.0', 'TLSv1.0'],
  ['tls1.1', 'TLSv1.1'],
  ['tls1.2', 'TLSv1.2'],
  ['tls1.3', 'TLSv1.3'],
  ['tls12', 'TLSv1.2'], // .NET, as in SmarterMail
  ['tls13', 'TLSv1.3'],
]);

/** The spellings of OpenSSL, Exchange, Exim and Gmail, which are nearly all there are. */
const COMMON: ReadonlyMap<string, TlsVersion> = new Map(
  (['TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const).flatMap((version) => {
    const number = version.slice(4);
    return [`TLSv${number}`, `TLS${number}`, `TLS${number.replace('.', '_')}`].map(
      (name) => [name, version] as const,
    );
  }),
);

/** `TLSv1.2`, `TLS1_2`, `TLS-1.2`, `TLS1.2`; null for `TLSv1/SSLv3`, which names no version. */
export function readVersion(written: string): TlsVersion | null {
  const code = written.charCodeAt(0) | 0x20;
  if (code !== 0x74 && code !== 0x73) return null; // T(LS) S(SL)
  const common = COMMON.get(written);
  if (common !== undefined) return common;
  const plain = written
    .toLowerCase()
    .replace(/^(tls|ssl)[-_ ]?v?/, '$1')
    .replace('_', '.');
  return VERSIONS.get(plain) ?? null;
}

/** TLS 1.3 suites name no key exchange (RFC 8446 §B.4). */
export function isTls13Suite(iana: string): boolean {
  return suiteOf(iana)?.tls13 ?? isTls13Name(iana);
}

function isTls13Name(iana: string): boolean {
  return /^TLS_(?:AES|CHACHA20)_/.test(iana);
}

/** Suites with GCM, CCM or ChaCha20 need TLS 1.2 (RFC 5288 §3, RFC 7905 §2). */
export function isAead(iana: string): boolean {
  return suiteOf(iana)?.aead ?? isAeadName(iana);
}

function isAeadName(iana: string): boolean {
  return /_(?:GCM|CCM|POLY1305)(?:_|$)/.test(iana);
}

/** What is weak about a session (RFC 9325 §4). */
export function weaknesses(
  version: TlsVersion | null,
  cipher: string | null,
  iana: string | null,
  group: string | null,
): Flag[] {
  const flags: Flag[] = [];
  if (version === 'SSLv3') flags.push('sslv3');
  if (version === 'TLSv1.0') flags.push('tls1.0');
  if (version === 'TLSv1.1') flags.push('tls1.1');
  if (group !== null && /mlkem|kyber/i.test(group)) flags.push('post-quantum');
  const name = iana ?? cipher;
  if (name !== null) flags.push(...(suiteOf(name)?.weak ?? weakName(name.toUpperCase())));
  // A TLS 1.3 session has forward secrecy, under whatever name its suite was written.
  return version === 'TLSv1.3' ? flags.filter((flag) => flag !== 'no-forward-secrecy') : flags;
}

/** Of a name in the registry, upper case, more can be told. */
function weakSuite(name: string): Flag[] {
  const flags = weakName(name);
  if (name.includes('_CBC_')) flags.push('cbc');
  if (name.startsWith('TLS_RSA_')) flags.push('no-forward-secrecy');
  return flags;
}

/** @param name  upper case */
function weakName(name: string): Flag[] {
  const flags: Flag[] = [];
  if (/(?:^|[-_])NULL(?:[-_]|$)/.test(name)) flags.push('null-cipher');
  if (/(?:^|[-_])(?:ADH|AECDH|ANON|ANULL)(?:[-_]|$)/.test(name)) flags.push('anonymous');
  if (/(?:^|[-_])EXP(?:ORT)?(?:[-_]|$)/.test(name)) flags.push('export');
  if (/RC4|ARCFOUR/.test(name)) flags.push('rc4');
  if (/3DES|DES[-_]CBC3/.test(name)) flags.push('3des');
  else if (/(?:^|[-_])DES/.test(name)) flags.push('des');
  return flags;
}
