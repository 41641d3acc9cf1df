// The camera's arithmetic: what is under a point stays there, and the board never gets lost.
import { describe, expect, it } from "vitest";
import {
  between,
  cellAt,
  centreCell,
  clamp,
  fit,
  fitScale,
  glide,
  pan,
  SCALE_MAX,
  toBoard,
  toScreen,
  zoomAbout,
} from "../src/view";

const board = { width: 1000, height: 500 };
const phone = { width: 390, height: 844 };
const camera = { x: 100, y: 200, scale: 8 };

describe("screen and board", () => {
  it("are each other's inverse", () => {
    const point = { x: 17, y: 800 };
    const back = toScreen(camera, phone, toBoard(camera, phone, point));
    expect(back.x).toBeCloseTo(17);
    expect(back.y).toBeCloseTo(800);
  });

  it("the middle of the viewport shows the camera's point", () => {
    expect(toBoard(camera, phone, { x: 195, y: 422 })).toEqual({ x: 100, y: 200 });
  });

  it("a cell reaches to its edges and not beyond; beside the board there is none", () => {
    const at = (x: number, y: number) => cellAt({ x: 0, y: 0, scale: 10 }, board, phone, { x, y });
    expect(at(195, 422)).toEqual({ x: 0, y: 0 });
    expect(at(204.9, 431.9)).toEqual({ x: 0, y: 0 });
    expect(at(205, 422)).toEqual({ x: 1, y: 0 });
    expect(at(194.9, 422)).toBeNull();
  });

  it("the cross is on a cell even at the far corner", () => {
    expect(centreCell({ x: 1000, y: 500, scale: 8 }, board)).toEqual({ x: 999, y: 499 });
  });
});

describe("zooming", () => {
  it("keeps the point under the fingers", () => {
    const about = { x: 300, y: 100 };
    const before = toBoard(camera, phone, about);
    const after = toBoard(zoomAbout(camera, phone, about, 21), phone, about);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it("ends at the whole board and at 40 pixels a cell", () => {
    expect(clamp({ ...camera, scale: 1000 }, board, phone).scale).toBe(SCALE_MAX);
    expect(clamp({ ...camera, scale: 0 }, board, phone).scale).toBe(fitScale(board, phone));
  });

  it("fits the whole board on the screen, in its middle", () => {
    const whole = fit(board, phone);
    expect([whole.x, whole.y]).toEqual([500, 250]);
    expect(whole.scale * board.width).toBeLessThanOrEqual(phone.width);
    expect(whole.scale * board.height).toBeLessThanOrEqual(phone.height);
  });
});

describe("moving", () => {
  it("a drag takes the board along with the finger", () => {
    expect(pan(camera, 80, -16)).toEqual({ x: 90, y: 202, scale: 8 });
  });

  it("never leaves the board", () => {
    expect(clamp({ x: -5, y: 9000, scale: 8 }, board, phone)).toMatchObject({ x: 0, y: 500 });
  });

  it("a flight begins and ends where it should, and passes between", () => {
    const to = { x: 300, y: 100, scale: 20 };
    expect(between(camera, to, 1)).toEqual(to);
    expect(between(camera, to, 0)).toMatchObject({ x: 100, y: 200, scale: 8 });
    const half = between(camera, to, 0.5);
    expect(half.scale).toBeGreaterThan(8);
    expect(half.x).toBeGreaterThan(100);
    expect(half.x).toBeLessThan(300);
  });

  it("gliding slows down to a stop, the same way for any frame rate", () => {
    const far = (ms: number) => {
      let [velocity, dx] = [{ x: 1, y: 0 }, 0];
      for (let next = glide(velocity, ms); next; next = glide(velocity, ms)) {
        velocity = next.velocity;
        dx += next.dx;
      }
      return dx;
    };
    expect(Math.abs(far(8) - far(16))).toBeLessThan(1);
    expect(glide({ x: 0.01, y: 0 }, 16)).toBeNull();
  });
});
