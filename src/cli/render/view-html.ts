import type {
  Company,
  MessagePageView,
  MessageViewResult,
  ViewedMailbox,
  ViewedMark,
  ViewedMessage,
} from '../../schema/message-view.ts';
import type { Reason } from '../../trust/facts.ts';
import { kindOf } from '../../view/mailbox.ts';
import { badgeOf, markWords, plainName, plainText, sizeWords } from '../../view/shown.ts';
import { type Html, html, POLICY_WITH_IMAGES, page } from '../html.ts';
import { companyKey, markKey } from '../logos.ts';
import { leftOutWords } from './view.ts';
import { VIEW_STYLE } from './view-style.ts';

/** What the page shows beside the result. */
export type HtmlView = {
  /** Harmless data URIs by {@link companyKey} and {@link markKey}. */
  readonly logos: ReadonlyMap<string, string>;
  /** Every reason in the list, too. */
  readonly explain: boolean;
};

type Kind = ReturnType<typeof kindOf>;

const SIGNS: Readonly<Record<Kind, readonly [sign: string, word: string, style: string]>> = {
  trusted: ['✔', 'trusted', ''],
  authenticated: ['=', 'authenticated', ''],
  'open-signup': ['~', 'open sign-up', 'warn'],
  unauthenticated: ['!', 'unauthenticated', 'warn'],
  suspicious: ['✖', 'suspicious', 'crit'],
  undecided: ['?', 'undecided', 'dim'],
};

/**
 * Rows that a browser looks at together: groups far away it passes over, and of a group that is near the rows out of sight.
 * Each group and each row of a near one costs a little in every frame, so there are few of both.
 */
const ROWS_TOGETHER = 50;
/** Reasons that are told when the pointer rests on a verdict. */
const HOVERED = 3;
const MAX_REASONS = 60;

/** A message, or a mailbox with its messages behind the rows: one file that loads and runs nothing. */
export function viewHtml(view: MessageViewResult, options: HtmlView): string {
  const [only] = view.messages;
  const classes = logoClasses(view.messages);
  const style = VIEW_STYLE + logoStyle(classes, options.logos);
  const draw = new Drawing(classes, options);
  const isOne = view.messages.length === 1 && only?.page;
  const body = isOne ? html`<main>${draw.message(only, only.page, null)}</main>` : draw.mailbox(view);
  const title = isOne ? plainText(only.subject ?? 'A message') : `Mailbox ${view.target ?? ''}`.trim();
  return page(title, body, { style, policy: POLICY_WITH_IMAGES });
}

/** Each company and each mark once: its class, whose style has the logo. */
type Classes = ReadonlyMap<string, string>;

function logoClasses(messages: readonly ViewedMessage[]): Classes {
  const classes = new Map<string, string>();
  for (const { company, mark } of messages) {
    const key = company === null ? mark && markKey(mark) : companyKey(company);
    if (key !== null && !classes.has(key)) classes.set(key, `c${classes.size}`);
  }
  return classes;
}

function logoStyle(classes: Classes, logos: ReadonlyMap<string, string>): string {
  return [...classes]
    .map(([key, name]) => {
      const uri = logos.get(key);
      // Dark enough for white letters, whatever the hue.
      if (uri === undefined) return `.${name} { background: hsl(${hueOf(key)} 45% 30%); }\n`;
      return `.${name} { background-image: url("${uri}"); }\n`;
    })
    .join('');
}

