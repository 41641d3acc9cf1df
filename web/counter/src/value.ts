// The counter's value: 64 bits, more than a double can hold. Read from the text, shown by glyphs.
// Pure.

export const VALUE_MAX = 2n ** 63n - 1n;

/** The value in `{"value":n}`, which JSON.parse would round; null if there is none. */
export function parseValue(text: string): bigint | null {
  const digits = /^\s*\{\s*"value"\s*:\s*(\d{1,19})\s*[,}]/.exec(text)?.[1];
  if (digits === undefined) return null;
  const value = BigInt(digits);
  return value <= VALUE_MAX ? value : null;
}

export interface Glyph {
  char: string;
  key: string; // the same place has the same key, however many digits are before it
  digit: boolean;
}

/** The characters of a formatted number, each named by its place from the right. */
export function glyphs(text: string): Glyph[] {
  const chars = [...text];
  return chars.map((char, index) => {
    const digit = char >= "0" && char <= "9";
    return { char, digit, key: `${digit ? "digit" : "mark"}${chars.length - index}` };
  });
}
