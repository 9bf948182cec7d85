type Labels = Readonly<Record<string, string>>;

/** Values by their labels, as they are written; in a histogram the labels begin with the end of the name. */
type Family = {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly collect: () => Iterable<readonly [labels: string, value: number]>;
};

/** How often something took how long. To note one more allocates nothing. */
export class Histogram {
  private readonly bounds: Float64Array;
  private readonly counts: Float64Array;
  private sum = 0;

  /** @param bounds  upper ends of the buckets, in seconds, the least first */
  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  note(seconds: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && seconds > (this.bounds[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += seconds;
  }

  /** Each bucket with those below it, then sum and count. */
  *samples(): Generator<readonly [string, number]> {
    let count = 0;
    for (const [bucket, each] of this.counts.entries()) {
      count += each;
      yield [`_bucket{le="${this.bounds[bucket] ?? '+Inf'}"}`, count];
    }
    yield ['_sum', this.sum];
    yield ['_count', count];
  }
}

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
    type: 'counter' | 'gauge' = 'gauge',
  ): void {
    const collect = () => [...read()].map(([labels, value]) => [labelText(labels), value] as const);
    this.families.set(name, { help, type, collect });
  }

  histogram(name: string, help: string, histogram: Histogram): void {
    this.families.set(name, { help, type: 'histogram', collect: () => histogram.samples() });
  }

  render(): string {
    const parts = [...this.families].map(([name, { help, type, collect }]) => {
      const samples = [...collect()].map(([labels, value]) => `${name}${labels} ${value}\n`);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
    });
    return parts.join('');
  }
}
