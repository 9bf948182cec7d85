/** What the TXT records at `_mta-sts.<domain>` come to. */
export type StsRecord =
  | { readonly kind: 'record'; readonly id: string; readonly record: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid-record'; readonly reason: string; readonly records: readonly string[] };

/** Longest record that is read, and how many are kept as evidence. */
const MAX_RECORD = 4096;
const MAX_RECORDS = 10;

/** RFC 8461 §3.1: name and value of an extension. */
const FIELD = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[!-:<>-~]+$/;

/** Only what begins exactly so counts; the rest at that name is for others (RFC 8461 §3.1). */
const PREFIX = 'v=STSv1;';

/** Meant as a record, as far as a person can tell, though no sender takes it. */
const ALMOST = /^\s*"?v\s*=\s*sts/i;

/** @returns the id, or why there is none that counts */
function readFields(record: string): { id: string } | { reason: string } {
  if (record.length > MAX_RECORD) return { reason: `the record is longer than ${MAX_RECORD} characters` };
  const fields = record
    .slice(PREFIX.length)
    .split(';')
    .map((field) => field.replace(/^[ \t]+|[ \t]+$/g, ''));
  if (fields.at(-1) === '') fields.pop(); // one delimiter may end the record
  const ids = fields.filter((field) => field.startsWith('id=')).map((field) => field.slice('id='.length));
  const [id] = ids;
  if (id === undefined) return { reason: 'the record has no id' };
  if (ids.length > 1) return { reason: 'the record has more than one id' };
  if (!/^[A-Za-z0-9]{1,32}$/.test(id)) return { reason: 'the id is not 1 to 32 letters and digits' };
  const wrong = fields.findIndex((field) => !FIELD.test(field));
  return wrong === -1 ? { id } : { reason: `field ${wrong + 2} of the record is not name=value` };
}

/**
 * Read the TXT records at `_mta-sts.<domain>` (RFC 8461 §3.1): exactly one has to be a record of MTA-STS. Other
 * texts do not count; one that was meant as a record and cannot be read is told.
 *
 * @param txt  the character strings of each record, not joined
 */
export function parseStsRecord(txt: readonly (readonly string[])[]): StsRecord {
  const texts = txt.map((strings) => strings.join(''));
  const records = texts.filter((text) => text.startsWith(PREFIX));
  const invalid = (reason: string, of: readonly string[]): StsRecord => ({
    kind: 'invalid-record',
    reason,
    records: of.slice(0, MAX_RECORDS).map((text) => text.slice(0, MAX_RECORD)),
  });
  const [record] = records;
  if (record === undefined) {
    const almost = texts.filter((text) => ALMOST.test(text));
    return almost.length === 0 ? { kind: 'none' } : invalid(`it does not begin with ${PREFIX}`, almost);
  }
  if (records.length > 1) return invalid(`there are ${records.length} records, so none counts`, records);
  const fields = readFields(record);
  return 'id' in fields ? { kind: 'record', id: fields.id, record } : invalid(fields.reason, records);
}
