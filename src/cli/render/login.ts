import type { Report } from '../../report.ts';
import type {
  LoginListResult,
  LoginSessionListResult,
  LoginSessionNewResult,
  LoginView,
  SessionView,
} from '../../schema/login.ts';
import { dim, fittedTable, type Line, line, mark, strong, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

/** One sentence, and what to do when it is no good news. */
export function renderOutcome(result: Report, columns: number): Line[] {
  const { status, summary } = result;
  return [...wrap(line`${mark(status)}  ${summary}`, columns, 4), ...renderChecks(result, columns)];
}

function loginRow({ id, account, kind, label, publicIds, services, expires }: LoginView) {
  const limits = [
    ...(services.length === 0 ? [] : [services.join(', ')]),
    ...(expires === null ? [] : [`until ${expires.slice(0, 10)}`]),
  ];
  return [strong(account), kind, publicIds.join(' '), label, limits.join('; '), dim(id)];
}

/** Login sets, a line each. */
export function renderLogins({ summary, logins }: LoginListResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark('ok')}  ${summary}`, columns, 4),
    ...fittedTable(logins.map(loginRow), columns, 2),
  ];
}

function sessionRow({ id, account, service, network, firstUse, ends }: SessionView) {
  const used = firstUse === null ? 'not used yet' : 'in use';
  return [strong(account), service, network ?? 'anywhere', used, `ends ${ends.slice(0, 16)}Z`, dim(id)];
}

/** Session passwords, a line each. */
export function renderSessions({ summary, sessions }: LoginSessionListResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark('ok')}  ${summary}`, columns, 4),
    ...fittedTable(sessions.map(sessionRow), columns, 2),
  ];
}

/** A new session password, which is shown this once. */
export function renderNewSession(result: LoginSessionNewResult, columns: number): Line[] {
  const { password, session } = result;
  if (password === null || session === null) return renderOutcome(result, columns);
  const hint = `Shown this once; "postern login session end ${session.id}" ends it.`;
  return [
    ...renderOutcome(result, columns),
    line`  ${strong(password)}`,
    ...wrap(line`  ${dim(hint)}`, columns, 2),
  ];
}
