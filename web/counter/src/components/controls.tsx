// The three buttons. Reset asks once, in their place.
import { useLayoutEffect, useRef } from "preact/hooks";
import { Minus, Plus } from "../../../src/components/icons";
import type { Verb } from "../api";
import type { View } from "./top";

interface ControlsProps extends View {
  press: (verb: Verb) => void;
  ask: (asking: boolean) => void;
}

export function Controls(props: ControlsProps) {
  const { asking } = props.state;
  const asked = useRef(false);
  const reset = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (asked.current && !asking) reset.current?.focus({ preventScroll: true });
    asked.current = asking;
  }, [asking]);
  return asking ? <Question {...props} /> : <Buttons {...props} resetButton={reset} />;
}

function Buttons(props: ControlsProps & { resetButton: preact.RefObject<HTMLButtonElement> }) {
  const { words, press, ask, resetButton } = props;
  return (
    <div class="controls">
      <button
        class="step panel"
        data-testid="decrement"
        aria-label={words.say("decrement")}
        title={words.say("decrement")}
        onClick={() => press("decrement")}
      >
        <Minus />
      </button>
      <button
        class="step plus"
        data-testid="increment"
        aria-label={words.say("increment")}
        title={words.say("increment")}
        onClick={() => press("increment")}
      >
        <Plus />
      </button>
      <button
        class="button quiet panel"
        data-testid="reset"
        ref={resetButton}
        onClick={() => ask(true)}
      >
        {words.say("reset")}
      </button>
    </div>
  );
}

/** "Keep it" is where "Reset" was: a second tap in the same place changes nothing. */
function Question({ words, press, ask }: ControlsProps) {
  const yes = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => yes.current?.focus({ preventScroll: true }), []);
  const confirm = () => {
    press("reset");
    ask(false);
  };
  return (
    <div class="controls asking" role="group" aria-labelledby="question">
      <p id="question">{words.say("resetAsk")}</p>
      <button class="button bad" data-testid="reset-yes" ref={yes} onClick={confirm}>
        {words.say("resetYes")}
      </button>
      <button class="button quiet panel" data-testid="reset-no" onClick={() => ask(false)}>
        {words.say("resetNo")}
      </button>
    </div>
  );
}
