// Where the counter's page begins: preferences, the address, the keyboard, waking up.
import { render } from "preact";
import { preferredLanguage, type Language } from "../../src/language";
import type { Theme } from "../../src/state";
import { deviceMemory, tabMemory } from "../../src/storage";
import { Store } from "../../src/store";
import { applyTheme, chooseTheme, surroundColor } from "../../src/theme";
import { parseAddress } from "./address";
import { App, BadName } from "./app";
import { Counter, NOTHING_LOST } from "./counter";
import { Words } from "./i18n";
import { keyVerb } from "./keys";
import type { CounterState } from "./state";

const address = parseAddress(location.search);
const systemDark = matchMedia("(prefers-color-scheme: dark)");

const state = new Store<CounterState>({
  health: navigator.onLine ? "waiting" : "offline",
  lived: false,
  retryAt: null,
  value: null,
  rising: true,
  unconfirmed: { count: 0, change: 0 },
  rates: [],
  presses: 0,
  dots: [],
  asking: false,
  toast: null,
  lost: NOTHING_LOST,
  announcement: "",
  language: preferredLanguage(deviceMemory.get("language"), navigator.languages),
  theme: chooseTheme(deviceMemory.get("theme"), null, systemDark.matches),
});

const counter = address && new Counter(address, state, tabMemory);

/* --- Preferences: the same ones as Pixel Battle's, where both are on one host ----------------- */

function showTheme(theme: Theme): void {
  applyTheme(theme, null);
  state.set({ theme });
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", surroundColor());
}

function showLanguage(language: Language): void {
  const words = new Words(language);
  document.documentElement.lang = language;
  document.title = [address?.name, words.say("title")].filter(Boolean).join(" · ");
  state.set({ language });
  counter?.speak(words);
}

systemDark.addEventListener("change", () =>
  showTheme(chooseTheme(deviceMemory.get("theme"), null, systemDark.matches)),
);

const actions = {
  toggleLanguage() {
    const language = state.get().language === "en" ? "ru" : "en";
    deviceMemory.set("language", language);
    showLanguage(language);
  },
  toggleTheme() {
    const theme = state.get().theme === "dark" ? "light" : "dark";
    deviceMemory.set("theme", theme);
    showTheme(theme);
  },
};

/* --- Keyboard, waking up, hiding ------------------------------------------------------------- */

function listen(counter: Counter): void {
  addEventListener("keydown", (event) => {
    const verb = keyVerb(event);
    if (event.key === "Escape") return state.set({ asking: false });
    if (!verb || event.defaultPrevented) return;
    event.preventDefault();
    if (verb === "reset") state.set({ asking: true });
    else counter.press(verb);
  });
  addEventListener("online", () => counter.networkChanged());
  addEventListener("offline", () => counter.networkChanged());
  addEventListener("pagehide", () => counter.sleep());
  addEventListener("pageshow", (event) => event.persisted && counter.wake());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) counter.hidden();
    else counter.wake();
  });
  if (document.hidden) counter.hidden();
}

/* --- Begin --------------------------------------------------------------------------------- */

declare global {
  interface Window {
    /** For tests and the curious: read-only. */
    counter: object;
  }
}

window.counter = {
  state: () => {
    const { health, value, unconfirmed, presses, rates, asking } = state.get();
    const counts = { unconfirmed: unconfirmed.count, presses, rates: [...rates] };
    return { live: health === "live", health, value: value?.toString() ?? null, asking, ...counts };
  },
};

showLanguage(state.get().language);
showTheme(state.get().theme);
const app = document.getElementById("app")!;
if (counter) {
  render(<App counter={counter} name={address.name} actions={actions} />, app);
  listen(counter);
  counter.start();
} else {
  render(<BadName state={state} actions={actions} />, app);
}
