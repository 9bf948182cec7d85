/** A DMARC aggregate report (RFC 7489 appendix C) with the given records. */
export function dmarcXml({
  id = 'r1',
  domain = 'example.org',
  policy = 'none',
  reporter = 'Receiver Inc.',
  records = [record({})],
  begin = 1_793_491_200,
}: {
  id?: string;
  domain?: string;
  policy?: string;
  reporter?: string;
  records?: readonly string[];
  begin?: number;
} = {}): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<feedback>
  <version>1.0</version>
  <report_metadata>
    <org_name>${reporter}</org_name><email>noreply@receiver.example</email><report_id>${id}</report_id>
    <date_range><begin>${begin}</begin><end>${begin + 86_400}</end></date_range>
  </report_metadata>
  <policy_published><domain>${domain}</domain><adkim>r</adkim><aspf>r</aspf><p>${policy}</p><pct>100</pct></policy_published>
  ${records.join('\n')}
</feedback>
`;
}

export type RecordParts = {
  ip?: string;
  count?: number;
  disposition?: string;
  dkim?: string;
  spf?: string;
  reason?: string;
  from?: string;
  dkimResults?: readonly (readonly [domain: string, selector: string, result: string])[];
  spfResults?: readonly (readonly [domain: string, result: string])[];
};

/** One record; without parts ten messages that pass both ways. */
export function record({
  ip = '192.0.2.1',
  count = 10,
  disposition = 'none',
  dkim = 'pass',
  spf = 'pass',
  reason,
  from = 'example.org',
  dkimResults = [['example.org', 's1', 'pass']],
  spfResults = [['example.org', 'pass']],
}: RecordParts): string {
  const reasons = reason === undefined ? '' : `<reason><type>${reason}</type><comment>c</comment></reason>`;
  const dkims = dkimResults.map(
    ([domain, selector, result]) =>
      `<dkim><domain>${domain}</domain><selector>${selector}</selector><result>${result}</result></dkim>`,
  );
  const spfs = spfResults.map(
    ([domain, result]) =>
      `<spf><domain>${domain}</domain><scope>mfrom</scope><result>${result}</result></spf>`,
  );
  return `<record><row><source_ip>${ip}</source_ip><count>${count}</count><policy_evaluated><disposition>${disposition}</disposition><dkim>${dkim}</dkim><spf>${spf}</spf>${reasons}</policy_evaluated></row><identifiers><header_from>${from}</header_from></identifiers><auth_results>${dkims.join('')}${spfs.join('')}</auth_results></record>`;
}

/** A TLS report (RFC 8460 §4.4) with one policy. */
export function tlsJson({
  id = 't1',
  kind = 'sts',
  mode = 'enforce',
  successes = 90,
  failures = [],
  failing = failures.reduce((sum, failure) => sum + Number(failure['failed-session-count'] ?? 0), 0),
}: {
  id?: string;
  kind?: string;
  mode?: string;
  successes?: number;
  failures?: readonly Readonly<Record<string, unknown>>[];
  failing?: number;
} = {}): string {
  return JSON.stringify({
    'organization-name': 'Sender Inc.',
    'date-range': { 'start-datetime': '2026-11-01T00:00:00Z', 'end-datetime': '2026-11-01T23:59:59Z' },
    'contact-info': 'tls@sender.example',
    'report-id': id,
    policies: [
      {
        policy: {
          'policy-type': kind,
          'policy-string': ['version: STSv1', `mode: ${mode}`, 'mx: mx.example.org', 'max_age: 604800'],
          'policy-domain': 'example.org',
          'mx-host': ['mx.example.org'],
        },
        summary: { 'total-successful-session-count': successes, 'total-failure-session-count': failing },
        'failure-details': failures,
      },
    ],
  });
}
