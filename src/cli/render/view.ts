import type {
  Company,
  MessagePageView,
  MessageViewResult,
  ViewedMailbox,
  ViewedMessage,
} from '../../schema/message-view.ts';
import { badgeOf, markWords, plainName, plainText, sizeWords } from '../../view/shown.ts';
import { companyKey, markKey } from '../logos.ts';
import type { LogoPictures } from '../pictures.ts';
import { dim, type Line, line, mark, type Span, shorten, strong, trusted, widthOf, wrap } from '../text.ts';
import { reasonLines, verdictMark, wouldTrustLines } from './trust.ts';

/** Lines of a body that are shown on a terminal. */
const MAX_LINES = 400;

/** Columns of the parts of a row; 0 leaves one out. */
type Widths = {
  readonly mark: number;
  readonly company: number;
  readonly sender: number;
  readonly subject: number;
  readonly date: number;
  readonly size: number;
};

const GAP = 2;

function widthsFor(columns: number, withCompany: boolean): Widths {
  const wide = columns >= 110;
  const fixed = {
    mark: 17,
    company: withCompany ? (wide ? 26 : 18) : 0,
    sender: wide ? 26 : 16,
    date: wide ? 16 : 10,
    size: columns >= 100 ? 7 : 0,
  };
  const taken = Object.values(fixed).reduce((sum, width) => sum + (width === 0 ? 0 : width + GAP), 0);
  const left = Number.isFinite(columns) ? columns - taken : 60;
  return { ...fixed, subject: Math.max(11, Math.min(left, 80)) };
}

/** A text in exactly so many columns. */
function cell(text: string, width: number): string {
  const fitted = shorten(text, width);
  return fitted + ' '.repeat(Math.max(0, width - widthOf([{ text: fitted }])));
}

function markOf({ verdict, status }: ViewedMessage): Span {
  return verdict === null ? mark('unknown', 'unreadable') : verdictMark(verdict, status);
}

/** How much is told, and logos where the terminal draws them. */
export type TerminalView = {
  readonly explain: boolean;
  /** By {@link companyKey} and {@link markKey}. */
  readonly pictures: ReadonlyMap<string, LogoPictures>;
};

/** Columns of two letters, or of a logo over them. */
const BADGE = 2;

/** What a company's name stands behind: its letters take the place of a logo, or lie under it. */
function companySpans(company: Company, { pictures }: TerminalView, width?: number): Line {
  const picture = pictures.get(companyKey(company))?.small;
  const [badge] = line`${cell(badgeOf(company.name), BADGE)}`;
  const words = ` ${company.name}`;
  const [name] = line`${width === undefined ? words : cell(words, width - BADGE)}`;
  const green = (span: Span | undefined): Span => ({ text: span?.text ?? '', style: 'trusted' });
  return [{ ...green(badge), ...(picture && { picture }) }, green(name)];
}

/** A logo by itself, in an empty place. */
function logoSpan(key: string, { pictures }: TerminalView, width: number): Span {
  const picture = pictures.get(key)?.small;
  return { text: ' '.repeat(width), ...(picture && { picture }) };
}

function senderWords(sender: ViewedMailbox | null): string {
  if (sender === null) return 'nobody';
  return plainName(sender.name) || sender.address;
}

/** Sign, word and company on green where a list vouches; what the message says stands beside it, plain. */
function rowLines(message: ViewedMessage, widths: Widths, view: TerminalView, columns: number): Line[] {
  const { sender, subject, date, sizeBytes, withdrawn, reasons } = message;
  const said = [
    cell(senderWords(sender), widths.sender),
    cell(plainText(subject ?? (message.verdict === null ? message.summary : '(no subject)')), widths.subject),
    cell(date?.replace('T', ' ').slice(0, widths.date) ?? '', widths.date),
    ...(widths.size === 0 ? [] : [sizeWords(sizeBytes).padStart(widths.size)]),
  ].join(' '.repeat(GAP));
  const row = [...ours(message, widths, view), ...line`  ${said.trimEnd()}`];
  const more = view.explain
    ? reasonLines(reasons, columns)
    : withdrawn === null
      ? []
      : wrap(line`  ${dim(withdrawn)}`, columns, 4);
  return [row, ...more];
}

function ours(message: ViewedMessage, widths: Widths, view: TerminalView): Line {
  const { company, mark } = message;
  const sign = markOf(message);
  if (company !== null)
    return [trusted(cell(sign.text, widths.mark + GAP)), ...companySpans(company, view, widths.company)];
  const gap = ' '.repeat(Math.max(0, widths.mark - widthOf([sign])));
  if (widths.company === 0) return [sign, { text: gap }];
  const rest: Span =
    mark === null ? { text: ' '.repeat(widths.company) } : logoSpan(markKey(mark), view, widths.company);
  return [sign, { text: gap + ' '.repeat(GAP) }, rest];
}

