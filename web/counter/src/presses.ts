// The presses of this tab on their way to the server: one at a time, in order, each repeated under
// its own Idempotency-Key until it is answered. So none is counted twice or silently lost.
import { backoffMs } from "../../src/backoff";
import type { Answer, Verb } from "./api";

export const OPEN_MAX = 64;
export const GIVE_UP_AFTER_MS = 60_000;
const WAIT_MAX_MS = 4_000; // after a failure; longer if the server says so
const RETRY_AFTER_MAX_MS = 30_000;

export interface Press {
  key: string;
  verb: Verb;
  madeAt: number; // ms since 1970: it must outlive a reload
  maybe: boolean; // an attempt may have been counted without our hearing of it
}

export type Verdict = "counted" | "refused" | "again" | "maybe";

/** What an answer means for its press; again: nothing changed; maybe: nobody knows. Pure. */
export function judge({ status, value, code }: Answer): Verdict {
  if (status >= 200 && status < 300) return value === null ? "maybe" : "counted";
  if (status === 429) return "again";
  if (status === 503 && ["unavailable", "busy", "draining"].includes(code)) return "again";
  return status >= 500 || status === 408 ? "maybe" : "refused";
}

export interface PressOptions {
  send: (press: Press) => Promise<Answer>;
  newKey: () => string;
  random: () => number;
  save: (text: string | null) => void;
  onSent: (press: Press) => void;
  onAnswer: (press: Press, answer: Answer, verdict: Verdict) => void;
  /** Nobody answered for too long. */
  onGivenUp: (press: Press) => void;
}

export class Presses {
  private open: Press[] = [];
  private running = false;
  private stopWaiting = () => {};

  constructor(private readonly options: PressOptions) {}

  get count(): number {
    return this.open.length;
  }

  /** Null if too many are on their way. */
  add(verb: Verb): Press | null {
    if (this.open.length >= OPEN_MAX) return null;
    const press = { key: this.options.newKey(), verb, madeAt: Date.now(), maybe: false };
    this.open.push(press);
    this.changed();
    void Promise.resolve().then(() => this.run()); // the caller knows its press first
    return press;
  }

  /** Takes up what the same tab left open before a reload. */
  restore(text: string | null): readonly Press[] {
    try {
      const saved = JSON.parse(text ?? "[]") as Press[];
      this.open = saved.slice(0, OPEN_MAX).map((press) => ({ ...press, maybe: true }));
    } catch {
      this.open = [];
    }
    void Promise.resolve().then(() => this.run());
    return [...this.open];
  }

  /** The server is there again: no need to wait any longer. */
  wake(): void {
    this.stopWaiting();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (let head = this.open[0]; head; head = this.open[0]) await this.settle(head);
    this.running = false;
  }

  /** Sends a press until it is answered or too old. */
  private async settle(press: Press): Promise<void> {
    const { options } = this;
    for (let attempt = 0; Date.now() - press.madeAt < GIVE_UP_AFTER_MS; attempt += 1) {
      options.onSent(press);
      const answer = await options.send(press).catch(() => null);
      const verdict = answer ? judge(answer) : "maybe";
      if (answer) options.onAnswer(press, answer, verdict);
      if (verdict === "counted" || verdict === "refused") return this.drop(press);
      if (verdict === "maybe") press.maybe = true;
      await this.wait(attempt, answer);
    }
    options.onGivenUp(press);
    this.drop(press);
  }

  private wait(attempt: number, answer: Answer | null): Promise<void> {
    const ownMs = Math.min(WAIT_MAX_MS, backoffMs(attempt, this.options.random));
    const theirsMs = Math.min(RETRY_AFTER_MAX_MS, answer?.retryAfterMs ?? 0);
    return new Promise((done) => {
      const timer = setTimeout(done, Math.max(ownMs, theirsMs));
      if (theirsMs > 0) return; // what the server asks for is kept
      this.stopWaiting = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  private drop(press: Press): void {
    this.open = this.open.filter((other) => other !== press);
    this.changed();
  }

  private changed(): void {
    this.options.save(this.open.length > 0 ? JSON.stringify(this.open) : null);
  }
}
