/** A wait that can be cut short. */
export class Pulse {
  private timer: NodeJS.Timeout | undefined;
  private wake: (() => void) | undefined;
  private kicked = false;

  /** Wait so long, or until {@link kick}; one that came before counts as well. */
  wait(ms: number): Promise<void> {
    if (this.kicked) {
      this.kicked = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.wake = () => {
        clearTimeout(this.timer);
        this.wake = undefined;
        resolve();
      };
      this.timer = setTimeout(this.wake, ms);
      this.timer.unref();
    });
  }

  kick(): void {
    if (this.wake) this.wake();
    else this.kicked = true;
  }
}
