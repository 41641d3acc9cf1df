// Changes per second, and seconds about which nothing is known.
import { beforeEach, describe, expect, it } from "vitest";
import { changesBetween, Rates, SECONDS } from "../src/rates";

let rates: Rates;
const at = (second: number) => 1_000_000 + second * 1000;
const lastFew = (second: number, few: number) => rates.last(at(second)).slice(-few);

beforeEach(() => {
  rates = new Rates();
});

it("at first nothing is known of the past", () => {
  expect(rates.last(at(0))).toEqual(Array(SECONDS).fill(null));
  rates.tell(7n, at(0));
  expect(lastFew(0, 2)).toEqual([null, 0]);
});

it("changes count in the second in which they are told, also several at once", () => {
  rates.tell(7n, at(0));
  rates.tell(8n, at(0.2));
  rates.tell(11n, at(0.9));
  rates.tell(9n, at(2));
  expect(lastFew(3, 4)).toEqual([4, 0, 2, 0]);
});

it("a minute is kept", () => {
  rates.tell(0n, at(0));
  rates.tell(3n, at(0));
  expect(rates.last(at(SECONDS - 1))[0]).toBe(3);
  expect(rates.last(at(SECONDS))).toEqual(Array(SECONDS).fill(0));
  expect(rates.last(at(1_000_000))).toEqual(Array(SECONDS).fill(0));
});

it("without a stream seconds are unknown, and what happened meanwhile is no change of now", () => {
  rates.tell(5n, at(0));
  rates.lose(at(1));
  rates.tell(500n, at(4));
  rates.tell(501n, at(5));
  expect(lastFew(6, 7)).toEqual([0, 0, null, null, 0, 1, 0]);
});

describe("between two values", () => {
  it.each([
    [5n, 5n, 0],
    [5n, 6n, 1],
    [9n, 4n, 5],
    [0n, 3n, 3],
    [1n, 0n, 1],
    [9_223_372_036_854_775_807n, 0n, 1], // a reset is one press
  ])("%d and %d", (before, after, changes) => {
    expect(changesBetween(before, after)).toBe(changes);
  });
});
