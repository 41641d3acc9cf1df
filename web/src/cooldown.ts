// Charges and their countdown, told by the server and carried on by a monotonic clock: the caller
// passes `now` (performance.now), so a wrong wall clock on the phone changes nothing.

const TIMER_MS_MAX = 60_000; // and look again: the countdown may have been corrected meanwhile

export interface Charges {
  charges: number;
  chargesMax: number;
  nextMs: number; // until the next charge; 0: all are there
  progress: number; // 0 to 1 towards the next charge; 1: all are there
}

/** What of a wait is too short to count: sums of the clock's fractions are not exact. */
const NOTHING_MS = 0.01;

/**
 * Reckons as the server does (src/canvas/cooldown.hpp): all that is kept of a person is when every
 * charge will be back, so changed rules hold at once.
 */
export class Cooldown {
  private chargesMax = 1;
  private cooldownMs = 0;
  private fullAt: number | null = null; // null: all charges are there, as far as is known
  private serverMinusNow: number | null = null;

  /** The canvas's rules. Somebody the server has told us nothing about yet has every charge. */
  configure(cooldownMs: number, chargesMax: number): void {
    this.cooldownMs = cooldownMs;
    this.chargesMax = chargesMax;
  }

  /** An answer of the server: what is left, and when the next one comes (0: all are there). */
  update(charges: number, nextMs: number, now: number): void {
    const laterMs = (this.chargesMax - charges - 1) * this.cooldownMs;
    this.fullAt = nextMs > 0 ? now + nextMs + laterMs : null;
  }

  /** A refusal for want of charges: it says how long to wait. */
  refuse(charges: number, waitMs: number, now: number): void {
    this.update(charges, waitMs, now);
  }

  /** Another person, or nobody: nothing is known any more. */
  forget(): void {
    this.fullAt = null;
  }

  /** The server's clock at the start of a connection, to notice later that ours stood still. */
  anchor(serverMs: number, now: number): void {
    this.serverMinusNow = serverMs - now;
  }

  /**
   * The server's clock again, on the same connection. Some browsers stop performance.now while the
   * device sleeps; what it missed is taken off the countdown.
   */
  correct(serverMs: number, now: number): void {
    const missed = serverMs - now - (this.serverMinusNow ?? serverMs - now);
    this.serverMinusNow = serverMs - now;
    if (missed > 500 && this.fullAt !== null) this.fullAt -= missed;
  }

  at(now: number): Charges {
    const { chargesMax, cooldownMs } = this;
    const missingMs = (this.fullAt ?? now) - now;
    if (missingMs <= NOTHING_MS || cooldownMs === 0) {
      return { charges: chargesMax, chargesMax, nextMs: 0, progress: 1 };
    }
    const missing = Math.ceil((missingMs - NOTHING_MS) / cooldownMs);
    // More may be missing than can be held, after the rules have changed.
    const charges = Math.max(0, chargesMax - missing);
    const nextMs = missingMs - cooldownMs * (chargesMax - charges - 1);
    const progress = Math.min(1, Math.max(0, 1 - nextMs / cooldownMs));
    return { charges, chargesMax, nextMs, progress };
  }
}

/** Tells when a charge has come back. Uses timers; everything above is pure. */
export class ChargeWatch {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly charges: () => Charges,
    private readonly onBack: (charges: Charges) => void,
  ) {}

  /** Charges or their countdown have changed: waits for the next one from now on. */
  watch(): void {
    clearTimeout(this.timer);
    const before = this.charges();
    if (before.nextMs <= 0) return;
    this.timer = setTimeout(
      () => {
        const now = this.charges();
        if (now.charges > before.charges) this.onBack(now);
        this.watch();
      },
      Math.min(before.nextMs + 20, TIMER_MS_MAX),
    );
  }
}
