import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateAt, isoDate } from '../../../src/received/date.ts';
import { parseReceived } from '../../../src/received/parse.ts';

const DATES: readonly (readonly [text: string, iso: string, zoneKnown: boolean])[] = [
  ['Tue, 24 Nov 2026 10:00:00 +0100 (CET)', '2026-11-24T09:00:00Z', true],
  ['24 Nov 2026 10:00:00 -0000', '2026-11-24T10:00:00Z', true],
  ['Tue,  4 Nov 2026 10:00:00 GMT', '2026-11-04T10:00:00Z', true],
  ['Fri, 24 Nov 2026 10:00:00 UT', '2026-11-24T10:00:00Z', true], // the weekday is wrong
  ['Wed, 08 Jan 2007 14:39:55 PST', '2007-01-08T22:39:55Z', true],
  ['Mon, 28 Sep 2009 01:15:46 PDT', '2009-09-28T08:15:46Z', true],
  ['Tue, 24 Nov 2026 10:00:00 CEST', '2026-11-24T08:00:00Z', true],
  ['Tue, 24 Nov 26 10:00:00 +0000', '2026-11-24T10:00:00Z', true],
  ['Tue, 24 Nov 98 10:00:00 +0000', '1998-11-24T10:00:00Z', true],
  ['Tue, 24 Nov 104 10:00:00 +0000', '2004-11-24T10:00:00Z', true],
  ['24 Nov 2026 12:00 +0200', '2026-11-24T10:00:00Z', true],
  ['Thu, 6 May 2004 17:40:44-0500', '2004-05-06T22:40:44Z', true],
  ['Tue, 24 Nov 2026 10:00:60 +0000', '2026-11-24T10:01:00Z', true],
  ['Tue, 24 Nov 2026 10:00:00.987 +0000 (UTC)', '2026-11-24T10:00:00.987Z', true],
  ['Sun Nov 13 14:50:12 2005', '2005-11-13T14:50:12Z', false],
  ['Sun Nov 13 14:50:12 2005 +0100', '2005-11-13T13:50:12Z', true],
  ['Sun Nov 13 14:50:12 CET 2005', '2005-11-13T13:50:12Z', true],
  ['2021-07-06 13:03:17.46 +0000 UTC m=+490797.00', '2021-07-06T13:03:17.460Z', true],
  ['2021-07-06T13:03:17Z', '2021-07-06T13:03:17Z', true],
  ['2021-07-06T13:03:17+02:00', '2021-07-06T11:03:17Z', true],
  ['Tue, 24 Nov 2026 10:00:00 XYZ', '2026-11-24T10:00:00Z', false],
  ['Tue, 24 Nov 2026 10:00:00', '2026-11-24T10:00:00Z', false],
  ['Tue,\r\n 24\tNov 2026\r\n 10:00:00 +0000', '2026-11-24T10:00:00Z', true],
  ['Thu, 29 Feb 2024 10:00:00 +0000', '2024-02-29T10:00:00Z', true],
];

test.for(DATES)('%s', ([text, iso, zoneKnown]) => {
  const found = dateAt(text, 0);
  expect(found === null ? null : isoDate(found.ms)).toBe(iso);
  expect(found?.zoneKnown).toBe(zoneKnown);
});

test.for([
  'Tue, 24 Nov 2026',
  'Tue, 31 Nov 2026 10:00:00 +0000',
  'Thu, 29 Feb 2023 10:00:00 +0000',
  'Tue, 0 Nov 2026 10:00:00 +0000',
  'Tue, 24 Nov 2026 24:00:00 +0000',
  'Tue, 24 Nov 2026 10:61:00 +0000',
  'Tue, 24 Foo 2026 10:00:00 +0000',
  'Tue, 24 Nov 0099 10:00:00 +0000',
  'Mon, 13 Aug 1998 l8:14:23 +1000',
  'm=+555016.72',
  '10:00:00',
  '',
])('no date is made of "%s"', (text) => {
  expect(dateAt(text, 0)).toBeNull();
});

const INSTANTS = fc.date({
  min: new Date('1900-01-01T23:59:59Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
});

/** RFC 5322 as Date writes it, in a zone. */
function written(date: Date, zoneMinutes: number): string {
  const local = new Date(date.getTime() + zoneMinutes * 60_000).toUTCString();
  const zone = Math.abs(zoneMinutes);
  const digits = String(Math.trunc(zone / 60) * 100 + (zone % 60)).padStart(4, '0');
  return local.replace('GMT', `${zoneMinutes < 0 ? '-' : '+'}${digits}`);
}

test('every date in the common form is the instant that Date means by it', () => {
  void fc.assert(
    fc.property(INSTANTS, fc.integer({ min: -1439, max: 1439 }), fc.boolean(), (date, zone, short) => {
      const seconds = Math.floor(date.getTime() / 1000) * 1000;
      const text = short ? written(date, zone).slice(5) : written(date, zone);
      const found = dateAt(`${text})`, 0);
      expect(found).toEqual({ ms: seconds, end: text.length, weekday: !short, zoneKnown: true });
      expect(isoDate(seconds)).toBe(new Date(seconds).toISOString().replace('.000', ''));
    }),
  );
});

test.for([
  ['; Tue, 24 Nov 2026 10:00:00 +0000', 'the usual place'],
  [';Tue, 24 Nov 2026 10:00:00 +0000', 'no blank'],
  [';\r\n\tTue, 24 Nov 2026 10:00:00 +0000 (UTC)', 'a fold'],
  ['; Mon, 23 Nov 2026 10:00:00 +0000; Tue, 24 Nov 2026 10:00:00 +0000', 'the last of two'],
  ['; Tue, 24 Nov 2026 10:00:00 +0000; id x', 'something behind it'],
  ['; Tue, 24 Nov 2026 10:00:00 +0000;;;;;;', 'semicolons behind it'],
  ['; (envelope-from <a@b>) Tue, 24 Nov 2026 10:00:00 +0000', 'a comment before it'],
  ['; Tue, 24 Nov 2026 10:00:00 +0000from x', 'a word without a blank'],
  [' Tue, 24 Nov 2026 10:00:00 +0000', 'no semicolon'],
] as const)('the date of a line is found: %s (%s)', ([end]) => {
  const { date, by, from } = parseReceived(`from a.test (a.test [192.0.2.1]) by b.test with SMTP${end}`);
  expect({ date, by, helo: from.helo }).toEqual({
    date: '2026-11-24T10:00:00Z',
    by: 'b.test',
    helo: 'a.test',
  });
});
