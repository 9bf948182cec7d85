import { expect, test } from 'vitest';
import { dateAt, isoDate } from '../../../src/received/date.ts';

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
