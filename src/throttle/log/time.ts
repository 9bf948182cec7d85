const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const DATE = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d)$/;
const ZONE = /^([+-])(\d\d)(\d\d)$/;

/** Days that exist: Date would turn the 31st of November into the 1st of December. */
function utc(year: number, month: number, day: number, hour: number, minute: number): number | null {
  if (month < 0 || hour > 23 || minute > 59) return null;
  const ms = Date.UTC(year, month, day, hour, minute);
  const date = new Date(ms);
  return date.getUTCDate() === day && date.getUTCMonth() === month ? ms : null;
}

function minuteMs(text: string, zone: string): number | null {
  const [, day, month = '', year, hour, minute] = DATE.exec(text) ?? [];
  const [, sign, hours, minutes] = ZONE.exec(zone) ?? [];
  if (day === undefined || sign === undefined) return null;
  const ms = utc(Number(year), MONTHS.indexOf(month), Number(day), Number(hour), Number(minute));
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  if (ms === null || Number(minutes) > 59 || offset > 86_400_000) return null;
  return sign === '-' ? ms + offset : ms - offset;
}

/** Reads times of access logs; it remembers the last minute, as most lines have that of the line before. */
export function createClfClock(): (text: string) => number | null {
  let known = '';
  let knownMs: number | null = null;
  /**
   * Milliseconds since the epoch of `17/May/2015:10:05:03 +0000`. The offset counts, never local time.
   *
   * @returns null when it is none
   */
  return (text) => {
    const minute = text.slice(0, 17) + text.slice(20);
    if (minute !== known) {
      known = minute;
      knownMs = text.length === 26 ? minuteMs(text.slice(0, 17), text.slice(21)) : null;
    }
    const seconds = (text.charCodeAt(18) - 48) * 10 + text.charCodeAt(19) - 48;
    if (knownMs === null || text[17] !== ':' || text[20] !== ' ' || !(seconds >= 0 && seconds <= 60))
      return null;
    return knownMs + seconds * 1000;
  };
}

const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/;

/** Milliseconds since the epoch of an ISO 8601 time with its offset. @returns null when it is none */
export function isoMs(text: string): number | null {
  if (!ISO.test(text)) return null;
  const ms = Date.parse(
    text
      .replace(' ', 'T')
      .replace(',', '.')
      .replace(/([+-]\d\d)(\d\d)$/, '$1:$2'),
  );
  return Number.isNaN(ms) ? null : ms;
}

/** Milliseconds from seconds since the epoch; null beyond what clocks show between 1970 and 2106. */
export function epochMs(seconds: number): number | null {
  return seconds >= 0 && seconds < 2 ** 32 ? Math.floor(seconds * 1000) : null;
}
