// What floats by: toasts, the first hints, the help sheet; and the live region for screen readers.
import { useEffect, useRef } from "preact/hooks";
import { formatWait, type Word } from "../i18n";
import { useTick, useView } from "./context";
import { Close, Drop, Hand, Target } from "./icons";

export function Toast() {
  const { game, state, words, actions } = useView();
  const { toast } = state;
  useTick(toast?.word === "nextCharge", 200);
  if (!toast) return null;
  const time = formatWait(game.charges().nextMs);
  const text = toast.word ? words.say(toast.word, { time }) : toast.text;
  return (
    <div class={`toast ${toast.tone}`} key={toast.id} data-testid="toast">
      <span>{text}</span>
      {toast.word === "guestsDisabled" && (
        <button onClick={actions.openTelegram}>{words.say("openInTelegram")}</button>
      )}
    </div>
  );
}

export function LiveRegion() {
  const { state } = useView();
  return (
    <div class="hidden" role="status" aria-live="polite">
      {state.announcement}
    </div>
  );
}

export function Hints() {
  const { game, state, words } = useView();
  if (!state.hints || !state.boardReady) return null;
  const finger = state.aim === "finger";
  const close = () => {
    game.dismissHints();
    game.focusCanvas();
  };
  return (
    <section class="hints panel" aria-label={words.say("welcome")} data-testid="hints">
      <h2>{words.say("welcome")}</h2>
      <ol>
        <li>
          <Hand /> {words.say(finger ? "hintMoveTouch" : "hintMoveMouse")}
        </li>
        <li>
          <Drop /> {words.say("hintChoose")}
        </li>
        <li>
          <Target /> {words.say(finger ? "hintPlaceTouch" : "hintPlaceMouse")}
        </li>
      </ol>
      <button class="primary" onClick={close}>
        {words.say("gotIt")}
      </button>
    </section>
  );
}

const KEYS: [keys: string[], word: Word][] = [
  [["←", "↑", "↓", "→", "WASD"], "keyMove"],
  [["Shift + ←↑↓→"], "keyFast"],
  [["+", "−"], "keyZoom"],
  [["1 … 9", "0", "Q", "E"], "keyColor"],
  [["Enter", "space"], "keyPlace"],
  [["I"], "keyInfo"],
  [["?"], "keyHelp"],
];

const TOUCHES: [touch: Word, word: Word][] = [
  ["tap", "helpTap"],
  ["doubleTap", "helpDouble"],
  ["longPress", "helpLong"],
];

export function HelpSheet() {
  const { game, state, words } = useView();
  const sheet = useRef<HTMLDialogElement>(null);
  const open = state.sheet === "help";
  useEffect(() => {
    if (open) sheet.current?.showModal();
  }, [open]);
  if (!open) return null;
  const close = () => game.state.set({ sheet: null });
  const { cooldownMs = 0, chargesMax = 1 } = state.canvas ?? {};
  const rules = words.say("helpRules", { time: words.duration(cooldownMs), max: chargesMax });
  const keys = (
    <section key="keys">
      <h3>{words.say("helpKeyboard")}</h3>
      <dl>
        {KEYS.map(([keys, word]) => (
          <div key={word}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key === "space" ? words.say("space") : key}</kbd>
              ))}
            </dt>
            <dd>{words.say(word)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
  const touches = (
    <section key="touches">
      <h3>{words.say("helpTouch")}</h3>
      <dl>
        {TOUCHES.map(([touch, word]) => (
          <div key={touch}>
            <dt>{words.say(touch)}</dt>
            <dd>{words.say(word)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
  return (
    <dialog
      class="help panel"
      ref={sheet}
      aria-labelledby="help-title"
      data-testid="help-sheet"
      onClose={close}
      onClick={(event) => event.target === sheet.current && close()}
    >
      <header>
        <h2 id="help-title">{words.say("help")}</h2>
        <button class="icon-button" aria-label={words.say("close")} onClick={close}>
          <Close />
        </button>
      </header>
      <p>
        {cooldownMs > 0 ? rules : words.say("helpNoCooldown")} {words.say("helpHatched")}
      </p>
      {state.aim === "finger" ? [touches, keys] : [keys, touches]}
    </dialog>
  );
}
