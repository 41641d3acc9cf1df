// The counter as a tab knows it: brings the stream, this tab's presses and the state together.
import type { Memory } from "../../src/storage";
import type { Store } from "../../src/store";
import type { Address } from "./address";
import { newKey, press, readCounter, type Answer, type Verb } from "./api";
import { Words, type Word } from "./i18n";
import { Live, type Phase, type Stream } from "./live";
import { Presses, type Press, type Verdict } from "./presses";
import { Rates } from "./rates";
import { Replicas } from "./replicas";
import type { CounterState } from "./state";
import { KEPT_MS, Tally } from "./tally";

const TOAST_MS = 3500;
const TICK_MS = 500;
const ANNOUNCE_EVERY_MS = 4000;
const SLEEP_AFTER_MS = 5000; // hidden
export const NOTHING_LOST = { notCounted: 0, maybeCounted: 0 };

const REFUSALS: Record<string, Word> = {
  at_zero: "atZero",
  overflow: "overflow",
  rate_limited: "rateLimited",
  too_many_counters: "tooManyCounters",
  key_reused: "keyReused",
};

export class Counter {
  readonly replicas = new Replicas();
  private readonly tally = new Tally();
  private readonly rates = new Rates();
  private readonly live: Live;
  private readonly presses: Presses;
  private words: Words;
  private toasts = 0;
  private toastTimer: ReturnType<typeof setTimeout> | undefined;
  private sleepTimer: ReturnType<typeof setTimeout> | undefined;
  private announceTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly openKey: string; // what the tab remembers, and under which names
  private readonly countKey: string;

  constructor(
    { path }: Address,
    readonly state: Store<CounterState>,
    private readonly memory: Memory,
  ) {
    this.openKey = `open ${path}`;
    this.countKey = `presses ${path}`;
    this.words = new Words(state.get().language);
    this.live = new Live({
      open: () => new EventSource(`${path}/events`) as unknown as Stream,
      read: async () => (await readCounter(path)).value,
      random: Math.random,
      onPhase: (phase) => this.phaseChanged(phase),
      onValue: (value) => this.told(value),
    });
    this.presses = new Presses({
      send: ({ verb, key }) => press(path, verb, key),
      newKey,
      random: Math.random,
      save: (text) => memory.set(this.openKey, text),
      onSent: ({ key }) => this.tally.sent(key),
      onAnswer: (press, answer, verdict) => this.answered(press, answer, verdict),
      onGivenUp: (press) => this.gaveUp(press),
    });
  }

  start(): void {
    this.state.set({ presses: Number(this.memory.get(this.countKey)) || 0 });
    const left = this.presses.restore(this.memory.get(this.openKey));
    for (const { key, verb } of left) this.tally.pressed(key, verb);
    setInterval(() => this.tick(), TICK_MS);
    this.live.connect();
  }

  speak(words: Words): void {
    this.words = words;
    this.state.set({ language: words.language });
  }

  /** One press of a person's. */
  press(verb: Verb): void {
    const made = this.presses.add(verb);
    if (!made) return this.tell("full");
    this.tally.pressed(made.key, verb);
    this.state.set({ toast: null, lost: NOTHING_LOST }); // it has been seen
    this.show();
  }

  /** A person has read which presses were lost. */
  seenLost(): void {
    this.state.set({ lost: NOTHING_LOST });
  }

  wake(): void {
    clearTimeout(this.sleepTimer);
    this.live.wake();
    this.presses.wake();
  }

  networkChanged(): void {
    this.phaseChanged(this.live.phase);
    this.wake();
  }

  /** Nobody sees the page. */
  hidden(): void {
    clearTimeout(this.sleepTimer);
    this.sleepTimer = setTimeout(() => this.sleep(), SLEEP_AFTER_MS);
  }

  sleep(): void {
    this.live.sleep();
  }

  private phaseChanged(phase: Phase): void {
    const live = phase.name === "live";
    if (live) this.presses.wake();
    else this.rates.lose(performance.now());
    const inMs = phase.name === "waiting" ? phase.retryInMs : null;
    this.state.set({
      health: !navigator.onLine ? "offline" : live ? "live" : "waiting",
      lived: live || this.state.get().lived,
      retryAt: inMs === null ? null : performance.now() + inMs,
    });
  }

  private told(value: bigint): void {
    this.tally.tell(value);
    this.rates.tell(value, performance.now());
    this.show();
    this.announceTimer ??= setTimeout(() => this.announceValue(), ANNOUNCE_EVERY_MS);
  }

  private answered({ key, verb }: Press, answer: Answer, verdict: Verdict): void {
    const word = REFUSALS[answer.code];
    if (verdict === "again" || verdict === "maybe") {
      if (word) this.tell(word);
      return;
    }
    const counted = verdict === "counted";
    this.replicas.answered({ replica: answer.servedBy, verb, counted });
    if (counted) {
      const live = this.live.phase.name === "live";
      this.tally.counted(key, answer.value!, live, performance.now());
      setTimeout(() => this.tally.settle(performance.now()) && this.show(), KEPT_MS);
    } else {
      this.tally.dropped(key);
      this.tell(word ?? "refused");
    }
    const presses = this.state.get().presses + 1;
    this.memory.set(this.countKey, String(presses));
    this.state.set({ presses, dots: this.replicas.dots });
    this.show();
    if (counted && this.state.get().unconfirmed.count === 0) this.announceValue();
  }

  private gaveUp({ key, maybe }: Press): void {
    this.tally.dropped(key);
    const { notCounted, maybeCounted } = this.state.get().lost;
    const lost = maybe
      ? { notCounted, maybeCounted: maybeCounted + 1 }
      : { notCounted: notCounted + 1, maybeCounted };
    this.state.set({ lost });
    this.show();
  }

  /** Draws the number and what there is to say about it. */
  private show(): void {
    const value = this.tally.shown;
    const before = this.state.get().value;
    const changed = value !== null && before !== null && value !== before;
    this.state.set({
      value,
      rising: changed ? value > before : this.state.get().rising,
      unconfirmed: this.tally.unconfirmed,
      rates: this.rates.last(performance.now()),
    });
  }

  private tick(): void {
    this.state.set({ rates: this.rates.last(performance.now()) });
  }

  private tell(word: Word): void {
    this.toasts += 1;
    this.state.set({ toast: { id: this.toasts, word } });
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => this.state.set({ toast: null }), TOAST_MS);
    this.announce(this.words.say(word));
  }

  private announceValue(): void {
    clearTimeout(this.announceTimer);
    this.announceTimer = undefined;
    const { value } = this.state.get();
    if (value !== null) this.announce(this.words.number(value));
  }

  /** For screen readers only. The same words again are told again. */
  private announce(text: string): void {
    const again = this.state.get().announcement === text;
    this.state.set({ announcement: again ? text + "\u00a0" : text });
  }
}