/** A list of messages, or one message. */
export function renderMessageView(view: MessageViewResult, columns: number, how: TerminalView): Line[] {
  const [only] = view.messages;
  if (view.messages.length === 1 && only?.page) return messageLines(only, only.page, columns, how);
  const widths = widthsFor(
    columns,
    view.messages.some(
      ({ company, mark }) => company !== null || (mark !== null && how.pictures.has(markKey(mark))),
    ),
  );
  return [
    ...view.messages.flatMap((each) => rowLines(each, widths, how, columns)),
    [],
    ...wrap(line`${strong(view.summary)}`, columns, 2),
    ...noteLines(view, columns),
  ];
}

function noteLines({ checks }: MessageViewResult, columns: number): Line[] {
  return checks
    .filter(({ id }) => id !== 'view.verdicts')
    .flatMap(({ message }) => wrap(line`${dim(message)}`, columns, 2));
}

function messageLines(
  message: ViewedMessage,
  page: MessagePageView,
  columns: number,
  how: TerminalView,
): Line[] {
  const { subject, reasons } = message;
  const told = how.explain
    ? reasons
    : reasons.filter(({ severity }, index) => index === 0 || severity !== 'info');
  return [
    ...wrap(line`${strong(plainText(subject ?? '(no subject)'))}`, columns),
    ...largeLogo(message, how),
    ...banner(message, columns, how),
    [],
    ...headerLines(message, page, columns),
    [],
    ...reasonLines(told, columns),
    ...wouldTrustLines(page.wouldTrust, columns),
    ...bodyLines(page, columns),
  ];
}

/** Rows of their own for the logo of a page, where the terminal draws it. */
function largeLogo({ company, mark }: ViewedMessage, { pictures }: TerminalView): Line[] {
  const key = company === null ? mark && markKey(mark) : companyKey(company);
  const picture = key === null ? undefined : pictures.get(key)?.large;
  if (picture === undefined) return [];
  return [...Array.from({ length: picture.rows - 1 }, () => []), [{ text: ' ', picture }]];
}

/** The box under the subject. */
function banner(message: ViewedMessage, columns: number, how: TerminalView): Line[] {
  const { company, mark, summary } = message;
  if (company === null) {
    const proof = mark === null ? [] : wrap(line`    ${dim(markWords(mark))}`, columns, 4);
    return [...wrap(line`${markOf(message)}  ${summary}`, columns, 4), ...proof];
  }
  const plain = { ...how, pictures: new Map() };
  const green = [trusted(` ${markOf(message).text}  `), ...companySpans(company, plain), trusted(' ')];
  return wrap([...green, ...line`  ${company.mediator} vouches for ${company.domain}.`], columns, 2);
}

function headerLines(
  { date, dateFrom, sizeBytes }: ViewedMessage,
  page: MessagePageView,
  columns: number,
): Line[] {
  const lists = [
    ['From', page.from],
    ['Reply-To', page.replyTo],
    ['To', page.to],
    ['Cc', page.cc],
  ] as const;
  const when = date === null ? 'not told' : `${date}${dateFrom === 'sender' ? ' (as the sender says)' : ''}`;
  return [
    ...lists
      .filter(([name, list]) => list.length > 0 || name === 'From')
      .map(([name, list]) => [name, list.map(mailboxWords).join(', ') || 'nobody'] as const),
    ['Date', when] as const,
    ['Size', sizeWords(sizeBytes)] as const,
  ].flatMap(([name, words]) => wrap(line`${dim(name.padEnd(10))}${words}`, columns, 10));
}

function mailboxWords({ name, address }: ViewedMailbox): string {
  const plain = plainName(name);
  return plain === '' ? address : `${plain} <${address}>`;
}

function bodyLines({ body }: MessagePageView, columns: number): Line[] {
  if (body === null) return [[], line`${dim('There is no body to show.')}`];
  const lines = (body.text ?? '').trim().split(/\r\n|\r|\n/);
  const more = lines.length - MAX_LINES;
  const { remote, active } = body.leftOut;
  const notes = [
    ...(more > 0 ? [`and ${more} more lines; --format html shows them`] : []),
    ...(body.truncated ? ['The message is longer than what is shown.'] : []),
    ...(remote + active > 0 ? [leftOutWords(remote, active)] : []),
    ...body.attachments.map(
      ({ name, mediaType, sizeBytes }) =>
        `attached: ${plainText(name ?? 'without a name')} (${mediaType}, ${sizeWords(sizeBytes)})`,
    ),
  ];
  return [
    [],
    ...lines.slice(0, MAX_LINES).flatMap((each) => wrap(line`${each.replaceAll('\t', '    ')}`, columns)),
    ...(notes.length === 0 ? [] : [[]]),
    ...notes.flatMap((each) => wrap(line`${dim(each)}`, columns, 2)),
  ];
}

/** What of the sender's HTML is not shown. */
export function leftOutWords(remote: number, active: number): string {
  const parts = [
    ...(remote > 0 ? [`${remote} ${remote === 1 ? 'image' : 'images'} to be loaded from elsewhere`] : []),
    ...(active > 0 ? [`${active} ${active === 1 ? 'part that does' : 'parts that do'} something`] : []),
  ];
  return `Left out: ${parts.join(' and ')}.`;
}
