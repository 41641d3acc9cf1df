// The stream's life, with a stream made of plastic and a clock made of paper.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CONNECT_WITHIN_MS, Live, SILENCE_MS, type Phase, type Stream } from "../src/live";

class PlasticStream implements Stream {
  readyState = 0;
  onmessage: Stream["onmessage"] = null;
  onerror: Stream["onerror"] = null;

  close(): void {
    this.readyState = 2;
  }
  tell(text: string): void {
    this.readyState = 1;
    this.onmessage?.({ data: text });
  }
  fail(readyState: 0 | 2): void {
    this.readyState = readyState;
    this.onerror?.();
  }
}

let streams: PlasticStream[];
let phases: Phase[];
let values: bigint[];
let standing: () => Promise<bigint | null>; // what asking for the value gives
let live: Live;

const latest = () => streams.at(-1)!;
const phase = () => phases.at(-1)!;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  [streams, phases, values] = [[], [], []];
  standing = async () => 7n;
  live = new Live({
    open: () => {
      streams.push(new PlasticStream());
      return latest();
    },
    read: () => standing(),
    random: () => 1,
    onPhase: (phase) => phases.push(phase),
    onValue: (value) => values.push(value),
  });
  live.connect();
});

afterEach(() => {
  live.sleep();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("is live from the first value on", () => {
  expect(phase()).toEqual({ name: "connecting" });
  latest().tell('{"value":9223372036854775807}');
  expect(phase()).toEqual({ name: "live" });
  expect(values).toEqual([9223372036854775807n]);
});

describe("after a loss", () => {
  it("the browser comes back by itself", async () => {
    latest().tell('{"value":7}');
    latest().fail(0);
    expect(phase()).toEqual({ name: "waiting", retryInMs: null });
    latest().fail(0);
    latest().tell('{"value":8}');
    expect(phase()).toEqual({ name: "live" });
    expect(streams).toHaveLength(1);
    expect(values).toEqual([7n, 8n]);
  });

  it("of which the browser makes an end, it is opened again, later each time", async () => {
    for (const waitMs of [500, 1000, 2000]) {
      latest().fail(2);
      expect(phase()).toEqual({ name: "waiting", retryInMs: waitMs });
      const count = streams.length;
      await pass(waitMs - 1);
      expect(streams).toHaveLength(count);
      await pass(1);
      expect(streams).toHaveLength(count + 1);
    }
    latest().tell('{"value":7}');
    latest().fail(2);
    expect(phase()).toEqual({ name: "waiting", retryInMs: 500 });
  });

  it("waking up tries at once", async () => {
    latest().fail(2);
    live.wake();
    expect(streams).toHaveLength(2);
    latest().tell('{"value":7}');
    await pass(1000);
    expect(streams).toHaveLength(2);
  });
});

it("a stream that nobody answers is opened again", async () => {
  await pass(CONNECT_WITHIN_MS);
  expect(phase()).toEqual({ name: "waiting", retryInMs: 500 });
  expect(streams[0]!.readyState).toBe(2);
  await pass(500);
  expect(streams).toHaveLength(2);
});

describe("after a silence", () => {
  it("nothing happens if the value is still the one that was told", async () => {
    latest().tell('{"value":7}');
    await pass(3 * SILENCE_MS);
    expect(phase()).toEqual({ name: "live" });
    expect(streams).toHaveLength(1);
  });

  it.each([
    ["another value stands there", async () => 8n],
    ["nobody answers", () => Promise.reject(new TypeError("Failed to fetch"))],
  ])("the stream is opened again if %s", async (_, reading) => {
    standing = reading;
    latest().tell('{"value":7}');
    await pass(SILENCE_MS);
    expect(phase()).toMatchObject({ name: "waiting" });
    await pass(500);
    expect(streams).toHaveLength(2);
  });

  it("a value that comes while it is asked for is no reason to mistrust the stream", async () => {
    let answer = (_: bigint) => {};
    standing = () => new Promise((done) => (answer = done));
    latest().tell('{"value":7}');
    await pass(SILENCE_MS);
    latest().tell('{"value":9}');
    answer(8n);
    await pass(0);
    expect(phase()).toEqual({ name: "live" });
  });
});

it("asleep it holds no connection, and wakes up at once", async () => {
  latest().tell('{"value":7}');
  live.sleep();
  expect(latest().readyState).toBe(2);
  await pass(10 * SILENCE_MS);
  expect(streams).toHaveLength(1);
  live.wake();
  latest().tell('{"value":8}');
  expect(phase()).toEqual({ name: "live" });
});

it("nonsense is logged and not shown", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  latest().tell('{"value":"seven"}');
  expect(log).toHaveBeenCalledOnce();
  expect(values).toEqual([]);
  expect(phase()).toMatchObject({ name: "waiting" });
});
