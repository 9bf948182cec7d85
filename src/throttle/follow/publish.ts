import { Publisher, type Writer } from '../publisher.ts';
import type { Warden } from '../warden.ts';

/** How often it is looked whether a site has spent its budget, in milliseconds. */
const BUDGET_MS = 500;

/** The part of the service that tells a web server by files whom to refuse. */
export type Published = {
  /** The warden told something: blocks or policies may be others now. */
  changed(): void;
  stop(): Promise<void>;
};

/** Write what a web server is told, and write it again when it changes. */
export async function publish(
  warden: Warden,
  writer: Writer,
  onError: (error: unknown) => void,
): Promise<Published> {
  const publisher = new Publisher(warden, writer, onError);
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