function hueOf(key: string): number {
  let hue = 0;
  for (const char of key) hue = (hue * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return hue;
}

class Drawing {
  private readonly classes: Classes;
  private readonly options: HtmlView;

  constructor(classes: Classes, options: HtmlView) {
    this.classes = classes;
    this.options = options;
  }

  mailbox({ target, summary, counts, messages, checks }: MessageViewResult): Html {
    const chips = (Object.keys(SIGNS) as Kind[]).filter((kind) => counts[kind] > 0);
    const notes = checks.filter(({ id }) => id !== 'view.verdicts');
    return html`<main class="mailbox">
<div class="list">
<h1>${target === null || target === '-' ? 'Mailbox' : html`Mailbox <bdi>${target}</bdi>`}</h1>
<ul class="counts" aria-label="Messages by verdict">${chips.map(
      (kind) => html`<li class="${kind}">${SIGNS[kind][0]} ${counts[kind]} ${SIGNS[kind][1]}</li>`,
    )}</ul>
${notes.map(({ message }) => html`<p class="dim">${message}</p>`)}
<table role="table"><caption class="hidden">${summary}</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Verdict</th><th role="columnheader" scope="col">From</th><th role="columnheader" scope="col">Subject, date and size</th></tr></thead>
${groups(messages.map((each, index) => this.row(each, index)))}</table>
</div>
${messages.map((each, index) => (each.page === null ? html`` : this.message(each, each.page, index)))}
</main>`;
  }

  private row(message: ViewedMessage, index: number): Html {
    const { company, sender, subject, date, sizeBytes, withdrawn, reasons, target } = message;
    const kind = kindOf(message);
    const [sign, word, style] = SIGNS[kind];
    const words =
      plainText(subject ?? (message.verdict === null ? message.summary : '(no subject)')) || '(no subject)';
    const shown =
      message.page === null ? html`<bdi>${words}</bdi>` : html`<a href="#m${index}"><bdi>${words}</bdi></a>`;
    const green = company !== null;
    return html`<tr role="row" class="${green ? 'trusted' : ''}"><td role="cell" class="verdict ${style}" title="${hover(reasons, target)}"><span class="sign" aria-hidden="true">${sign}</span> ${word}</td><td role="cell" class="who">${green ? this.company(company) : this.sender(message)}</td><td role="cell" class="said"><span><span class="subject">${shown}</span>${green ? html`<small class="dim">${inlineName(sender)}</small>` : html``}${withdrawn === null ? html`` : html`<small class="warn">${withdrawn}</small>`}</span>${timeOf(date)}<span class="size">${sizeWords(sizeBytes)}</span>${this.options.explain ? reasonList(reasons) : html``}</td></tr>
`;
  }

  private company(company: Company): Html {
    return html`<span class="company">${this.logo(company)}<span>${company.name}<small>${company.domain}</small></span></span>`;
  }

  /** From the list alone; the name stands beside it, so the picture says nothing more. */
  private logo(company: Company): Html {
    const key = companyKey(company);
    const letters = this.options.logos.has(key) ? '' : badgeOf(company.name);
    return html`<span class="logo ${this.classes.get(key) ?? ''}" aria-hidden="true">${letters}</span>`;
  }

  /** What the sender is called, beside the logo that a certificate proves; on plain ground. */
  private sender({ sender, mark }: ViewedMessage): Html {
    if (mark === null) return nameOf(sender);
    return html`<span class="marked" title="${markWords(mark)}">${this.proved(mark)}<span>${nameOf(sender)}</span></span>`;
  }

  private proved(mark: ViewedMark): Html {
    return html`<span class="logo ${this.classes.get(markKey(mark)) ?? ''}" aria-hidden="true"></span>`;
  }

  message(message: ViewedMessage, shown: MessagePageView, index: number | null): Html {
    const { subject, reasons } = message;
    const back = index === null ? html`` : html`<a class="back" href="#">← All messages</a>`;
    const id = index === null ? html`` : html` id="m${index}" tabindex="-1"`;
    const quiet = message.company !== null;
    return html`<article class="message"${id}>
${back}
<h1><bdi>${plainText(subject ?? '(no subject)') || '(no subject)'}</bdi></h1>
${this.box(message)}
<dl>${headerRows(message, shown)}</dl>
<details${quiet ? html`` : html` open`}><summary>Why</summary>${reasonList(reasons)}${
      shown.wouldTrust === null ? html`` : html`<p><strong>To be trusted:</strong> ${shown.wouldTrust}</p>`
    }</details>
${letter(shown)}
</article>
`;
  }

  /** The box under the subject: green only for what a list vouches for, and nothing of the message in it. */
  private box(message: ViewedMessage): Html {
    const { company, summary } = message;
    const kind = kindOf(message);
    const [sign, word, style] = SIGNS[kind];
    if (company === null) {
      const { mark } = message;
      const proof = mark === null ? html`` : html`<br><span class="dim">${markWords(mark)}</span>`;
      return html`<div class="box ${kind}">${mark === null ? html`` : this.proved(mark)}<p><strong class="${style}">${sign} ${word}</strong><br>${summary}${proof}</p></div>`;
    }
    const { name, legalName, country, mediator, domain } = company;
    const legal = [legalName, country].filter((each) => each !== null && each !== name).join(', ');
    return html`<div class="box trusted">${this.logo(company)}<div><p class="name">${name}</p><p>${legal === '' ? '' : `${legal} · `}${mediator} vouches for ${domain}</p></div><p class="tick">✔ trusted</p></div>`;
  }
}

function groups(rows: readonly Html[]): readonly Html[] {
  const count = Math.ceil(rows.length / ROWS_TOGETHER);
  return Array.from({ length: count }, (_, index) => {
    const together = rows.slice(index * ROWS_TOGETHER, (index + 1) * ROWS_TOGETHER);
    return html`<tbody role="rowgroup">${together}</tbody>
`;
  });
}

function hover(reasons: readonly Reason[], target: string): string {
  const told = reasons.filter(({ severity }, index) => index === 0 || severity !== 'info').slice(0, HOVERED);
  return `${told.map(({ text }) => text).join(' ')} (${target})`.slice(0, 600);
}

function timeOf(date: string | null): Html {
  if (date === null) return html`<span class="dim">no date</span>`;
  return html`<time datetime="${date}">${date.slice(0, 16).replace('T', ' ')}</time>`;
}

function nameOf(sender: ViewedMailbox | null): Html {
  if (sender === null) return html`<span class="dim">nobody</span>`;
  const name = plainName(sender.name);
  if (name === '') return html`<bdi>${sender.address}</bdi>`;
  return html`<bdi>${name}</bdi><small class="dim"><bdi>${sender.address}</bdi></small>`;
}

function inlineName(sender: ViewedMailbox | null): Html {
  if (sender === null) return html``;
  const name = plainName(sender.name);
  return name === ''
    ? html`<bdi>${sender.address}</bdi>`
    : html`<bdi>${name}</bdi> &lt;<bdi>${sender.address}</bdi>&gt;`;
}

function headerRows({ date, dateFrom, sizeBytes }: ViewedMessage, shown: MessagePageView): readonly Html[] {
  const lists = [
    ['From', shown.from],
    ['Reply-To', shown.replyTo],
    ['To', shown.to],
    ['Cc', shown.cc],
  ] as const;
  const told = lists.filter(([, list]) => list.length > 0);
  return [
    ...told.map(
      ([name, list]) =>
        html`<dt>${name}</dt><dd>${list.map((each, at) => html`${at > 0 ? ', ' : ''}${inlineName(each)}`)}</dd>`,
    ),
    html`<dt>Date</dt><dd>${timeOf(date)}${dateFrom === 'sender' ? ' as the sender says' : ''}</dd>`,
    html`<dt>Size</dt><dd>${sizeWords(sizeBytes)}</dd>`,
  ];
}

function reasonList(reasons: readonly Reason[]): Html {
  const signs = { info: '·', warn: '!', crit: '✖' } as const;
  return html`<ul class="reasons">${reasons
    .slice(0, MAX_REASONS)
    .map(
      ({ code, severity, text }) =>
        html`<li class="${severity === 'info' ? '' : severity}"><span class="mark">${signs[severity]}</span>${text} <code>${code}</code></li>`,
    )}</ul>`;
}

function letter({ body }: MessagePageView): Html {
  if (body === null) return html`<div class="letter dim">There is no body to show.</div>`;
  const { text, html: source, leftOut, attachments, truncated } = body;
  const { remote, active } = leftOut;
  const plain = text === null ? html`` : html`<div class="text" dir="auto">${lines(text)}</div>`;
  return html`<section class="letter" aria-label="What the sender wrote">
${
  source === null
    ? plain
    : html`${frame(source)}
<details><summary>As plain text</summary>${plain}</details>`
}
${remote + active > 0 ? html`<p class="dim">${leftOutWords(remote, active)}</p>` : html``}
${truncated ? html`<p class="dim">The message is longer than what is shown.</p>` : html``}
${
  attachments.length === 0
    ? html``
    : html`<h2>Attached</h2><ul>${attachments.map(
        ({ name, mediaType, sizeBytes }) =>
          html`<li><bdi>${plainText(name ?? 'without a name')}</bdi> <span class="dim">${mediaType}, ${sizeWords(sizeBytes)}</span></li>`,
      )}</ul>`
}
</section>`;
}

function lines(text: string): readonly Html[] {
  return text
    .trim()
    .split(/\r\n|\r|\n/)
    .map((each) => html`${each.replaceAll('\t', '    ')}\n`);
}

const FRAME_STYLE =
  'body{margin:1rem;font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;overflow-wrap:anywhere}img{max-width:100%}';

/**
 * The sender's HTML in a frame of its own: nothing is granted to it (no scripts, forms, pop-ups, no navigation of
 * the page), and its policy lets it load nothing. It inherits the policy of the page as well.
 */
function frame(source: string): Html {
  const document =
    `<!doctype html><html lang="und"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY_WITH_IMAGES}">` +
    `<meta name="referrer" content="no-referrer"><title>Message</title><style>${FRAME_STYLE}</style></head><body>${source}</body></html>`;
  const quoted = document.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return {
    html: `<iframe sandbox="" loading="lazy" title="What the sender wrote" srcdoc="${quoted}"></iframe>`,
  };
}
