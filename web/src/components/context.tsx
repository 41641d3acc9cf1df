// What every component needs: the game, its state, and words in the chosen language.
import { createContext } from "preact";
import { useContext, useEffect, useReducer, useState } from "preact/hooks";
import type { Game } from "../game";
import type { Words } from "../i18n";
import type { GameState } from "../state";

/** What the buttons around the canvas do; the page decides how. */
export interface Actions {
  toggleLanguage(): void;
  toggleTheme(): void;
  share(cell?: { x: number; y: number }): void;
  save(): void;
  openTelegram(): void;
}

export interface View {
  game: Game;
  state: GameState;
  words: Words;
  actions: Actions;
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("outside of the view");
  return view;
}

/** Draws the component again every so often while `active`. */
export function useTick(active: boolean, everyMs: number): void {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(tick, everyMs, undefined);
    return () => clearInterval(timer);
  }, [active, everyMs]);
}

const narrow = matchMedia("(max-width: 560px)");

/** A phone held upright. */
export function useNarrow(): boolean {
  const [matches, setMatches] = useState(narrow.matches);
  useEffect(() => {
    const follow = () => setMatches(narrow.matches);
    narrow.addEventListener("change", follow);
    return () => narrow.removeEventListener("change", follow);
  }, []);
  return matches;
}
