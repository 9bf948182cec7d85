import type { Warden } from '../warden.ts';
import { NginxPublisher } from './publisher.ts';

/** How often it is looked whether a site has spent its budget, in milliseconds. */
const BUDGET_MS = 500;

/** The part of the service that tells an nginx whom to refuse. */
export type NginxFollower = {
  /** The warden told something: blocks or policies may be others now. */
  changed(): void;
  stop(): Promise<void>;
};

/**
 * Write the blocks for nginx, and write them again when they change.
 *
 * @param folder  where the files are that nginx includes
 */
export async function publishNginx(
  warden: Warden,
  folder: string,
  onError: (error: unknown) => void,
): Promise<NginxFollower> {
  const publisher = new NginxPublisher(warden, folder, onError);
  await publisher.start();
  let shed = '';
  const watch = setInterval(() => {
    const now = warden.sites
      .all()
      .map((site) => warden.shedUntilMs(site) ?? '')
      .join();
    if (now !== shed) publisher.changed();
    shed = now;
  }, BUDGET_MS);
  watch.unref();
  return {
    changed: () => publisher.changed(),
    stop: async () => {
      clearInterval(watch);
      await publisher.stop();
    },
  };
}
