// Following the journal: resume, deltas, snapshots; never a wrong board and never half of one.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Board } from "../src/board";
import type { Delta, Welcome } from "../src/protocol";
import { RESUME_WITHIN_MS, Sync } from "../src/sync";

const SIDE = 4;
const welcome = (offset: bigint, width = SIDE): Welcome => ({
  ...{ type: "welcome", version: 1, width, height: SIDE, colorBits: 5, palette: [], flags: 0 },
  ...{ cooldownMs: 0, chargesMax: 1, epoch: 7n, offset, digest: 0n, timeMs: 0n, servedBy: "" },
});
const board = (offset: bigint, epoch = 7n) =>
  new Board(SIDE, SIDE, new Uint8Array(SIDE * SIDE), { epoch, offset, digest: offset });
const delta = (base: bigint, pixels: [number, number][], advance = pixels.length): Delta => ({
  type: "delta",
  base,
  advance,
  digest: base + BigInt(advance),
  indices: Uint32Array.from(pixels, ([index]) => index),
  colors: Uint8Array.from(pixels, ([, color]) => color),
});

let sync: Sync;
let fetches: { minOffset: bigint | null; give: (board: Board) => void; fail: () => void }[];
let resumes: bigint[];
let boards: Board[];
let restarts: number;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  [fetches, resumes, boards, restarts] = [[], [], [], 0];
  sync = new Sync({
    fetchSnapshot: (minOffset) =>
      new Promise((give, reject) => {
        fetches.push({ minOffset, give, fail: () => reject(new Error("no network")) });
      }),
    send: (bytes) => {
      resumes.push(new DataView(bytes.buffer).getBigUint64(9, true));
      return true;
    },
    restart: () => (restarts += 1),
    random: () => 1,
    onBoard: (next) => boards.push(next),
    onDelta: () => {},
    onLive: () => {},
  });
  sync.start();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

async function live(): Promise<void> {
  sync.welcomed(welcome(41n));
  fetches[0]!.give(board(41n));
  await settle();
  sync.delta(delta(41n, [], 0));
}

describe("the first board", () => {
  it("is fetched side by side with connecting, whichever is first", async () => {
    expect(fetches).toHaveLength(1);
    sync.welcomed(welcome(41n));
    expect(resumes).toEqual([]);
    fetches[0]!.give(board(40n));
    await settle();
    expect(resumes).toEqual([40n]);
  });

  it("is live with the answer to resume", async () => {
    await live();
    expect(sync.live).toBe(true);
  });

  it("is asked for again, later, when the network fails", async () => {
    fetches[0]!.fail();
    await settle();
    expect(fetches).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(fetches).toHaveLength(2);
  });

  it("is asked for at once when the server greets us meanwhile", async () => {
    fetches[0]!.fail();
    await settle();
    sync.welcomed(welcome(41n));
    await settle();
    expect(fetches).toHaveLength(2);
  });
});

describe("deltas", () => {
  it("move the board and its position", async () => {
    await live();
    sync.delta(
      delta(
        41n,
        [
          [5, 3],
          [6, 1],
        ],
        9,
      ),
    );
    expect(sync.board!.at(1, 1)).toBe(3);
    expect(sync.board!.position).toEqual({ epoch: 7n, offset: 50n, digest: 50n });
  });

  it("that start elsewhere change nothing and lead to one resume", async () => {
    await live();
    sync.delta(delta(43n, [[5, 3]]));
    sync.delta(delta(44n, [[5, 3]]));
    expect(sync.board!.at(1, 1)).toBe(0);
    expect(resumes).toEqual([41n, 41n]);
    sync.delta(delta(41n, [[5, 2]], 4));
    expect(sync.board!.position.offset).toBe(45n);
  });

  it("that never answer a resume end the connection", async () => {
    await live();
    sync.delta(delta(43n, [[5, 3]]));
    await vi.advanceTimersByTimeAsync(RESUME_WITHIN_MS);
    expect(restarts).toBe(1);
  });
});

describe("a snapshot that is needed", () => {
  it("is at least as new as said, and the old board stays until it is whole", async () => {
    await live();
    sync.snapshotNeeded({ type: "snapshot_needed", why: 2, epoch: 7n, offset: 90n });
    expect(fetches[1]!.minOffset).toBe(90n);
    expect(sync.board!.position.offset).toBe(41n);
    expect(sync.live).toBe(false);
    fetches[1]!.give(board(91n));
    await settle();
    expect(boards.map(({ position }) => position.offset)).toEqual([41n, 91n]);
    expect(resumes).toEqual([41n, 91n]);
  });

  it("may be older than our board when that lay ahead of the journal", async () => {
    await live();
    sync.snapshotNeeded({ type: "snapshot_needed", why: 4, epoch: 7n, offset: 30n });
    expect(fetches[1]!.minOffset).toBeNull();
  });

  it("is fetched with a pause when the last one did not help", async () => {
    await live();
    for (const offset of [90n, 91n]) {
      sync.snapshotNeeded({ type: "snapshot_needed", why: 1, epoch: 8n, offset });
      await settle();
      if (fetches.length === 2) fetches[1]!.give(board(90n, 8n));
      await settle();
    }
    expect(fetches).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(fetches).toHaveLength(3);
  });

  it("is fetched when the canvas has grown", async () => {
    await live();
    sync.disconnected();
    sync.welcomed(welcome(60n, SIDE * 2));
    await settle();
    expect(resumes).toEqual([41n]);
    expect(fetches[1]!.minOffset).toBe(60n);
  });
});

it("after a lost connection the board resumes where it stands", async () => {
  await live();
  sync.delta(delta(41n, [[1, 1]]));
  sync.disconnected();
  expect(sync.live).toBe(false);
  sync.welcomed(welcome(50n));
  expect(resumes).toEqual([41n, 42n]);
  expect(fetches).toHaveLength(1);
});
