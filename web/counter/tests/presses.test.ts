// Presses on their way, with a server made of plastic and a clock made of paper.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer } from "../src/api";
import { GIVE_UP_AFTER_MS, judge, OPEN_MAX, Presses, type Press } from "../src/presses";

const answer = (status: number, more: Partial<Answer> = {}): Answer => ({
  ...{ status, value: null, code: "", servedBy: "one", retryAfterMs: 0 },
  ...more,
});
const counted = (value = 1n) => answer(200, { value });
const refused = (code: string) => answer(400, { code });

let replies: (Answer | "lost" | "never")[]; // what comes next; then everything is counted
let sent: string[]; // keys, in the order of the attempts
let answered: [key: string, verdict: string][];
let givenUp: Press[];
let saved: string | null;
let keys: number;
let presses: Presses;

function start(): Presses {
  return new Presses({
    send: async ({ key }) => {
      sent.push(key);
      const reply = replies.shift() ?? counted();
      if (reply === "never") return new Promise(() => {});
      if (reply === "lost") throw new TypeError("Failed to fetch");
      return reply;
    },
    newKey: () => `key${(keys += 1)}`,
    random: () => 1,
    save: (text) => (saved = text),
    onSent: () => {},
    onAnswer: ({ key }, _, verdict) => answered.push([key, verdict]),
    onGivenUp: (press) => givenUp.push(press),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  [replies, sent, answered, givenUp, saved, keys] = [[], [], [], [], null, 0];
  presses = start();
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("what an answer means", () => {
  it.each([
    [counted(), "counted"],
    [answer(200), "maybe"], // somebody else's page
    [refused("at_zero"), "refused"],
    [answer(409, { code: "key_reused" }), "refused"],
    [answer(429, { code: "rate_limited" }), "again"],
    [answer(503, { code: "unavailable" }), "again"],
    [answer(503, { code: "busy" }), "again"],
    [answer(503, { code: "draining" }), "again"],
    [answer(503, { code: "unknown" }), "maybe"],
    [answer(503), "maybe"], // a proxy's
    [answer(500, { code: "internal" }), "maybe"],
    [answer(504), "maybe"],
    [answer(408, { code: "timeout" }), "maybe"],
  ])("%o is %s", (reply, verdict) => expect(judge(reply)).toBe(verdict));
});

describe("a press", () => {
  it("is sent once when it is answered at once", async () => {
    presses.add("increment");
    await pass(60_000);
    expect(sent).toEqual(["key1"]);
    expect(answered).toEqual([["key1", "counted"]]);
    expect(presses.count).toBe(0);
  });

  it("is repeated under the same key until it is answered", async () => {
    replies = ["lost", answer(503, { code: "unknown" }), answer(502), counted()];
    presses.add("increment");
    await pass(30_000);
    expect(sent).toEqual(["key1", "key1", "key1", "key1"]);
    expect(answered.at(-1)).toEqual(["key1", "counted"]);
    expect(givenUp).toEqual([]);
  });

  it("waits as long as the server asks, even if it is woken", async () => {
    replies = [answer(503, { code: "draining", retryAfterMs: 5000 })];
    presses.add("increment");
    await pass(0);
    presses.wake();
    await pass(4999);
    expect(sent).toHaveLength(1);
    await pass(1);
    expect(sent).toHaveLength(2);
  });

  it("does not wait any longer when the server is known to be back", async () => {
    replies = ["lost", "lost", "lost", "lost"];
    presses.add("increment");
    await pass(4000);
    const attempts = sent.length;
    presses.wake();
    await pass(0);
    expect(sent).toHaveLength(attempts + 1);
  });

  it("is not repeated once it is refused", async () => {
    replies = [refused("at_zero")];
    presses.add("decrement");
    await pass(60_000);
    expect(sent).toHaveLength(1);
    expect(answered).toEqual([["key1", "refused"]]);
  });

  it("is given up after a minute, and it is said whether it may have been counted", async () => {
    replies = Array(100).fill(answer(503, { code: "unavailable" }));
    presses.add("increment");
    await pass(GIVE_UP_AFTER_MS + 5000);
    expect(givenUp).toMatchObject([{ key: "key1", maybe: false }]);
    replies = Array(100).fill("lost");
    presses.add("increment");
    await pass(GIVE_UP_AFTER_MS + 5000);
    expect(givenUp[1]).toMatchObject({ key: "key2", maybe: true });
    expect(presses.count).toBe(0);
  });
});

describe("many presses", () => {
  it("go one at a time, in order, each under a key of its own", async () => {
    replies = ["lost"];
    for (const verb of ["increment", "decrement", "reset"] as const) presses.add(verb);
    await pass(0);
    expect(sent).toEqual(["key1"]);
    await pass(10_000);
    expect(sent).toEqual(["key1", "key1", "key2", "key3"]);
  });

  it("are bounded", async () => {
    replies = ["never"];
    for (let n = 0; n < OPEN_MAX; n += 1) expect(presses.add("increment")).not.toBeNull();
    expect(presses.add("increment")).toBeNull();
    await pass(0);
    expect(presses.count).toBe(OPEN_MAX);
  });

  it("that were never sent are known not to be counted when they are given up", async () => {
    replies = Array(100).fill("lost");
    presses.add("increment");
    presses.add("increment");
    await pass(GIVE_UP_AFTER_MS + 10_000);
    expect(givenUp.map(({ key, maybe }) => [key, maybe])).toEqual([
      ["key1", true],
      ["key2", false],
    ]);
  });
});

describe("after a reload", () => {
  it("what was open is asked again under the same keys", async () => {
    replies = ["never"];
    presses.add("increment");
    presses.add("reset");
    await pass(0);
    const after = start();
    const left = after.restore(saved);
    expect(left.map(({ key, verb }) => [key, verb])).toEqual([
      ["key1", "increment"],
      ["key2", "reset"],
    ]);
    sent = [];
    await pass(0);
    expect(sent).toEqual(["key1", "key2"]);
    expect(saved).toBeNull();
  });

  it("what is older than a minute is given up as unknown", async () => {
    replies = ["never"];
    presses.add("increment");
    await pass(GIVE_UP_AFTER_MS);
    const after = start();
    after.restore(saved);
    await pass(0);
    expect(sent).toHaveLength(1);
    expect(givenUp).toMatchObject([{ key: "key1", maybe: true }]);
  });

  it("nonsense is forgotten", () => {
    for (const text of [null, "{]", "7", '{"a":1}']) expect(start().restore(text)).toEqual([]);
  });
});
