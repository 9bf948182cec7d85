/**
 * Let so many in at a time; the others wait in order.
 *
 * @returns runs the work when there is room and gives what it gives
 */
export function createGate(places: number): <V>(work: () => Promise<V>) => Promise<V> {
  const queue: (() => void)[] = [];
  let free = places;

  async function enter(): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function leave(): void {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next(); // the place goes straight to who waits
  }

  return async (work) => {
    await enter();
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
