import { createSocket } from 'node:dgram';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import type { Machine } from '../doctor/examine.ts';
import type { Services } from '../doctor/services.ts';

/** A root server's address: connecting a UDP socket sends nothing, it only asks for the route. */
const IPV6_PROBE = '2001:7fd::1';

function hasIpv6Route(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp6');
    const settle = (found: boolean) => {
      socket.close();
      resolve(found);
    };
    socket.once('error', () => settle(false));
    socket.connect(53, IPV6_PROBE, () => settle(true));
  });
}

/** systemd-timesyncd and chrony leave a sign; without one nothing is known. */
function clockSynchronized(): boolean | null {
  const signs = [
    '/run/systemd/timesync/synchronized',
    '/run/chrony/chronyd.pid',
    '/run/chronyd.pid',
    '/run/ntpd.pid',
  ];
  return signs.some((sign) => existsSync(sign)) ? true : null;
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hidDevices(): { path: string; usable: boolean }[] {
  if (!existsSync('/dev')) return [];
  const names = readdirSync('/dev').filter((name) => /^hidraw\d+$/.test(name));
  return names.map((name) => ({ path: `/dev/${name}`, usable: mayOpen(`/dev/${name}`) }));
}

/**
 * Look at this machine.
 *
 * @param builtFile  a file of this installation, for its age
 * @param services   our own services, as {@link lookAtServices} saw them
 */
export async function lookAtMachine(builtFile: string, services: Services): Promise<Machine> {
  return {
    nodeVersion: process.version,
    platform: process.platform,
    hasIpv6Route: await hasIpv6Route(),
    clockSynchronized: clockSynchronized(),
    nowMs: Date.now(),
    builtMs: statSync(builtFile, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    hidDevices: hidDevices(),
    services,
  };
}
