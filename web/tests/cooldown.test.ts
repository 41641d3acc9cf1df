// Charges come back by the server's answers and a monotonic clock, whatever the wall clock says.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChargeWatch, Cooldown } from "../src/cooldown";

let cooldown: Cooldown;

beforeEach(() => {
  cooldown = new Cooldown();
  cooldown.configure(5000, 5);
});

describe("charges", () => {
  it("are all there for somebody the server has said nothing about", () => {
    expect(cooldown.at(0)).toEqual({ charges: 5, chargesMax: 5, nextMs: 0, progress: 1 });
  });

  it("are what the server answered, and count down to the next", () => {
    cooldown.update(3, 4000, 1000);
    expect(cooldown.at(2000)).toEqual({ charges: 3, chargesMax: 5, nextMs: 3000, progress: 0.4 });
  });

  it("come back one by one until all are there", () => {
    cooldown.update(3, 4000, 0);
    expect(cooldown.at(3999).charges).toBe(3);
    expect(cooldown.at(4000)).toMatchObject({ charges: 4, nextMs: 5000 });
    expect(cooldown.at(9000)).toMatchObject({ charges: 5, nextMs: 0, progress: 1 });
    expect(cooldown.at(1e9).charges).toBe(5);
  });

  it("follow a later answer that says otherwise", () => {
    cooldown.update(3, 4000, 0);
    cooldown.update(0, 4900, 100);
    expect(cooldown.at(100)).toMatchObject({ charges: 0, nextMs: 4900 });
  });

  it("keep what is known when the canvas's rules are told again", () => {
    cooldown.update(2, 1000, 0);
    cooldown.configure(5000, 5);
    expect(cooldown.at(1000)).toMatchObject({ charges: 3, nextMs: 5000 });
  });

  it("are reckoned anew, as on the server, as soon as the rules are others", () => {
    cooldown.update(2, 1000, 0); // all of them would be back at 11 000
    cooldown.configure(9000, 5);
    expect(cooldown.at(1000)).toMatchObject({ charges: 3, nextMs: 1000 });
    cooldown.configure(20_000, 5);
    expect(cooldown.at(1000)).toEqual({ charges: 4, chargesMax: 5, nextMs: 10_000, progress: 0.5 });
  });

  it("that nobody can hold any more are waited for first", () => {
    cooldown.update(0, 5000, 0); // all of them would be back at 25 000
    cooldown.configure(1000, 5);
    expect(cooldown.at(0)).toMatchObject({ charges: 0, nextMs: 21_000, progress: 0 });
    expect(cooldown.at(21_000)).toMatchObject({ charges: 1, nextMs: 1000 });
    cooldown.configure(5000, 1);
    expect(cooldown.at(21_000)).toMatchObject({ charges: 0, nextMs: 4000 });
  });

  it("are not short of one for a clock that counts in fractions", () => {
    for (let now = 0.1; now < 1000; now += 0.7) {
      cooldown.update(3, 5000, now);
      expect(cooldown.at(now).charges).toBe(3);
      expect(cooldown.at(now).nextMs).toBeCloseTo(5000);
    }
  });

  it("are all there again for another person", () => {
    cooldown.update(0, 4000, 0);
    cooldown.forget();
    expect(cooldown.at(0)).toMatchObject({ charges: 5, nextMs: 0 });
  });

  it("are at once all there when the cooldown was switched off", () => {
    cooldown.update(0, 4000, 0);
    cooldown.configure(0, 5);
    expect(cooldown.at(1)).toMatchObject({ charges: 5, nextMs: 0 });
  });
});

describe("a clock that stood still while the device slept", () => {
  beforeEach(() => {
    cooldown.update(0, 60_000, 0);
    cooldown.anchor(1_000_000, 0);
  });

  it("is corrected by the server's clock", () => {
    cooldown.correct(1_041_000, 1000); // 41 s there, 1 s here
    expect(cooldown.at(1000).nextMs).toBe(19_000);
  });

  it("is not troubled by an answer that was a little slow", () => {
    cooldown.correct(1_000_900, 1000);
    cooldown.correct(1_002_300, 2000);
    expect(cooldown.at(2000).nextMs).toBe(58_000);
  });

  it("is not confused by another replica's clock", () => {
    cooldown.anchor(9_000_000, 1000);
    cooldown.correct(9_001_000, 2000);
    expect(cooldown.at(2000).nextMs).toBe(58_000);
  });
});

describe("a charge that comes back", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is told, each one, until all are there", () => {
    const told: number[] = [];
    const start = performance.now();
    const charges = () => cooldown.at(performance.now() - start);
    const watch = new ChargeWatch(charges, ({ charges }) => told.push(charges));
    cooldown.update(3, 1000, 0);
    watch.watch();
    vi.advanceTimersByTime(900);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(told).toEqual([4]);
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([4, 5]);
  });
});
