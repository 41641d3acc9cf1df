// The top of the page: is it live; language and theme.
import { useEffect, useReducer } from "preact/hooks";
import { Moon, Sun } from "../../../src/components/icons";
import type { Words } from "../i18n";
import type { CounterState } from "../state";

/** What the buttons at the top do. */
export interface Actions {
  toggleLanguage(): void;
  toggleTheme(): void;
}

export interface View {
  state: CounterState;
  words: Words;
}

function healthText({ health, lived, retryAt }: CounterState, words: Words): string {
  if (health !== "waiting") return words.say(health);
  const seconds = retryAt === null ? 0 : Math.ceil((retryAt - performance.now()) / 1000);
  if (seconds > 0) return words.say("reconnectingIn", { n: seconds });
  return words.say(lived ? "reconnecting" : "connecting");
}

export function StatusPill({ state, words, wake }: View & { wake: () => void }) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const waiting = state.retryAt !== null;
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(tick, 500, undefined);
    return () => clearInterval(timer);
  }, [waiting]);
  const text = healthText(state, words);
  const shared = {
    class: "pill panel",
    "data-testid": "connection-pill",
    "data-health": state.health,
  };
  const content = (
    <>
      <span class="dot" />
      <span>{text}</span>
    </>
  );
  if (state.health === "live") return <div {...shared}>{content}</div>;
  const retry = words.say("retry");
  return (
    <button {...shared} aria-label={`${text} ${retry}`} title={retry} onClick={wake}>
      {content}
    </button>
  );
}

export function Settings({ state, words, actions }: View & { actions: Actions }) {
  const dark = state.theme === "dark";
  const theme = words.say(dark ? "themeLight" : "themeDark");
  const language = words.say("language");
  return (
    <nav class="settings" aria-label={words.say("menu")}>
      <button
        class="round panel"
        data-testid="language"
        aria-label={language}
        title={language}
        onClick={actions.toggleLanguage}
      >
        <span class="letters">{state.language.toUpperCase()}</span>
      </button>
      <button
        class="round panel"
        data-testid="theme"
        aria-label={theme}
        title={theme}
        onClick={actions.toggleTheme}
      >
        {dark ? <Sun /> : <Moon />}
      </button>
    </nav>
  );
}
