import type { Status } from '../../report.ts';
import type { Delivery, SendResult } from '../../schema/send.ts';
import type { Figure } from '../formats/types.ts';
import { asLine, dim, type Inline, type Line, line, mark, ok, strong, warn, wrap } from '../text.ts';
import { renderFindings } from './findings.ts';

const STATUS: Readonly<Record<Delivery['status'], Status>> = {
  delivered: 'ok',
  deferred: 'unknown',
  refused: 'crit',
  unknown: 'unknown',
  stopped: 'ok',
};

/** Which way it went: the one thing that everybody else leaves out. */
function way({ encrypted, tls, fallback }: Delivery): Inline {
  if (encrypted && tls)
    return ok(`encrypted, ${[tls.version ?? 'TLS', tls.cipher, tls.group].filter(Boolean).join(' ')}`);
  return warn(fallback ? 'in plaintext' : 'in plaintext, the server does not offer STARTTLS');
}

function deliveryLines(delivery: Delivery, columns: number): Line[] {
  const { recipient, mx, address, status, fallback, reply, queueId, reason, level, levelReason } = delivery;
  const to = mx === null ? recipient : `${recipient} → ${mx} [${address}]`;
  const lines: Line[] = [line`  ${mark(STATUS[status], status)}  ${strong(to)}`];
  if (fallback)
    lines.push(line`    ${warn(`FELL BACK TO PLAINTEXT: ${fallback.phase}: ${fallback.reason}`)}`);
  if (status === 'delivered') lines.push(line`    ${way(delivery)}`);
  if (level !== null && level !== 'opportunistic')
    lines.push(line`    ${dim(`demanded ${level}: ${levelReason}`)}`);
  if (reason !== null && status !== 'delivered') lines.push(line`    ${reason}`);
  if (reply !== null) lines.push([...asLine('    '), dim(`said ${reply}`)]);
  if (queueId !== null) {
    const kind = delivery.encrypted ? 'ESMTPS' : 'ESMTP';
    lines.push([
      ...asLine('    '),
      dim(`look for "with ${kind} id ${queueId}" in the Received lines over there`),
    ]);
  }
  return lines.flatMap((each) => wrap(each, columns, 6));
}

/** A delivery for people: what became of it, and which way it went. */
export function renderSend(result: SendResult, columns: number): Line[] {
  const told = ['smtp.starttls.injected', 'smtp.banner.form'];
  const findings = renderFindings(
    result.checks.filter(({ id }) => told.includes(id)).map((check) => ({ where: '', check })),
    columns,
  );
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...result.deliveries.flatMap((delivery) => deliveryLines(delivery, columns)),
    ...(findings.length > 0 ? [[], ...findings] : []),
  ];
}

/** How many recipients it reached, and how many of them encrypted. */
export function sendFigures({ deliveries }: SendResult): Figure[] {
  const delivered = deliveries.filter(({ status }) => status === 'delivered');
  const common = { unit: 'count', where: '' } as const;
  return [
    { name: 'delivered', help: 'Recipients that it was delivered to.', value: delivered.length, ...common },
    {
      name: 'encrypted',
      help: 'Recipients that it was delivered to encrypted.',
      value: delivered.filter(({ encrypted }) => encrypted).length,
      ...common,
    },
  ];
}
