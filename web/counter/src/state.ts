// What the page shows at a moment: the one value that all components draw from.
import type { Language } from "../../src/language";
import type { Theme } from "../../src/state";
import type { Word } from "./i18n";
import type { Dot } from "./replicas";
import type { Unconfirmed } from "./tally";

/** offline: this device has no network; waiting: for the server. */
export type Health = "live" | "waiting" | "offline";

/** Presses that nobody answered for too long, until a person has seen it. */
export interface Lost {
  notCounted: number;
  maybeCounted: number;
}

export interface CounterState {
  health: Health;
  lived: boolean; // has been live before
  retryAt: number | null; // performance.now of the next attempt
  value: bigint | null;
  rising: boolean; // the last change went up
  unconfirmed: Unconfirmed;
  rates: readonly (number | null)[];
  presses: number; // of this tab, answered
  dots: readonly Dot[];
  asking: boolean; // whether to reset
  toast: { id: number; word: Word } | null;
  lost: Lost;
  announcement: string;
  language: Language;
  theme: Theme;
}
