import { parseDomain } from '../dns/names.ts';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { SpfCheckResult, SpfSurveyedRecord } from '../schema/spf-check.ts';
import { checkSpf, type SpfCheck, type SpfQuestion, type SpfResult } from './check.ts';
import { lintSpf } from './lint.ts';
import { type SpfSurvey, type SurveyedRecord, surveySpf } from './survey.ts';

/** What a result means to somebody who wants the mail to arrive. */
const STATES: Readonly<Record<SpfResult, Status>> = {
  pass: 'ok',
  fail: 'crit',
  softfail: 'warn',
  neutral: 'warn',
  none: 'warn',
  temperror: 'unknown',
  permerror: 'crit',
};

const SECTIONS: Readonly<Record<SpfResult, string>> = {
  none: '§2.6.1',
  neutral: '§2.6.2',
  pass: '§2.6.3',
  fail: '§2.6.4',
  softfail: '§2.6.5',
  temperror: '§2.6.6',
  permerror: '§2.6.7',
};

/** One sentence for a result. */
function sentence({ result, ip, domain, reason }: SpfCheck): string {
  switch (result) {
    case 'pass':
      return `${ip} may send mail in the name of ${domain}.`;
    case 'fail':
      return `${ip} may not send mail in the name of ${domain}.`;
    case 'softfail':
      return `${ip} probably may not send mail in the name of ${domain}.`;
    case 'neutral':
      return `${domain} does not say whether ${ip} may send mail in its name.`;
    case 'none':
      return reason ?? `${domain} says nothing about its senders.`;
    case 'temperror':
      return `It could not be told whether ${ip} may send mail in the name of ${domain}: ${reason ?? ''}`;
    case 'permerror':
      return `The SPF record of ${domain} cannot be evaluated: ${reason ?? ''}`;
  }
}

/** The answer as a check; `info` where it only informs. */
function resultCheck(check: SpfCheck, id: string, info: boolean): Check {
  return {
    id,
    status: info ? 'ok' : STATES[check.result],
    ...(info && { info: true as const }),
    message: `${check.identity === 'helo' ? 'HELO' : 'MAIL FROM'}: ${check.result}. ${sentence(check)}`,
    ref: `RFC 7208 ${SECTIONS[check.result]}`,
  };
}

/** One evaluation as the result of a command. */
export function spfReport(check: SpfCheck, question: Omit<SpfQuestion, 'dns' | 'nowMs'>): SpfCheckResult {
  const main = resultCheck(check, 'spf.result', false);
  const { result, domain, identity, ip, lookups, voidLookups, explanation, reason, tree } = check;
  return {
    target: question.mailFrom || question.helo,
    status: main.status,
    summary: `${result}: ${sentence(check)}`,
    checks: [main],
    result,
    domain,
    identity,
    ip,
    helo: question.helo,
    mailFrom: question.mailFrom,
    lookups,
    voidLookups,
    explanation,
    reason,
    tree,
    records: [],
  };
}

/**
 * Read a domain, or the address of a MAIL FROM.
 *
 * @throws AppError E_TARGET (exit 64) for what is neither
 */
export function parseSpfTarget(text: string): string {
  const at = text.lastIndexOf('@');
  const domain = parseDomain(text.slice(at + 1), { underscores: true });
  if (domain.kind === 'name') return text.slice(0, at + 1) + domain.ascii;
  throw new AppError(text === '' ? 'There is no domain.' : `'${text}' ${domain.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org, or an address such as bounce@example.org.',
  });
}

/** What `spf check` is asked. */
export type SpfDemand = {
  /** Domain or mail address. */
  readonly target: string;
  /** Without one only the records are looked at. */
  readonly ip: string | null;
  readonly helo: string | null;
  readonly mta: string | null;
};

/**
 * Look at a domain's SPF records and, where a client is named, at what they say of it; of its HELO name, too,
 * when that is given.
 */
export async function describeSpf(demand: SpfDemand, dns: Resolver, nowMs: number): Promise<SpfCheckResult> {
  const { target, ip, helo, mta } = demand;
  const survey = await surveySpf(target.slice(target.lastIndexOf('@') + 1), dns);
  const lint = lintSpf(survey);
  const records = survey.records.map(surveyedRecord);
  if (ip === null) return surveyReport(target, survey, lint, records);
  const mailFrom = target.includes('@') ? target : `postmaster@${target}`;
  const question = { ip, helo, mailFrom, mta };
  const report = spfReport(await checkSpf({ ...question, dns, nowMs }), question);
  const greeting =
    helo === null
      ? []
      : [resultCheck(await checkSpf({ ...question, mailFrom: '', dns, nowMs }), 'spf.helo', true)];
  const checks = [...report.checks, ...greeting, ...lint];
  const status = worst(checks.map((check) => check.status));
  // "critical: pass" would leave open what is wrong.
  const worse = status === report.status ? undefined : checks.find((check) => check.status === status);
  const summary = worse === undefined ? report.summary : `${report.summary} But: ${worse.message}`;
  return { ...report, target, status, summary, checks, records };
}

/** A record of a survey as results have it. */
export function surveyedRecord({ domain, path, lookups, state }: SurveyedRecord): SpfSurveyedRecord {
  switch (state.kind) {
    case 'read':
      return { domain, path, lookups, record: state.text, problem: null };
    case 'wrong':
      return { domain, path, lookups, record: state.text, problem: state.reason };
    case 'none':
      return { domain, path, lookups, record: null, problem: 'no SPF record' };
    case 'several':
      return { domain, path, lookups, record: null, problem: `${state.count} SPF records` };
    case 'unknown':
      return { domain, path, lookups, record: null, problem: state.reason };
    case 'loop':
      return { domain, path, lookups, record: null, problem: 'leads back to itself' };
  }
}

function surveyReport(
  target: string,
  { domain, lookups, voids }: SpfSurvey,
  checks: readonly Check[],
  records: readonly SpfSurveyedRecord[],
): SpfCheckResult {
  const status = worst(checks.map((check) => check.status));
  const first = checks.find((check) => check.status === status);
  const nothing = { result: null, identity: null, ip: null, helo: null, mailFrom: null };
  const unsaid = { explanation: null, reason: null, tree: null };
  const summary =
    status === 'ok'
      ? `The SPF record of ${domain} is in order.`
      : (first?.message ?? `${domain}: ${status}.`);
  const counts = { lookups, voidLookups: voids.length };
  return { target, status, summary, checks, domain, ...counts, ...nothing, ...unsaid, records };
}
