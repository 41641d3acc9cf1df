// The page: a canvas, and everything that floats over it.
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { PixelCard } from "./components/card";
import { ViewContext, type Actions } from "./components/context";
import { Dock } from "./components/dock";
import { HelpSheet, Hints, LiveRegion, Toast } from "./components/notes";
import { Banner, StatusPill } from "./components/status";
import { Toolbar, ZoomButtons } from "./components/toolbar";
import type { Game } from "./game";
import { Words } from "./i18n";
import type { GameState } from "./state";

function useGameState(game: Game): GameState {
  const [state, setState] = useState(game.state.get());
  useLayoutEffect(() => game.state.subscribe(() => setState(game.state.get())), [game]);
  return state;
}

export function App({ game, actions }: { game: Game; actions: Actions }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const state = useGameState(game);
  const words = useMemo(() => new Words(state.language), [state.language]);
  useLayoutEffect(() => game.start(canvas.current!), [game]);
  return (
    <ViewContext.Provider value={{ game, state, words, actions }}>
      <main data-aim={state.aim}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={words.say("canvas")}
          data-testid="canvas"
        />
        {!state.boardReady && (
          <p class="loading">
            <span class="spinner" />
            {words.say("loading")}
          </p>
        )}
        <StatusPill />
        <Toolbar />
        <Banner />
        <Hints />
        <PixelCard />
        {state.aim === "mouse" && <ZoomButtons />}
        <div class="bottom">
          <Toast />
          <Dock />
        </div>
        <HelpSheet />
        <LiveRegion />
      </main>
    </ViewContext.Provider>
  );
}
