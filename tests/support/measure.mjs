// What a page costs: CPU time, frames, heap. CPU time hardly depends on what else the machine does; frames do.

import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_S = 100; // of /proc, on every Linux of today

/** CPU time of a process and all that it started, s. */
export function cpuOfTree(root) {
  const parents = new Map();
  const spent = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const [ppid, , , , , , , , , , utime, stime] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ').slice(1).map(Number);
      parents.set(Number(name), ppid);
      spent.set(Number(name), (utime + stime) / TICKS_PER_S);
    } catch {
      // it has just ended
    }
  }
  const isOurs = (pid) => pid === root || (parents.has(pid) && isOurs(parents.get(pid)));
  return [...spent].reduce((sum, [pid, s]) => sum + (isOurs(pid) ? s : 0), 0);
}

/** A session that reads a page's own clocks. */
export class Meter {
  static async on(page) {
    const meter = new Meter();
    meter.page = page;
    meter.cdp = page.context ? await page.context().newCDPSession(page) : page; // a bare page answers commands itself
    await meter.cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    return meter;
  }

  async #metrics() {
    const { metrics } = await this.cdp.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  }

  /** CPU time that the main thread has spent on tasks, s. */
  async mainThread() {
    return (await this.#metrics()).TaskDuration;
  }

  /** What is alive on the heap after a collection, MB; twice, since the first one frees what the second finds. */
  async heap() {
    await this.cdp.send('HeapProfiler.collectGarbage');
    await this.cdp.send('HeapProfiler.collectGarbage');
    return (await this.#metrics()).JSHeapUsedSize / 1e6;
  }

  /** Times between frames while `what` goes on (or for `ms`), in ms, sorted. */
  async frames(what) {
    await this.page.evaluate(() => {
      const frames = (globalThis.frameTimes = []);
      let last = performance.now();
      const next = (now) => {
        frames.push(now - last);
        last = now;
        if (globalThis.frameTimes === frames) requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    });
    await what();
    const frames = await this.page.evaluate(() => {
      const all = globalThis.frameTimes;
      globalThis.frameTimes = undefined;
      return all;
    });
    return frames.slice(1).sort((a, b) => a - b);
  }
}

export function percentile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

export const sum = (list) => list.reduce((a, b) => a + b, 0);
