// Waiting for a condition, never for a time.

const POLL_MS = 10;

/** How long a condition may take: for the slowest machine, under sanitizers; nothing that works waits so long. */
export const PATIENCE_MS = 20_000;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Ask `condition` (may be async) again and again until it answers something truthy, and return that.
 * Every `every` ms: more than the default where asking is work. What it throws counts as "not yet"; the last error is told when time is up.
 * `what` completes the sentence "waited 20000 ms for …"; `detail()` adds what is known by then.
 */
export async function until(condition, { timeout = PATIENCE_MS, every = POLL_MS, what = condition.toString(), detail } = {}) {
  const deadline = performance.now() + timeout;
  let lastError;
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) break;
    await pause(every);
  }
  const more = detail ? `\n${await detail()}` : '';
  throw new Error(`waited ${timeout} ms for ${what}${more}`, { cause: lastError });
}

/** `promise`, or an error that names `what` when it takes longer than `ms`. */
export async function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
