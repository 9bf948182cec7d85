import { escapeMarkup } from '../markup.ts';
import { clean } from './clean.ts';

/** Text that is HTML already; everything else is escaped. */
export type Html = { readonly html: string };

/** Text for HTML: neutralised like for a terminal, then escaped, in text and attributes alike. */
function escapeHtml(text: string): string {
  return escapeMarkup(clean(text));
}

type Value = string | number | Html | readonly Html[];

function textOf(value: Value): string {
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map(({ html: text }) => text).join('');
}

/** HTML from a template: whatever is interpolated is escaped, unless it is HTML made here. */
export function html(literals: TemplateStringsArray, ...values: readonly Value[]): Html {
  const text = literals.map((literal, index) => {
    const value = values[index];
    return value === undefined ? literal : literal + textOf(value);
  });
  return { html: text.join('') };
}

const STYLE = `
:root { color-scheme: light dark; --ok: #1a7f37; --warn: #9a6700; --crit: #cf222e; --dim: #57606a; --line: #d0d7de; --bg: #fff; --fg: #1f2328; }
@media (prefers-color-scheme: dark) { :root { --ok: #3fb950; --warn: #d29922; --crit: #f85149; --dim: #9198a1; --line: #3d444d; --bg: #0d1117; --fg: #f0f6fc; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; font: 16px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
h1 { font-size: 1.25rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.verdict { border-left: .3rem solid var(--line); padding: .5rem 1rem; font-size: 1.1rem; }
.ok { color: var(--ok); } .warn { color: var(--warn); } .crit { color: var(--crit); } .unknown, .dim { color: var(--dim); }
.verdict.ok { border-color: var(--ok); } .verdict.warn { border-color: var(--warn); } .verdict.crit { border-color: var(--crit); }
.verdict { color: inherit; }
ol { list-style: none; padding: 0; margin: 0; }
li.hop { border-top: 1px solid var(--line); padding: .75rem 0; }
li.hop.claimed { opacity: .85; }
code, pre { font: .85rem/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: .5rem 0 0; color: var(--dim); }
summary { cursor: pointer; color: var(--dim); font-size: .9rem; }
.bar { display: inline-block; height: .55rem; background: var(--dim); vertical-align: baseline; border-radius: .2rem; }
@media print { body { max-width: none; } details { display: none; } }
`;

/** What nothing on a page may do: run, be sent, be loaded from elsewhere. */
export const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The same for a page whose images lie in it. */
export const POLICY_WITH_IMAGES = `${POLICY}; img-src data:`;

/** How a page differs from a plain report. */
export type PageOptions = { readonly style?: string; readonly policy?: string };

/** One self-contained page: no scripts, nothing loaded, whatever stands in it. */
export function page(
  title: string,
  body: Html,
  { style = STYLE, policy = POLICY }: PageOptions = {},
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${{ html: policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${{ html: style }}</style>
</head>
<body>
${body}
</body>
</html>
`.html;
}
