// Top right: language, theme, share, save, help. On the side, for a mouse: zoom.
import { useView } from "./context";
import { Frame, Help, Minus, Moon, Plus, Save, Share, Sun } from "./icons";

export function Toolbar() {
  const { game, state, words, actions } = useView();
  const dark = state.theme === "dark";
  return (
    <nav class="toolbar" aria-label={words.say("menu")}>
      <button
        class="round panel"
        data-testid="language"
        aria-label={words.say("language")}
        title={words.say("language")}
        onClick={actions.toggleLanguage}
      >
        <span class="letters">{state.language.toUpperCase()}</span>
      </button>
      <Round
        name="theme"
        label={words.say(dark ? "themeLight" : "themeDark")}
        act={actions.toggleTheme}
      >
        {dark ? <Sun /> : <Moon />}
      </Round>
      <Round name="share" label={words.say("share")} act={() => actions.share()}>
        <Share />
      </Round>
      <Round name="save" label={words.say("save")} act={actions.save}>
        <Save />
      </Round>
      <Round name="help" label={words.say("help")} act={() => game.act({ do: "help" })}>
        <Help />
      </Round>
    </nav>
  );
}

export function ZoomButtons() {
  const { game, words } = useView();
  return (
    <div class="zoom panel">
      <Round name="zoom-in" label={words.say("zoomIn")} act={() => game.stage?.zoomBy(2)}>
        <Plus />
      </Round>
      <Round name="zoom-out" label={words.say("zoomOut")} act={() => game.stage?.zoomBy(0.5)}>
        <Minus />
      </Round>
      <Round name="fit" label={words.say("fitAll")} act={() => game.stage?.fitAll()}>
        <Frame />
      </Round>
    </div>
  );
}

interface RoundProps {
  name: string;
  label: string;
  act: () => void;
  children: preact.ComponentChildren;
}

function Round({ name, label, act, children }: RoundProps) {
  return (
    <button class="round panel" data-testid={name} aria-label={label} title={label} onClick={act}>
      {children}
    </button>
  );
}
