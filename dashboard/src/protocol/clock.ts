/**
 * A clock that only goes forward and does not stand still while the machine sleeps: the browser's own
 * monotonic one may, and then an hour-old price would look a second old. Where the wall clock went on
 * for longer, that counts; where it was set back, nothing happens. (A wall clock that is set forward
 * makes everything look old until it comes again, which is the safe side.)
 */
const SLEEP_MS = 1_500;

export class Clock {
  private slept = 0;
  private mono: number;
  private wall: number;

  constructor(private readonly readMono: () => number, private readonly readWall: () => number = Date.now) {
    this.mono = readMono();
    this.wall = readWall();
  }

  now = (): number => {
    const mono = this.readMono();
    const wall = this.readWall();
    const missed = wall - this.wall - (mono - this.mono);
    if (missed > SLEEP_MS) this.slept += missed;
    this.mono = mono;
    this.wall = wall;
    return mono + this.slept;
  };
}

/** What time it is by the server's clock, where that and this machine's differ by more than a network explains. */
const TRUSTED_MS = 2_000;

export class WallClock {
  /** this machine's clock is so much ahead of the server's; 0 = they agree, or nothing is known */
  offMs = 0;

  constructor(private readonly read: () => number = Date.now) {}

  /** `date` is an HTTP answer's Date (whole seconds), asked for at `sentAt` by this machine's clock. */
  learn(date: string | null, sentAt: number): void {
    const server = Date.parse(date ?? '');
    if (Number.isNaN(server)) return;
    const here = (sentAt + this.read()) / 2;
    const off = here - (server + 500);
    this.offMs = Math.abs(off) > TRUSTED_MS ? Math.round(off / 1000) * 1000 : 0;
  }

  now = (): number => this.read() - this.offMs;
}
