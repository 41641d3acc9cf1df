// Deep links: `#x,y,zoom` in the address, `x_y_zoom` as a Mini App's start parameter (t.me allows
// only letters, digits, `_` and `-` there). Pure.

/** A spot on the board: a cell and, if known, CSS pixels a cell. */
export interface Spot {
  x: number;
  y: number;
  zoom: number | null;
}

function parse(text: string, separator: string): Spot | null {
  const parts = text.split(separator);
  if (parts.length < 2 || parts.length > 3) return null;
  if (!parts.every((part) => /^\d{1,5}(\.\d{1,4})?$/.test(part))) return null;
  const [x, y, zoom] = parts.map(Number) as [number, number, number | undefined];
  return { x: Math.floor(x), y: Math.floor(y), zoom: zoom && zoom > 0 ? zoom : null };
}

export function parseHash(hash: string): Spot | null {
  return parse(hash.replace(/^#/, ""), ",");
}

export function parseStartParam(param: string | null): Spot | null {
  return param === null ? null : parse(param, "_");
}

export function formatHash(x: number, y: number, zoom: number): string {
  return `#${x},${y},${Number(zoom.toPrecision(3))}`;
}
