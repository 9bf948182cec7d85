// Figures and times as people read them.

const NUMBER = new Intl.NumberFormat('en');

export const number = (value) => NUMBER.format(value);

/** Bytes with three digits: 1.24 MB. */
export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** step).toPrecision(3))} ${units[step]}`;
}

export const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Seconds as minutes and seconds, hours and minutes, or days and hours. */
export function span(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** A time of day in UTC, as the commands print it. */
export const clock = (iso) => `${iso.slice(11, 19)} UTC`;

export const moment = (iso) => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
