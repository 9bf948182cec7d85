import { SaxesParser } from 'saxes';
import { AppError, ExitCode } from '../errors.ts';

/** What one mechanism said of one name. */
export type AuthResult = {
  readonly domain: string;
  readonly result: string;
  readonly selector: string | null;
};

/** One row: so many messages from one address that were treated alike. */
export type DmarcRow = {
  readonly source: string;
  readonly count: number;
  /** none, quarantine, reject; what the receiver did. */
  readonly disposition: string;
  /** Aligned and passed, as DMARC counts it. */
  readonly dkim: boolean;
  readonly spf: boolean;
  /** Why the receiver did something else than the policy says: forwarded, mailing_list, … */
  readonly overrides: readonly string[];
  readonly headerFrom: string;
  readonly dkimResults: readonly AuthResult[];
  readonly spfResults: readonly AuthResult[];
};

/** An aggregate report (RFC 7489 appendix C, RFC 9990). */
export type DmarcReport = {
  readonly reporter: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly domain: string;
  /** p of the record: none, quarantine, reject. */
  readonly policy: string;
  readonly rows: readonly DmarcRow[];
};

/** Bounds on what is kept of a report. */
const MAX_DEPTH = 12;
const MAX_TEXT = 1000;
const MAX_ROWS = 100_000;
const MAX_RESULTS = 100;

type Fields = Map<string, string>;

/** Elements that begin a thing of its own, and what collects their fields. */
const GROUPS = new Set(['record', 'dkim', 'spf', 'reason']);

function broken(name: string, why: string): AppError {
  return new AppError(`'${name}' is no DMARC aggregate report: ${why}.`, {
    code: 'E_REPORT',
    exit: ExitCode.input,
    hint: 'Receivers send them to the address in rua= of the DMARC record.',
  });
}

/** A report that is being read. */
class Reading {
  readonly head: Fields = new Map();
  readonly rows: DmarcRow[] = [];
  private readonly path: string[] = [];
  private text = '';
  private row: Fields = new Map();
  private part: Fields | undefined;
  private dkim: AuthResult[] = [];
  private spf: AuthResult[] = [];
  private overrides: string[] = [];
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  open(element: string): void {
    if (this.path.length === MAX_DEPTH) throw broken(this.name, 'it is nested too deeply');
    this.path.push(element);
    this.text = '';
    if (element === 'record') this.startRow();
    // Only below auth_results; dkim and spf also stand in policy_evaluated, as plain words.
    else if (GROUPS.has(element) && (element === 'reason' || this.path.includes('auth_results')))
      this.part = new Map();
  }

  add(text: string): void {
    if (this.text.length < MAX_TEXT) this.text += text.slice(0, MAX_TEXT - this.text.length);
  }

  close(): void {
    const element = this.path.pop() ?? '';
    const value = this.text.trim();
    this.text = '';
    if (element === 'record') this.endRow();
    else if (this.part && GROUPS.has(element)) this.endPart(element);
    else if (this.part) this.part.set(element, value);
    else (this.path.includes('record') ? this.row : this.head).set(element, value);
  }

  private startRow(): void {
    this.row = new Map();
    this.dkim = [];
    this.spf = [];
    this.overrides = [];
  }

  private endPart(element: string): void {
    const part = this.part ?? new Map<string, string>();
    this.part = undefined;
    const lists: Readonly<Record<string, AuthResult[]>> = { dkim: this.dkim, spf: this.spf };
    const list = lists[element];
    if (list === undefined) {
      if (this.overrides.length < MAX_RESULTS) this.overrides.push(part.get('type') ?? 'other');
    } else if (list.length < MAX_RESULTS) {
      list.push({
        domain: domainOf(part.get('domain')),
        result: (part.get('result') ?? 'none').toLowerCase(),
        selector: part.get('selector') ?? null,
      });
    }
  }

  private endRow(): void {
    if (this.rows.length === MAX_ROWS) throw broken(this.name, `it has more than ${MAX_ROWS} records`);
    const count = Number(this.row.get('count'));
    const source = this.row.get('source_ip') ?? '';
    if (!Number.isSafeInteger(count) || count < 0 || count > 1e12 || source === '')
      throw broken(this.name, `record ${this.rows.length + 1} has no source_ip or no count`);
    this.rows.push({
      source,
      count,
      disposition: (this.row.get('disposition') ?? 'none').toLowerCase(),
      dkim: this.row.get('dkim')?.toLowerCase() === 'pass',
      spf: this.row.get('spf')?.toLowerCase() === 'pass',
      overrides: this.overrides,
      headerFrom: domainOf(this.row.get('header_from')),
      dkimResults: this.dkim,
      spfResults: this.spf,
    });
  }
}

function domainOf(text: string | undefined): string {
  return (text ?? '').toLowerCase().replace(/\.$/, '');
}

/**
 * Read an aggregate report. Declarations of types and entities are refused, so nothing in it can grow.
 *
 * @param name  for the error
 * @throws AppError E_REPORT (exit 65)
 */
export function parseDmarcReport(name: string, xml: string): DmarcReport {
  const reading = new Reading(name);
  const parser = new SaxesParser({ xmlns: false, position: true });
  parser.on('doctype', () => {
    throw broken(name, 'it declares a document type, which no report does');
  });
  parser.on('opentag', (tag) => reading.open(tag.name.replace(/^.*:/, '')));
  parser.on('closetag', () => reading.close());
  parser.on('text', (text) => reading.add(text));
  parser.on('cdata', (text) => reading.add(text));
  parser.on('error', () => {
    throw broken(name, `it is not well-formed XML, in line ${parser.line}`);
  });
  parser.write(xml).close();
  return finished(name, reading);
}

function finished(name: string, { head, rows }: Reading): DmarcReport {
  const domain = domainOf(head.get('domain'));
  const [beginMs = Number.NaN, endMs = Number.NaN] = ['begin', 'end'].map(
    (at) => Number(head.get(at)) * 1000,
  );
  if (domain === '') throw broken(name, 'there is no policy_published with a domain');
  if (!(Math.abs(beginMs) < 8e15 && Math.abs(endMs) < 8e15)) throw broken(name, 'there is no date_range');
  return {
    reporter: head.get('org_name') ?? '',
    id: head.get('report_id') ?? '',
    beginMs,
    endMs,
    domain,
    policy: (head.get('p') ?? 'none').toLowerCase(),
    rows,
  };
}
