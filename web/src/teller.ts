// Tells people what happened: a short note over the canvas, and the same for screen readers.
import { formatWait, Words, type Word } from "./i18n";
import type { Language } from "./language";
import { Refusal } from "./protocol";
import type { SignInFailure } from "./session";
import type { GameState, Message } from "./state";
import type { Store } from "./store";

const TOAST_MS = 3500;

export const REFUSALS: Record<number, Word> = {
  [Refusal.cooldown]: "nextCharge",
  [Refusal.frozen]: "frozen",
  [Refusal.outside]: "outside",
  [Refusal.badColor]: "badColor",
  [Refusal.notSignedIn]: "signedOut",
  [Refusal.stale]: "stale",
  [Refusal.unavailable]: "unavailable",
  [Refusal.busy]: "busy",
  [Refusal.banned]: "banned",
};

export const FAILURES: Record<SignInFailure, Word> = {
  guests_disabled: "guestsDisabled",
  telegram_refused: "telegramRefused",
  busy: "busy",
  offline: "signInOffline",
};

export class Teller {
  words: Words;
  private messages = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly state: Store<GameState>,
    private readonly nextChargeMs: () => number,
  ) {
    this.words = new Words(state.get().language);
  }

  speak(language: Language): void {
    this.words = new Words(language);
    this.state.set({ language });
  }

  tell(word: Word, tone: Message["tone"]): void {
    this.show({ word, text: null, tone });
    this.announce(this.words.say(word, { time: formatWait(this.nextChargeMs()) }));
  }

  /** What an operator wrote to everybody. */
  quote(text: string): void {
    this.show({ word: null, text, tone: "info" });
    this.announce(text);
  }

  /** The operator has changed how fast charges come back. */
  tellCooldown(ms: number): void {
    const time = this.words.duration(ms);
    this.quote(ms > 0 ? this.words.say("cooldownNow", { time }) : this.words.say("cooldownOff"));
  }

  /** For screen readers only. The same words again are told again. */
  announce(text: string): void {
    const again = this.state.get().announcement === text;
    this.state.set({ announcement: again ? text + "\u00a0" : text });
  }

  private show(message: Omit<Message, "id">): void {
    const id = (this.messages += 1);
    this.state.set({ toast: { id, ...message } });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.state.set({ toast: null }), TOAST_MS);
  }
}
