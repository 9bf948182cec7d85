import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { txtLine, txtStrings } from '../../../src/dns/zone-text.ts';
import { needs, output } from '../../helpers/debian.ts';

test.for([
  ['v=spf1 -all', 'a.test. IN TXT "v=spf1 -all"'],
  ['', 'a.test. IN TXT ""'],
  ['say "\\"', 'a.test. IN TXT "say \\"\\\\\\""'],
  ['x'.repeat(256), `a.test. IN TXT ( "${'x'.repeat(255)}" "x" )`],
] as const)('%j is written as a zone file has it', ([text, line]) => {
  expect(txtLine('a.test', text)).toBe(line);
});

test('the pieces of a text are the text, and none is too long', () => {
  const text = Array.from({ length: 1000 }, (_, index) => String.fromCharCode(33 + (index % 94))).join('');
  expect(txtStrings(text).join('')).toBe(text);
  expect(txtStrings(text).map(({ length }) => length)).toEqual([255, 255, 255, 235]);
});

test('Knot takes the lines for a zone', (context) => {
  needs(context, 'kzonecheck', 'knot-dnssecutils');
  const file = join(mkdtempSync(join(tmpdir(), 'postern-zone-')), 'example.org.zone');
  const lines = [
    'example.org. 3600 IN SOA ns.example.org. h.example.org. 1 2 3 4 5',
    'example.org. 3600 IN NS ns.example.org.',
    'ns.example.org. 3600 IN A 192.0.2.53',
    txtLine('_dmarc.example.org', 'v=DMARC1; p=reject; rua=mailto:d@example.org'),
    txtLine('mail._domainkey.example.org', `v=DKIM1; k=rsa; p=${'A'.repeat(392)}`),
    txtLine('odd.example.org', 'a "quoted" \\ word'),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  expect(output('kzonecheck', ['--origin', 'example.org', file])).toBe('');
});
