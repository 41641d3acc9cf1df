// The page: one number that fills the screen, three buttons, and below what there is to see.
import { useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { Store } from "../../src/store";
import { Controls } from "./components/controls";
import { Notes } from "./components/notes";
import { PressesCard } from "./components/presses";
import { RatesCard } from "./components/rates";
import { Settings, StatusPill, type Actions } from "./components/top";
import { Value } from "./components/value";
import type { Counter } from "./counter";
import { Words } from "./i18n";
import type { CounterState } from "./state";

function useView(store: Store<CounterState>) {
  const [state, setState] = useState(store.get());
  useLayoutEffect(() => store.subscribe(() => setState(store.get())), [store]);
  return { state, words: useMemo(() => new Words(state.language), [state.language]) };
}

interface AppProps {
  counter: Counter;
  name: string | null;
  actions: Actions;
}

export function App({ counter, name, actions }: AppProps) {
  const view = useView(counter.state);
  const { state, words } = view;
  return (
    <>
      <header>
        <StatusPill {...view} wake={() => counter.wake()} />
        {name !== null && (
          <p class="name" title={name}>
            {name}
          </p>
        )}
        <Settings {...view} actions={actions} />
      </header>
      <main>
        <Value {...view} />
        <Notes {...view} seen={() => counter.seenLost()} />
        <Controls
          {...view}
          press={(verb) => counter.press(verb)}
          ask={(asking) => counter.state.set({ asking })}
        />
        <div class="cards">
          <RatesCard {...view} />
          <PressesCard {...view} replicas={counter.replicas} />
        </div>
        <p class="keys">{words.say("keys")}</p>
        <div class="hidden" role="status" aria-live="polite" data-testid="announcement">
          {state.announcement}
        </div>
      </main>
    </>
  );
}

export function BadName({ state, actions }: { state: Store<CounterState>; actions: Actions }) {
  const view = useView(state);
  const { words } = view;
  return (
    <>
      <header>
        <span />
        <Settings {...view} actions={actions} />
      </header>
      <main class="bad-name" data-testid="bad-name">
        <h1>{words.say("badName")}</h1>
        <p>{words.say("badNameWhy")}</p>
        <a class="button" href="./">
          {words.say("shared")}
        </a>
      </main>
    </>
  );
}
