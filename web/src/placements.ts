// The pixels this tab has placed and the board does not show yet: optimistic, and honest about it.
// Pure. An operation is (person, producer, sequence): asked again under the same name it gets its
// first answer, so what a lost connection or a reload left open is settled, never placed anew.
import { UNANSWERED_MAX, type Place } from "./protocol";

/** placed: no answer yet; unconfirmed: none for long; accepted: durable, the board follows. */
export type PlacementState = "placed" | "unconfirmed" | "accepted";

export interface Placement extends Place {
  state: PlacementState;
  at: number; // performance.now when it was placed
  person: string | null; // under whom it was sent; null: not sent yet
  offset: bigint | null; // its entry in the journal
  repeated: boolean; // sent over an earlier connection too: what came of that is open
}

interface Saved {
  producer: string;
  next: number;
  person: string;
  open: [sequence: number, x: number, y: number, color: number][];
}

export const UNCONFIRMED_AFTER_MS = 2000;

export class Placements {
  private list: Placement[] = [];
  private next = 1;
  private inherited = false;

  constructor(
    private producerNow: bigint,
    private readonly newProducer: () => bigint,
    private readonly save: (text: string | null) => void,
  ) {}

  /**
   * Takes up what the same tab left open before a reload; null or nonsense: nothing was. A copied
   * tab inherits the same text, so a producer that was inherited only settles its old placements,
   * and new ones get a producer of their own.
   */
  static restore(
    text: string | null,
    newProducer: () => bigint,
    save: (text: string | null) => void,
    now: number,
  ): Placements {
    const fresh = () => new Placements(newProducer(), newProducer, save);
    if (text === null) return fresh();
    try {
      const saved = JSON.parse(text) as Saved;
      const restored = new Placements(BigInt(saved.producer), newProducer, save);
      restored.next = saved.next;
      restored.list = saved.open.map(([sequence, x, y, color]) => ({
        ...{ sequence, x, y, color, at: now, person: saved.person, offset: null },
        repeated: true,
        state: "unconfirmed",
      }));
      restored.inherited = restored.list.length > 0;
      return restored.inherited ? restored : fresh();
    } catch {
      return fresh();
    }
  }

  get producer(): bigint {
    return this.producerNow;
  }

  /** Everything to draw over the board, oldest first. */
  get all(): readonly Placement[] {
    return this.list;
  }

  get unanswered(): Placement[] {
    return this.list.filter((placement) => placement.state !== "accepted");
  }

  /** Why no placement can be added now, if so. */
  get blocked(): "settling" | "full" | null {
    if (this.inherited) return "settling";
    return this.unanswered.length >= UNANSWERED_MAX ? "full" : null;
  }

  /** Adds a placement, not sent yet. Only when nothing is `blocked`. */
  add(x: number, y: number, color: number, now: number): Placement {
    const sequence = this.next;
    this.next += 1;
    const state = "placed";
    const placement: Placement = {
      sequence,
      x,
      y,
      color,
      state,
      at: now,
      person: null,
      offset: null,
      repeated: false,
    };
    this.list.push(placement);
    return placement;
  }

  /**
   * What to send after signing in as `person`: everything unanswered, in order. What was sent under
   * somebody else's name cannot be asked about any more and is given up.
   */
  signedInAs(person: string): { send: Placement[]; givenUp: Placement[] } {
    const givenUp = this.unanswered.filter((p) => p.person !== null && p.person !== person);
    this.remove(givenUp);
    const send = this.unanswered;
    for (const placement of send) {
      placement.repeated ||= placement.person !== null;
      placement.person = person;
    }
    this.changed();
    return { send, givenUp };
  }

  /** The answer for a sequence; null if it was answered before. */
  accepted(sequence: number, offset: bigint): Placement | null {
    const placement = this.find(sequence);
    if (!placement) return null;
    placement.state = "accepted";
    placement.offset = offset;
    this.changed();
    return placement;
  }

  /** If it may be under way where it was sent first: then only a decision answers it. */
  repeated(sequence: number): Placement | null {
    const placement = this.find(sequence);
    return placement?.repeated ? placement : null;
  }

  refused(sequence: number): Placement | null {
    const placement = this.find(sequence);
    if (!placement) return null;
    this.remove([placement]);
    return placement;
  }

  /** Signing in failed: gives up what was never sent, or everything unanswered. */
  giveUp(which: "unsent" | "all"): Placement[] {
    const gone = this.unanswered.filter((p) => which === "all" || p.person === null);
    this.remove(gone);
    return gone;
  }

  /** The board has come to `offset`: it shows every accepted placement up to there. */
  boardAt(offset: bigint): boolean {
    const shown = this.list.filter((p) => p.offset !== null && p.offset <= offset);
    if (shown.length > 0) this.remove(shown);
    return shown.length > 0;
  }

  /** The board is one of another epoch: it shows whatever of ours it has. */
  boardReplaced(): void {
    this.remove(this.list.filter((placement) => placement.state === "accepted"));
  }

  /** Those that have now waited too long for an answer, each told once. */
  overdue(now: number): Placement[] {
    const late = this.list.filter(
      (p) => p.state === "placed" && now - p.at >= UNCONFIRMED_AFTER_MS,
    );
    for (const placement of late) placement.state = "unconfirmed";
    return late;
  }

  private find(sequence: number): Placement | undefined {
    return this.unanswered.find((placement) => placement.sequence === sequence);
  }

  private remove(gone: Placement[]): void {
    this.list = this.list.filter((placement) => !gone.includes(placement));
    this.changed();
  }

  private changed(): void {
    const open = this.unanswered.filter((placement) => placement.person !== null);
    if (this.inherited && this.unanswered.length === 0) {
      this.inherited = false;
      this.producerNow = this.newProducer();
      this.next = 1;
    }
    if (open.length === 0) return this.save(null);
    const saved: Saved = {
      producer: this.producerNow.toString(),
      next: this.next,
      person: open[0]!.person!,
      open: open.map(({ sequence, x, y, color }) => [sequence, x, y, color]),
    };
    this.save(JSON.stringify(saved));
  }
}
