// Optimistic pixels: settled by the server's answer or given up, and never asked for twice.
import { beforeEach, describe, expect, it } from "vitest";
import { Placements, UNCONFIRMED_AFTER_MS } from "../src/placements";
import { UNANSWERED_MAX } from "../src/protocol";

let saved: string | null;
let producers: bigint[];
const save = (text: string | null) => (saved = text);
const newProducer = () => producers.shift()!;
const restore = (text: string | null) => Placements.restore(text, newProducer, save, 0);
const sequences = (list: { sequence: number }[]) => list.map(({ sequence }) => sequence);

beforeEach(() => {
  saved = null;
  producers = [11n, 22n, 33n];
});

describe("a placement", () => {
  it("shows at once, and is sent when its person is known", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    expect(placements.all).toMatchObject([{ sequence: 1, x: 3, y: 2, color: 7, state: "placed" }]);
    const { send, givenUp } = placements.signedInAs("5");
    expect([sequences(send), givenUp]).toEqual([[1], []]);
  });

  it("stays over the board from its acceptance until the board has come so far", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    placements.signedInAs("5");
    expect(placements.accepted(1, 42n)).toMatchObject({ state: "accepted" });
    expect(placements.boardAt(41n)).toBe(false);
    expect(placements.all).toHaveLength(1);
    expect(placements.boardAt(42n)).toBe(true);
    expect(placements.all).toHaveLength(0);
  });

  it("falls back when it is refused", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    expect(placements.refused(1)).toMatchObject({ x: 3, y: 2 });
    expect(placements.all).toHaveLength(0);
  });

  it("may be under way elsewhere once it was sent over two connections", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    placements.signedInAs("5");
    expect(placements.repeated(1)).toBeNull();
    placements.signedInAs("5"); // over a new connection
    expect(placements.repeated(1)).toMatchObject({ x: 3, y: 2 });
    placements.accepted(1, 42n);
    expect(placements.repeated(1)).toBeNull();
  });

  it("is answered once: a second answer means nothing", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    placements.accepted(1, 42n);
    expect(placements.accepted(1, 42n)).toBeNull();
    expect(placements.refused(1)).toBeNull();
    expect(placements.all).toHaveLength(1);
  });

  it("is called unconfirmed once, after two seconds", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    expect(placements.overdue(UNCONFIRMED_AFTER_MS - 1)).toHaveLength(0);
    expect(sequences(placements.overdue(UNCONFIRMED_AFTER_MS))).toEqual([1]);
    expect(placements.overdue(UNCONFIRMED_AFTER_MS + 1)).toHaveLength(0);
  });

  it("leaves with the board of another epoch once it was accepted", () => {
    const placements = restore(null);
    placements.add(3, 2, 7, 0);
    placements.add(4, 2, 7, 0);
    placements.accepted(1, 1000n);
    placements.boardReplaced();
    expect(sequences([...placements.all])).toEqual([2]);
  });
});

it("no more are open at a time than the protocol allows", () => {
  const placements = restore(null);
  for (let i = 0; i < UNANSWERED_MAX; i += 1) placements.add(i, 0, 1, 0);
  expect(placements.blocked).toBe("full");
  placements.accepted(1, 42n);
  expect(placements.blocked).toBeNull();
});

describe("after a lost connection", () => {
  it("everything unanswered is asked again, in order, under the same sequences", () => {
    const placements = restore(null);
    for (const x of [1, 2, 3]) placements.add(x, 0, 1, 0);
    placements.signedInAs("5");
    placements.accepted(2, 42n);
    expect(sequences(placements.signedInAs("5").send)).toEqual([1, 3]);
    expect(placements.producer).toBe(11n);
  });

  it("what was sent under another name is given up, never sent as a new operation", () => {
    const placements = restore(null);
    placements.add(1, 0, 1, 0);
    placements.signedInAs("5");
    placements.add(2, 0, 1, 0);
    const { send, givenUp } = placements.signedInAs("6");
    expect([sequences(send), sequences(givenUp)]).toEqual([[2], [1]]);
  });

  it("what was never sent is dropped when signing in fails", () => {
    const placements = restore(null);
    placements.add(1, 0, 1, 0);
    placements.signedInAs("5");
    placements.add(2, 0, 1, 0);
    expect(sequences(placements.giveUp("unsent"))).toEqual([2]);
    expect(sequences(placements.giveUp("all"))).toEqual([1]);
  });
});

describe("after a reload of the tab", () => {
  const leftOpen = () => {
    const placements = restore(null);
    placements.add(1, 0, 4, 0);
    placements.add(2, 0, 5, 0);
    placements.signedInAs("5");
    placements.accepted(1, 42n);
    return saved;
  };

  it("what was open is asked again by the same producer and sequence", () => {
    const placements = restore(leftOpen());
    expect(placements.producer).toBe(11n);
    expect(placements.all).toMatchObject([{ sequence: 2, x: 2, color: 5, state: "unconfirmed" }]);
    expect(sequences(placements.signedInAs("5").send)).toEqual([2]);
  });

  it("nothing new is placed until it is settled, and then by a producer of its own", () => {
    const placements = restore(leftOpen());
    expect(placements.blocked).toBe("settling");
    placements.signedInAs("5");
    placements.accepted(2, 43n);
    expect(placements.blocked).toBeNull();
    expect(placements.producer).toBe(22n);
    expect(placements.add(9, 9, 1, 0).sequence).toBe(1);
  });

  it("nothing is remembered when nothing was open, and nonsense is forgotten", () => {
    const placements = restore(null);
    placements.add(1, 0, 4, 0);
    placements.signedInAs("5");
    placements.accepted(1, 42n);
    expect(saved).toBeNull();
    expect(restore("{]").all).toHaveLength(0);
  });
});
