// The number that is shown: what the server has told, with this tab's own presses that it has not
// told yet on top. Pure. The stream tells a press perhaps before and perhaps after its own answer
// comes, so a press stays on top until the stream has told something that it explains.
import type { Verb } from "./api";
import { VALUE_MAX } from "./value";

/** How long an answered press waits for the stream, which usually takes milliseconds. */
export const KEPT_MS = 1000;

interface Own {
  key: string;
  verb: Verb;
  state: "queued" | "sent" | "answered";
  answeredAt: number;
  told: boolean; // the value has it
}

export interface Unconfirmed {
  count: number;
  change: number | null; // null: a reset is among them
}

function apply(verb: Verb, value: bigint): bigint {
  if (verb === "reset") return 0n;
  if (verb === "increment") return value < VALUE_MAX ? value + 1n : value;
  return value > 0n ? value - 1n : value;
}

export class Tally {
  private told: bigint | null = null;
  private own: Own[] = [];

  /** Null before the server has told anything. */
  get shown(): bigint | null {
    if (this.told === null) return null;
    const ahead = this.own.filter(({ told }) => !told);
    return ahead.reduce((value, { verb }) => apply(verb, value), this.told);
  }

  get unconfirmed(): Unconfirmed {
    const open = this.own.filter(({ state }) => state !== "answered");
    const steps = open.map(({ verb }) => (verb === "increment" ? 1 : -1));
    const reset = open.some(({ verb }) => verb === "reset");
    return { count: open.length, change: reset ? null : steps.reduce((sum, n) => sum + n, 0) };
  }

  pressed(key: string, verb: Verb): void {
    this.own.push({ key, verb, state: "queued", answeredAt: 0, told: false });
  }

  sent(key: string): void {
    const own = this.find(key);
    if (own) own.state = "sent";
  }

  /** The press is counted, and made the value this. `live`: the stream will tell it too. */
  counted(key: string, value: bigint, live: boolean, now: number): void {
    const own = this.find(key);
    if (!own) return;
    if (!live) this.told = value;
    if (!live || own.told || this.told === value) return this.dropped(key);
    own.state = "answered";
    own.answeredAt = now;
  }

  /** The press was refused or given up. */
  dropped(key: string): void {
    this.own = this.own.filter((other) => other.key !== key);
  }

  /** The stream tells the value. */
  tell(value: bigint): void {
    let change = value - (this.told ?? value);
    for (const own of this.own) {
      if (own.state === "queued" || own.told) continue;
      if (own.verb === "reset" ? value === 0n || change < 0n : stepIn(own.verb, change)) {
        own.told = true;
        change = own.verb === "reset" ? 0n : change - (own.verb === "increment" ? 1n : -1n);
      }
    }
    this.told = value;
    this.own = this.own.filter(({ state, told }) => !(told && state === "answered"));
  }

  /** What was answered long enough ago is surely told by now. True if anything was waiting. */
  settle(now: number): boolean {
    const before = this.own.length;
    this.own = this.own.filter(
      ({ state, answeredAt }) => state !== "answered" || now - answeredAt < KEPT_MS,
    );
    return this.own.length < before;
  }

  private find(key: string): Own | undefined {
    return this.own.find((own) => own.key === key);
  }
}

function stepIn(verb: Verb, change: bigint): boolean {
  return verb === "increment" ? change > 0n : change < 0n;
}
