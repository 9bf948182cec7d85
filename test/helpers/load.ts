import { expect } from 'vitest';
import { ask, type LabClient, type LabServer, type SoftKey } from './validation-lab.ts';

/** Each OTP goes to two nodes at once, and is told to have been accepted by how many. */
export class Load {
  readonly accepted: { readonly otp: string; readonly times: number }[] = [];
  private running = true;
  private readonly status: (node: LabServer, otp: string) => Promise<string>;
  private readonly loops: Promise<void>[];

  constructor(nodes: readonly LabServer[], keys: readonly SoftKey[], client: LabClient) {
    const status = async ({ url }: LabServer, otp: string) => (await ask(url, { client, otp })).status;
    this.status = status;
    this.loops = keys.map((key, index) => this.loop(nodes, key, index));
  }

  private async loop(nodes: readonly LabServer[], key: SoftKey, index: number): Promise<void> {
    for (let touch = 1; this.running; touch += 1) {
      const otp = key.otp(touch);
      const two = [nodes[(index + touch) % 3], nodes[(index + touch + 1) % 3]];
      const said = await Promise.all(
        two.map((node) => (node ? this.status(node, otp).catch(() => 'lost') : 'lost')),
      );
      const times = said.filter((each) => each === 'OK').length;
      if (times > 0) this.accepted.push({ otp, times });
    }
  }

  /** Wait for so many that are accepted from now on. */
  async more(count: number): Promise<void> {
    const goal = this.accepted.length + count;
    await expect.poll(() => this.accepted.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(goal);
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.loops);
  }
}
