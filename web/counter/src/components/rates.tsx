// Changes per second in the last minute, one bar a second. Where nothing is known there is no bar.
import { SECONDS } from "../rates";
import type { View } from "./top";

const HEIGHT = 40;
const QUIET = 1.2; // the height of a second without a change
const BAR = 0.72; // of a second's width
const FULL_MIN = 4; // changes a second that fill the height, at least

function bar(x: number, height: number): string {
  return `M${x} ${HEIGHT}v${-height.toFixed(2)}h${BAR}v${height.toFixed(2)}z`;
}

/** The outlines of the quiet and of the other seconds. */
function outlines(rates: readonly (number | null)[], most: number): [quiet: string, busy: string] {
  const full = Math.max(most, FULL_MIN);
  let [quiet, busy] = ["", ""];
  rates.forEach((rate, x) => {
    if (rate === 0) quiet += bar(x, QUIET);
    else if (rate !== null) busy += bar(x, Math.max(3 * QUIET, (rate / full) * HEIGHT));
  });
  return [quiet, busy];
}

export function RatesCard({ state, words }: View) {
  const { rates } = state;
  const most = Math.max(0, ...rates.map((rate) => rate ?? 0));
  const now = rates[SECONDS - 2] ?? 0; // the last second that is over
  const numbers = { now: words.number(now), most: words.number(most) };
  const [quiet, busy] = outlines(rates, most);
  return (
    <section class="card panel">
      <header>
        <h2>{words.say("rates")}</h2>
        <span class="facts">{words.say("ratesNow", numbers)}</span>
      </header>
      <svg
        class="rates"
        viewBox={`0 0 ${SECONDS} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words.say("ratesLabel", numbers)}
        data-testid="rates"
      >
        <path class="quiet" d={quiet} />
        <path class="busy" d={busy} />
      </svg>
    </section>
  );
}
