// The line under the number: what is not confirmed, what was refused, what was lost.
import { Close } from "../../../src/components/icons";
import type { View } from "./top";

export function Notes({ state, words, seen }: View & { seen: () => void }) {
  return (
    <div class="notes">
      <Line state={state} words={words} seen={seen} />
    </div>
  );
}

function Line({ state, words, seen }: View & { seen: () => void }) {
  const { toast, lost, unconfirmed } = state;
  if (lost.notCounted + lost.maybeCounted > 0) {
    const { notCounted, maybeCounted } = lost;
    return (
      <div class="toast bad" role="alert" data-testid="lost">
        <span>
          {notCounted > 0 && words.count("notCounted", notCounted)}
          {notCounted > 0 && maybeCounted > 0 && ". "}
          {maybeCounted > 0 && words.count("maybeCounted", maybeCounted)}
        </span>
        <button aria-label={words.say("close")} onClick={seen}>
          <Close />
        </button>
      </div>
    );
  }
  if (toast) {
    return (
      <div class="toast bad" key={toast.id} data-testid="toast">
        {words.say(toast.word)}
      </div>
    );
  }
  if (unconfirmed.count === 0) return null;
  const { change, count } = unconfirmed;
  return (
    <p class="unconfirmed" data-testid="unconfirmed">
      {change
        ? words.say("unconfirmedChange", { change: words.change(change) })
        : words.count("unconfirmed", count)}
    </p>
  );
}
