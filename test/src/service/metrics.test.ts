import { expect, test } from 'vitest';
import { Histogram, Metrics } from '../../../src/service/metrics.ts';

test('a histogram has what took as long or less in each bucket, in the text format of Prometheus', () => {
  const histogram = new Histogram([0.001, 0.01, 0.1]);
  for (const seconds of [0, 0.001, 0.0011, 0.1, 7]) histogram.note(seconds);
  const metrics = new Metrics();
  metrics.histogram('waited_seconds', 'How long.', histogram);
  expect(metrics.render().replace(/_sum .*/, '_sum')).toBe(`# HELP waited_seconds How long.
# TYPE waited_seconds histogram
waited_seconds_bucket{le="0.001"} 2
waited_seconds_bucket{le="0.01"} 3
waited_seconds_bucket{le="0.1"} 4
waited_seconds_bucket{le="+Inf"} 5
waited_seconds_sum
waited_seconds_count 5
`);
});
