// How many changes there were in each of the last seconds. Pure. Seconds in which no stream was
// open are unknown, not quiet.

export const SECONDS = 60;

/** The fewest presses that lead from one value to the other: a reset is one. */
export function changesBetween(before: bigint, after: bigint): number {
  const difference = Number(after > before ? after - before : before - after);
  return after === 0n ? Math.min(difference, 1) : difference;
}

export class Rates {
  private value: bigint | null = null; // null: no stream is open
  private readonly counts = new Map<number, number>(); // known seconds only
  private knownUntil = 0;

  /** The stream tells the value; the first one after begin() is only where counting starts. */
  tell(value: bigint, nowMs: number): void {
    const second = this.advance(nowMs);
    const changes = this.value === null ? 0 : changesBetween(this.value, value);
    this.counts.set(second, (this.counts.get(second) ?? 0) + changes);
    this.value = value;
  }

  /** The stream is lost. */
  lose(nowMs: number): void {
    this.advance(nowMs);
    this.value = null;
  }

  /** Of the last minute, oldest first, this second included; null: not known. */
  last(nowMs: number): (number | null)[] {
    const second = this.advance(nowMs);
    return Array.from({ length: SECONDS }, (_, index) => {
      return this.counts.get(second - SECONDS + 1 + index) ?? null;
    });
  }

  /** Up to this second nothing more has happened, if a stream is open. */
  private advance(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    if (this.value !== null) {
      for (let at = Math.max(this.knownUntil, second - SECONDS) + 1; at <= second; at += 1) {
        if (!this.counts.has(at)) this.counts.set(at, 0);
      }
    }
    this.knownUntil = second;
    for (const at of this.counts.keys()) {
      if (at <= second - SECONDS) this.counts.delete(at);
    }
    return second;
  }
}
