/** Selectors that mail providers and signers set up unless they are told otherwise. */
const COMMON: readonly string[] = [
  ...['default', 'dkim', 'dkim1', 'dkim2', 'mail', 'email', 'smtp', 'mta', 'key1', 'key2', 'x', 'sig1'],
  ...[
    's1',
    's2',
    's1024',
    's2048',
    'k1',
    'k2',
    'k3',
    'selector1',
    'selector2',
    'google',
    '20230601',
    '20221208',
  ],
  ...['fm1', 'fm2', 'fm3', 'protonmail', 'protonmail2', 'protonmail3', 'zoho', 'zmail', 'titan1', 'titan2'],
  ...['mandrill', 'mailjet', 'mxvault', 'smtpapi', 'pm', 'cm', 'hs1', 'hs2', 'litesrv', 'everlytickey1'],
  ...['everlytickey2', 'turbo-smtp', 'mailo', 'krs', 'brevo1', 'brevo2', 'ed25519', 'rsa'],
];

const MONTHS = 13;

/** @returns selectors worth trying where nobody knows the right ones: common names, and those of the last year */
export function guessSelectors(nowMs: number): string[] {
  const now = new Date(nowMs);
  const months = Array.from({ length: MONTHS }, (_, back) => {
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1));
    return `s${month.toISOString().slice(0, 7).replace('-', '')}`;
  });
  return [...COMMON, ...months];
}
