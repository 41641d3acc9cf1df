// Dots: whose they are, and that one can tell them apart.
import { describe, expect, it } from "vitest";
import { contrast } from "../../src/colors";
import { COLORS, Replicas, shortName } from "../src/replicas";

const names = (count: number) => Array.from({ length: count }, (_, n) => `counter-${n + 1}`);

describe("a replica's look", () => {
  it("comes from its name, so every tab has the same", () => {
    const [one, other] = [new Replicas(), new Replicas()];
    expect(one.look("counter-7d9f-x2x")).toEqual(other.look("counter-7d9f-x2x"));
    expect(one.look("counter-7d9f-x2x")).toEqual(one.look("counter-7d9f-x2x"));
  });

  it("differs from that of every other one, as long as there are looks", () => {
    const replicas = new Replicas();
    const colors = names(COLORS.length).map((name) => replicas.look(name).color);
    expect(new Set(colors).size).toBe(COLORS.length);
    expect(COLORS).toContain(replicas.look("one-more").color);
  });

  it("differs by shape, too, between neighbours", () => {
    const replicas = new Replicas();
    const shapes = names(4).map((name) => replicas.look(name).shape);
    expect(new Set(shapes).size).toBe(4);
  });

  it.each(COLORS)("stands out from the panels of both themes: %s", (color) => {
    expect(contrast(color, "#ffffff")).toBeGreaterThanOrEqual(3);
    expect(contrast(color, "#1d2027")).toBeGreaterThanOrEqual(3);
  });
});

describe("dots", () => {
  const press = { verb: "increment", counted: true } as const;

  it("are the last presses, oldest first, each with a number of its own", () => {
    const replicas = new Replicas();
    for (const replica of ["b", "a", "b"]) replicas.answered({ replica, ...press });
    expect(replicas.dots.map(({ id, replica }) => [id, replica])).toEqual([
      [1, "b"],
      [2, "a"],
      [3, "b"],
    ]);
    expect(replicas.legend).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  it("are bounded, and the legend tells only of those that are there", () => {
    const replicas = new Replicas();
    replicas.answered({ replica: "gone", ...press });
    for (let n = 0; n < 100; n += 1) replicas.answered({ replica: "here", ...press });
    expect(replicas.dots.length).toBeLessThanOrEqual(30);
    expect(replicas.legend).toEqual([["here", replicas.dots.length]]);
  });
});

it("a long name is told by its end", () => {
  expect(shortName("counter-1")).toBe("counter-1");
  const [one, other] = ["counter-7d9f8b6c5d-abcde", "counter-7d9f8b6c5d-fghij"].map(shortName);
  expect(one).toMatch(/^….*abcde$/);
  expect(one).not.toBe(other);
});
