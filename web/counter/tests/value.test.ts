// The small pure rooms: values of 64 bits, addresses, keys, words.
import { webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseAddress } from "../src/address";
import { newKey } from "../src/api";
import { Words } from "../src/i18n";
import { keyVerb } from "../src/keys";
import { glyphs, parseValue, VALUE_MAX } from "../src/value";

describe("a value", () => {
  it("is read to the last digit, where JSON would round", () => {
    const text = '{"value":9223372036854775807}';
    expect(parseValue(text)).toBe(VALUE_MAX);
    expect(BigInt((JSON.parse(text) as { value: number }).value)).not.toBe(VALUE_MAX);
    expect(parseValue('{"value":9007199254740993}')).toBe(9007199254740993n);
    expect(parseValue(' { "value" : 0 , "more": 1 }\n')).toBe(0n);
  });

  it.each([
    "",
    "{}",
    "null",
    '{"value":-1}',
    '{"value":1.5}',
    '{"value":1e3}',
    '{"value":"7"}',
    '{"value":7',
    '{"value":9223372036854775808}',
    '{"value":10000000000000000000}',
    "<html>7</html>",
  ])("is not in %s", (text) => expect(parseValue(text)).toBeNull());

  it("is grouped as each language does", () => {
    expect(new Words("en").number(VALUE_MAX)).toBe("9,223,372,036,854,775,807");
    const ru = new Words("ru").number(VALUE_MAX);
    expect(ru.replace(/\s/g, " ")).toBe("9 223 372 036 854 775 807");
  });
});

describe("glyphs", () => {
  it("tell digits from marks", () => {
    const list = glyphs("1,234");
    expect(list.map(({ char }) => char).join("")).toBe("1,234");
    expect(list.map(({ digit }) => digit)).toEqual([true, false, true, true, true]);
  });

  it("keep their keys by their place from the right, so that only what changes moves", () => {
    const keys = (text: string) => glyphs(text).map(({ key }) => key);
    expect(keys("1,000").slice(2)).toEqual(keys("999"));
    expect(new Set(keys("1,000,000")).size).toBe(9);
  });
});

describe("the address", () => {
  it("names a counter, or means the shared one", () => {
    expect(parseAddress("")).toEqual({ name: null, path: "/api/counter" });
    expect(parseAddress("?lang=ru")).toEqual({ name: null, path: "/api/counter" });
    expect(parseAddress("?counter=A.b_c-9")).toEqual({
      name: "A.b_c-9",
      path: "/api/counters/A.b_c-9",
    });
    expect(parseAddress(`?counter=${"x".repeat(64)}`)).not.toBeNull();
  });

  it.each(["", "a b", "a/b", "%D1%84", "..", ".", "x".repeat(65), "a%0A"])(
    "cannot name a counter: %s",
    (name) => expect(parseAddress(`?counter=${name}`)).toBeNull(),
  );
});

describe("keys", () => {
  const none = { ctrlKey: false, altKey: false, metaKey: false };
  const press = (key: string, code = "", more = {}) => keyVerb({ key, code, ...none, ...more });

  it("press the counter, also on a Russian layout", () => {
    expect(["+", "=", "ArrowUp", "ArrowRight"].map((key) => press(key))).toEqual(
      Array(4).fill("increment"),
    );
    expect(["-", "−", "ArrowDown", "ArrowLeft"].map((key) => press(key))).toEqual(
      Array(4).fill("decrement"),
    );
    expect(press("к", "KeyR")).toBe("reset");
  });

  it("leave the browser its own", () => {
    expect(press("r", "KeyR", { ctrlKey: true })).toBeNull();
    expect(press("-", "Minus", { metaKey: true })).toBeNull();
    expect(press("ArrowLeft", "ArrowLeft", { altKey: true })).toBeNull();
    expect(press("Enter", "Enter")).toBeNull();
  });
});

describe("the name of a press", () => {
  const insecure = { getRandomValues: webcrypto.getRandomValues.bind(webcrypto) };

  it.each([
    ["a secure origin", webcrypto],
    ["an insecure one", insecure],
  ])("is a new one each time on %s, and fits a header", (_, source) => {
    const names = Array.from({ length: 50 }, () => newKey(source as unknown as Crypto));
    expect(new Set(names).size).toBe(50);
    for (const name of names) expect(name).toMatch(/^[\x21-\x7e]{32,64}$/);
  });
});

describe("words", () => {
  it("count presses by each language's rules", () => {
    const ru = new Words("ru");
    expect([1, 3, 5].map((n) => ru.count("unconfirmed", n))).toEqual([
      "1 нажатие не подтверждено",
      "3 нажатия не подтверждены",
      "5 нажатий не подтверждено",
    ]);
    expect(new Words("en").count("notCounted", 1)).toMatch(/^1 press was/);
  });

  it("give a change its sign", () => {
    expect([3, -1200].map((n) => new Words("en").change(n))).toEqual(["+3", "−1,200"]);
  });
});
