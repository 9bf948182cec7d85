import { type Status, worst } from '../../report.ts';
import { clean } from '../clean.ts';
import { type About, type Figure, problems, type Row, type Writer } from './types.ts';

type Labels = Readonly<Record<string, string>>;

/** A metric with its samples by their labels: the same labels twice would make the whole file invalid. */
type Family = { readonly help: string; readonly samples: Map<string, number> };

const VALUES: Readonly<Record<Status, number>> = { ok: 0, warn: 1, crit: 2, unknown: 3 };
const BY_VALUE: readonly Status[] = ['ok', 'warn', 'crit', 'unknown'];

const DAY_SECONDS = 86_400;

function escapeLabel(text: string): string {
  return clean(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}

/** Labels without the empty ones: to Prometheus an empty label is none. */
function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

function worse(a: number, b: number): number {
  return VALUES[worst([BY_VALUE[a] ?? 'unknown', BY_VALUE[b] ?? 'unknown'])];
}

/** Base units only, as the exposition format asks for: days become seconds. */
function inBaseUnit({ name, unit, value }: Figure): { name: string; value: number } {
  if (unit === 'count') return { name, value };
  return { name: `${name}_seconds`, value: unit === 'days' ? value * DAY_SECONDS : value };
}

/**
 * A file for the textfile collector. Samples of one metric must stand together, so everything is written at the
 * end; of two samples with the same labels the worse status or the later value is kept.
 */
export function prometheusWriter({ command, tool }: About): Writer {
  const prefix = `postern_${command.replace(/[^a-z0-9]+/g, '_')}`;
  const families = new Map<string, Family>();
  const add = (
    name: string,
    help: string,
    labels: Labels,
    value: number,
    join = (_: number, later: number) => later,
  ) => {
    const family = families.get(name) ?? { help, samples: new Map<string, number>() };
    families.set(name, family);
    const key = labelsText(labels);
    const earlier = family.samples.get(key);
    family.samples.set(key, earlier === undefined ? value : join(earlier, value));
  };
  const status = (name: string, help: string, labels: Labels, state: Status) =>
    add(`${prefix}_${name}`, `${help} 0 ok, 1 warning, 2 critical, 3 unknown.`, labels, VALUES[state], worse);

  const row = (each: Row): string => {
    const { target } = each;
    add(
      `${prefix}_info`,
      'What was asked about, and by which version.',
      { target, version: tool.version },
      1,
    );
    add(`${prefix}_timestamp_seconds`, 'When it was asked.', { target }, Math.floor(each.timeMs / 1000));
    status('status', 'The verdict:', { target }, each.status);
    for (const { where, check } of each.findings) {
      if (!check.info)
        status('check_status', 'Each thing looked at:', { target, where, check: check.id }, check.status);
    }
    for (const figure of each.figures) {
      const { name, value } = inBaseUnit(figure);
      add(`${prefix}_${name}`, figure.help, { target, where: figure.where }, value);
    }
    add(`${prefix}_problems`, 'Findings that are not ok.', { target }, problems(each).length);
    return '';
  };

  const end = () =>
    [...families]
      .map(([name, { help, samples }]) => {
        const lines = [...samples].map(
          ([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`,
        );
        return `# HELP ${name} ${clean(help).replaceAll('\\', '\\\\')}\n# TYPE ${name} gauge\n${lines.join('')}`;
      })
      .join('');
  return { row, end };
}
