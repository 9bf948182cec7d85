import { DOMAINS } from '../../demo/transport-lab.ts';
import type { TransportStory, TrustStory } from '../../schema/demo.ts';
import {
  asLine,
  dim,
  fittedTable,
  type Inline,
  indented,
  type Line,
  line,
  mark,
  strong,
  table,
  warn,
  widthOf,
  wrap,
} from '../text.ts';
import { reasonLines, verdictMark } from './trust.ts';

const ABOUT = new Map(DOMAINS.map(({ domain, about }) => [domain, about]));

function heading(number: number, title: string, command: string, columns: number): Line[] {
  const both = line`${strong(`${number}. ${title}`)}  ${dim(command)}`;
  if (widthOf(both) <= columns) return [[], both];
  return [
    [],
    ...wrap(line`${strong(`${number}. ${title}`)}`, columns, 3),
    ...wrap(line`   ${dim(command)}`, columns, 5),
  ];
}

/** A few words a domain; `mx probe` says more. */
function outcomeOf(probe: TransportStory['probes'][number] | undefined): Inline {
  if (probe === undefined) return '';
  const { hosts, summary } = probe;
  const address = hosts[0]?.addresses[0];
  if (!address) return summary;
  const { tls, certificate, starttls, fault } = address;
  if (!tls)
    return starttls === 'not-offered' ? 'goes in plaintext, STARTTLS is not offered' : (fault?.message ?? '');
  const broken = address.checks.find(({ status }) => status === 'crit');
  if (broken) return broken.message.replace(/\.$/, '');
  if (address.dane?.result === 'authenticated')
    return `${tls.version ?? 'TLS'} ${tls.group ?? ''}, authenticated by DANE`;
  const trust =
    certificate?.trusted && certificate.coversHost
      ? 'valid certificate'
      : `encrypted, not authenticated: ${certificate?.distrust ?? 'wrong name'}`;
  return `${tls.version ?? 'TLS'} ${tls.group ?? ''}, ${trust}`;
}

/** A row a domain; where it would not fit, what came of it goes below. */
function probeLines(probes: TransportStory['probes'], columns: number): Line[] {
  const rows = probes.map((probe) => [
    mark(probe.status),
    strong(probe.domain),
    dim(ABOUT.get(probe.domain) ?? 'nobody is there'),
  ]);
  if (columns >= 140) {
    const wide = rows.map((row, index) => [...row, outcomeOf(probes[index])]);
    return fittedTable(wide, columns, 2);
  }
  return table(rows, 2).flatMap((row, index) => [
    row,
    ...wrap(line`              ${outcomeOf(probes[index])}`, columns, 14),
  ]);
}

/** The story of the transport, as it is told on the terminal. */
export function renderTransportStory(story: TransportStory, columns: number): Line[] {
  const [delivery] = story.send.deliveries;
  const { fallback } = delivery ?? {};
  return [
    ...wrap(
      line`Was it encrypted, will it be? A DNS server and nine mail servers of different habits, on this machine only.`,
      columns,
    ),
    ...heading(1, 'What would a sender meet?', 'postern mx probe good.test selfsigned.test …', columns),
    ...probeLines(story.probes, columns),
    ...heading(
      2,
      'One message to the server that closes after STARTTLS',
      'postern send --to support@closes.test',
      columns,
    ),
    ...(fallback
      ? wrap(line`  ${warn(`FELL BACK TO PLAINTEXT: ${fallback.phase}: ${fallback.reason}`)}`, columns, 4)
      : []),
    ...wrap(line`  ${mark(story.send.status)}  ${story.send.summary}`, columns, 4),
    ...wrap(
      line`  It arrived ${strong(story.arrived === 1 ? 'once' : `${story.arrived} times`)}, and its Received header says:`,
      columns,
      4,
    ),
    ...wrap([...asLine('    '), dim(story.received)], columns, 4),
    ...heading(
      3,
      'What does that header tell, had the client been at 192.0.2.1?',
      'postern message path message.eml',
      columns,
    ),
    ...wrap(line`  ${mark(story.path.status)}  ${story.path.summary}`, columns, 4),
    [],
    ...wrap(
      line`TLS protects the way between two servers; end to end needs OpenPGP or S/MIME. ${dim('"postern demo --keep" leaves the servers running, to try the commands on them.')}`,
      columns,
    ),
  ];
}

/** The story of trust: four messages, and what is known of who sent them. */
export function renderTrustStory({ messages, revocation }: TrustStory, columns: number): Line[] {
  return [
    ...wrap(
      line`Who really sent this, and do we trust them? Four messages, signed a moment ago with keys made for it; companies and domains are invented.`,
      columns,
    ),
    ...messages.flatMap(({ name, about, check }, index) => [
      ...heading(index + 1, `A message ${about}`, `postern message check ${name}.eml`, columns),
      ...wrap(line`  ${verdictMark(check.verdict)}  ${check.summary}`, columns, 4),
      ...indented(reasonLines(check.reasons.slice(0, 2), columns - 2), 2),
    ]),
    ...revocationLines(revocation, messages.length + 1, columns),
    [],
    ...wrap(
      line`A valid signature says which domain sent it. Whether that domain belongs to somebody you trust is another question: a list answers it. ${dim('The same messages are in examples/trust.')}`,
      columns,
    ),
  ];
}

/** The mediator takes back its word, and the same message is looked at again. */
function revocationLines(revocation: TrustStory['revocation'], number: number, columns: number): Line[] {
  if (revocation === null) return [];
  const { list, reason, check } = revocation;
  return [
    ...heading(
      number,
      'The mediator revokes the company',
      'postern mediator revoke example-bank --now',
      columns,
    ),
    ...wrap(
      line`  List ${list} was signed (${reason}), fetched and verified (postern trust sync); the same message:`,
      columns,
      2,
    ),
    ...wrap(line`  ${verdictMark(check.verdict)}  ${check.summary}`, columns, 4),
    ...indented(
      reasonLines(check.reasons.filter(({ code }) => code.startsWith('registry.')).slice(0, 1), columns - 2),
      2,
    ),
  ];
}
