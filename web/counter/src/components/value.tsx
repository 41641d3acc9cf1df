// The number, as large as its digits let it be; each digit that changes rolls by itself.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { glyphs } from "../value";
import type { View } from "./top";

const QUICK_MS = 120; // changes that follow each other faster are not animated
const MARK_WIDTH = 0.5; // of a digit
const PROBE_PX = 100;

export function Value({ state, words }: View) {
  const probe = useRef<HTMLSpanElement>(null);
  const [digitEm, setDigitEm] = useState(0.65);
  useLayoutEffect(() => {
    setDigitEm(probe.current!.getBoundingClientRect().width / PROBE_PX || digitEm);
  }, []);
  const { value, rising, health } = state;
  const text = value === null ? "" : words.number(value);
  const list = glyphs(text);
  const digits = list.filter(({ digit }) => digit).length;
  const em = digitEm * (digits + MARK_WIDTH * (list.length - digits));
  return (
    <section class="stage" data-health={health}>
      <h1 class="hidden" data-testid="value">
        {value === null ? words.say("loading") : words.say("value", { value: text })}
      </h1>
      <span class="probe number" ref={probe} aria-hidden="true">
        0
      </span>
      <div class="room">
        <div
          class="number"
          data-testid="number"
          aria-hidden="true"
          style={{
            "--em": em || 1,
            "--digit": `${digitEm}em`,
            "--mark": `${digitEm * MARK_WIDTH}em`,
          }}
        >
          {list.map(({ char, key, digit }) =>
            digit ? (
              <Digit key={key} char={char} rising={rising} />
            ) : (
              <span key={key} class="mark">
                {char}
              </span>
            ),
          )}
        </div>
      </div>
    </section>
  );
}

function Digit({ char, rising }: { char: string; rising: boolean }) {
  const shown = useRef({ char, was: "", rising, changes: 0, at: 0 });
  if (shown.current.char !== char) {
    const { char: was, changes, at } = shown.current;
    const now = performance.now();
    const quick = now - at < QUICK_MS;
    shown.current = { char, was: quick ? "" : was, rising, changes: changes + 1, at: now };
  }
  const { was, changes } = shown.current;
  return (
    <span class={shown.current.rising ? "digit up" : "digit down"}>
      <span key={`come${changes}`} class={was ? "come" : ""}>
        {char}
      </span>
      {was && (
        <span key={`go${changes}`} class="go">
          {was}
        </span>
      )}
    </span>
  );
}
