// The number that is shown: optimistic, and right in the end whatever comes in whichever order.
import { beforeEach, describe, expect, it } from "vitest";
import type { Verb } from "../src/api";
import { KEPT_MS, Tally } from "../src/tally";
import { VALUE_MAX } from "../src/value";

let tally: Tally;

beforeEach(() => {
  tally = new Tally();
  tally.tell(5n);
});

function press(key: string, verb: Verb = "increment"): void {
  tally.pressed(key, verb);
  tally.sent(key);
}

describe("a press", () => {
  it("shows at once and is called unconfirmed", () => {
    press("a");
    expect(tally.shown).toBe(6n);
    expect(tally.unconfirmed).toEqual({ count: 1, change: 1 });
  });

  it("is not shown twice when the stream tells it before its answer comes", () => {
    press("a");
    tally.tell(6n);
    expect(tally.shown).toBe(6n);
    tally.counted("a", 6n, true, 0);
    expect(tally.shown).toBe(6n);
    expect(tally.unconfirmed.count).toBe(0);
  });

  it("does not vanish when its answer comes before the stream tells it", () => {
    press("a");
    tally.counted("a", 6n, true, 0);
    expect(tally.shown).toBe(6n);
    expect(tally.unconfirmed.count).toBe(0);
    tally.tell(6n);
    expect(tally.shown).toBe(6n);
  });

  it("does not turn the clock back when others went on meanwhile", () => {
    press("a");
    tally.tell(9n);
    tally.counted("a", 6n, true, 0);
    expect(tally.shown).toBe(9n);
  });

  it("is told by an answer alone while there is no stream", () => {
    press("a");
    tally.counted("a", 12n, false, 0);
    expect(tally.shown).toBe(12n);
  });

  it("that another's press hid is forgotten after a while: the stream is right", () => {
    press("a");
    tally.counted("a", 6n, true, 0); // and another's decrement at once: the value did not change
    expect(tally.shown).toBe(6n);
    expect(tally.settle(KEPT_MS - 1)).toBe(false);
    expect(tally.settle(KEPT_MS)).toBe(true);
    expect(tally.shown).toBe(5n);
  });

  it("falls back when it is refused or given up", () => {
    press("a", "decrement");
    expect(tally.shown).toBe(4n);
    tally.dropped("a");
    expect(tally.shown).toBe(5n);
    expect(tally.unconfirmed.count).toBe(0);
  });
});

describe("many presses", () => {
  it("are shown in order, within what the counter can hold", () => {
    press("a", "reset");
    tally.pressed("b", "decrement");
    expect(tally.shown).toBe(0n);
    tally.pressed("c", "increment");
    expect(tally.shown).toBe(1n);
    expect(tally.unconfirmed).toEqual({ count: 3, change: null });
    tally = new Tally();
    tally.tell(VALUE_MAX);
    press("d");
    expect(tally.shown).toBe(VALUE_MAX);
  });

  it("only those that were sent can have been told", () => {
    press("a");
    tally.pressed("b", "increment");
    tally.tell(8n);
    expect(tally.shown).toBe(9n); // b is still to come
    expect(tally.unconfirmed).toEqual({ count: 2, change: 2 });
  });

  it("one by one come to the value that the server says", () => {
    for (const key of ["a", "b", "c"]) tally.pressed(key, "increment");
    for (const [index, key] of ["a", "b", "c"].entries()) {
      tally.sent(key);
      const value = 6n + BigInt(index);
      if (index === 1) tally.counted(key, value, true, 0);
      tally.tell(value);
      if (index !== 1) tally.counted(key, value, true, 0);
      expect(tally.shown).toBe(8n);
    }
    expect(tally.unconfirmed).toEqual({ count: 0, change: 0 });
  });
});

it("a reset that the stream has told is not done again", () => {
  press("a", "reset");
  expect(tally.shown).toBe(0n);
  tally.tell(0n);
  tally.tell(1n);
  expect(tally.shown).toBe(1n);
  tally.counted("a", 0n, true, 0);
  expect(tally.shown).toBe(1n);
});

it("nothing is shown before the server has told anything", () => {
  tally = new Tally();
  press("a");
  expect(tally.shown).toBeNull();
  tally.tell(41n);
  expect(tally.shown).toBe(42n);
});
