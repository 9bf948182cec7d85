type Labels = Readonly<Record<string, string>>;

/** Values by their labels, as they are written. */
type Family = {
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly collect: () => Iterable<readonly [labels: string, value: number]>;
};

/** Most combinations of labels of one name; what comes beyond is not counted by itself. */
const MOST_SERIES = 20_000;

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Figures in the text format of Prometheus (version 0.0.4). */
export class Metrics {
  private readonly families = new Map<string, Family>();

  /** A number that only grows. @returns what adds to it */
  counter(name: string, help: string): (labels: Labels, amount?: number) => void {
    const values = new Map<string, number>();
    this.families.set(name, { help, type: 'counter', collect: () => values });
    return (labels, amount = 1) => {
      const key = labelText(labels);
      if (!values.has(key) && values.size >= MOST_SERIES) return;
      values.set(key, (values.get(key) ?? 0) + amount);
    };
  }

  /** A number that is looked up when it is asked for. */
  gauge(
    name: string,
    help: string,
    read: () => Iterable<readonly [Labels, number]>,
    type: Family['type'] = 'gauge',
  ): void {
    const collect = () => [...read()].map(([labels, value]) => [labelText(labels), value] as const);
    this.families.set(name, { help, type, collect });
  }

  render(): string {
    const parts = [...this.families].map(([name, { help, type, collect }]) => {
      const samples = [...collect()].map(([labels, value]) => `${name}${labels} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
    });
    return parts.join('');
  }
}
