// Which replica answered which press, as dots. Pure. A replica's look comes from its name, so it is
// the same in every tab; only where two names want the same look the later one takes the next.

// They stand out from the panel of both themes; each also has a shape of its own.
export const COLORS = [
  "#2f80ed",
  "#d9662b",
  "#1f9d61",
  "#c2459b",
  "#8a62e8",
  "#a8820f",
  "#1795a6",
  "#dd4a4a",
] as const;
export const SHAPES = ["circle", "square", "diamond", "drop"] as const;

const DOTS_MAX = 30;
const NAME_CHARS_MAX = 18;

export interface Look {
  color: string;
  shape: (typeof SHAPES)[number];
}

export interface Dot {
  id: number;
  replica: string;
  verb: "increment" | "decrement" | "reset";
  counted: boolean;
}

function slotOf(name: string): number {
  let hash = 0;
  for (const char of name) hash = (Math.imul(hash, 31) + char.codePointAt(0)!) >>> 0;
  return hash % COLORS.length;
}

export class Replicas {
  private readonly slots = new Map<string, number>();
  private next = 1;
  dots: readonly Dot[] = [];

  answered(press: Omit<Dot, "id">): void {
    const id = this.next;
    this.next += 1;
    this.dots = [...this.dots, { id, ...press }].slice(-DOTS_MAX);
  }

  look(name: string): Look {
    let slot = this.slots.get(name);
    if (slot === undefined) {
      slot = slotOf(name);
      const taken = new Set(this.slots.values());
      for (let tries = 0; taken.has(slot) && tries < COLORS.length; tries += 1) {
        slot = (slot + 1) % COLORS.length;
      }
      this.slots.set(name, slot);
    }
    return { color: COLORS[slot]!, shape: SHAPES[slot % SHAPES.length]! };
  }

  /** The replicas among the dots, by name, with how many of them are theirs. */
  get legend(): [name: string, count: number][] {
    const counts = new Map<string, number>();
    for (const { replica } of this.dots) counts.set(replica, (counts.get(replica) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** A long name by its end, which is where siblings differ. */
export function shortName(name: string): string {
  return name.length <= NAME_CHARS_MAX ? name : `…${name.slice(1 - NAME_CHARS_MAX)}`;
}
