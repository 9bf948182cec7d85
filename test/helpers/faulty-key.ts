import type { HidDevice } from '../../src/yubikey/device.ts';
import { Flag } from '../../src/yubikey/frame.ts';
import { StallError } from '../../src/yubikey/wire.ts';

/** What goes wrong on the way to a key, and how often. */
export type Faults = {
  /** Reports of frames that do not arrive. */
  readonly loseReports?: number;
  /** Answers whose first byte is changed. */
  readonly damageAnswers?: number;
  /** Looks that break off on the bus. */
  readonly stalls?: number;
  /** Looks at which the key is still busy. */
  readonly busyLooks?: number;
  /** Reports after which the key is pulled out. */
  readonly unplugAfterReports?: number;
};

/** A key behind a bad cable; `sent` holds what was sent to it. */
export function faulty(device: HidDevice, faults: Faults): { device: HidDevice; sent: Uint8Array[] } {
  const left = { loseReports: 0, damageAnswers: 0, stalls: 0, busyLooks: 0, ...faults };
  const sent: Uint8Array[] = [];
  const gone = () => faults.unplugAfterReports !== undefined && sent.length > faults.unplugAfterReports;
  const happens = (name: 'loseReports' | 'damageAnswers' | 'stalls' | 'busyLooks') => {
    if (left[name] === 0) return false;
    left[name] -= 1;
    return true;
  };
  return {
    sent,
    device: {
      close: device.close,
      receive: async () => {
        if (gone()) throw new Error('gone');
        if (happens('stalls')) throw new StallError('Broken pipe');
        if (happens('busyLooks')) return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, Flag.write | 9);
        const report = Buffer.from(await device.receive());
        const first = report[7] === Flag.response && report.some((byte, index) => index < 7 && byte !== 0);
        if (first && happens('damageAnswers')) report[0] = (report[0] ?? 0) ^ 1;
        return report;
      },
      send: async (report) => {
        sent.push(report);
        // A write that the key is pulled out of times out; only the next look tells that it is gone.
        if (gone()) throw new StallError('Connection timed out');
        const last = ((report[7] ?? 0) & 0x1f) === 9;
        if (last && happens('loseReports')) return;
        await device.send(report);
      },
    },
  };
}
