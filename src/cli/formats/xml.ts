import { escapeMarkup } from '../../markup.ts';
import { clean } from '../clean.ts';

/** Text for XML 1.0 content and attributes. Control characters are shown; what XML cannot hold is left out. */
function escapeXml(text: string): string {
  return escapeMarkup(clean(text).replace(/[\ufffe\uffff]/g, '\ufffd'));
}

/** Text that is XML already. */
export type Xml = { readonly xml: string };

type Value = string | number | Xml | readonly Xml[];

function textOf(value: Value): string {
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value === 'number') return String(value);
  return 'xml' in value ? value.xml : value.map(({ xml: text }) => text).join('');
}

/** XML from a template: whatever is interpolated is escaped, unless it is XML made here. */
export function xml(literals: TemplateStringsArray, ...values: readonly Value[]): Xml {
  const text = literals.map((literal, index) => {
    const value = values[index];
    return value === undefined ? literal : literal + textOf(value);
  });
  return { xml: text.join('') };
}
