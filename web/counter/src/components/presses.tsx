// How often this tab pressed, and which replica answered each of the last presses.
import type { Words } from "../i18n";
import { shortName, type Dot, type Look, type Replicas } from "../replicas";
import type { View } from "./top";

const WAITING_MAX = 8; // rings for presses that nobody has answered yet

const SIGNS: Record<Dot["verb"], string> = { increment: "+1", decrement: "−1", reset: "→ 0" };

function Mark({ color, shape }: Look) {
  return <span class={`replica ${shape}`} style={{ background: color }} />;
}

function dotText({ replica, verb, counted }: Dot, words: Words): string {
  const name = replica || words.say("unnamed");
  return words.say(counted ? "pressedBy" : "refusedBy", { verb: SIGNS[verb], name });
}

export function PressesCard({ state, words, replicas }: View & { replicas: Replicas }) {
  const waiting = Math.min(state.unconfirmed.count, WAITING_MAX);
  const empty = state.dots.length + waiting === 0;
  return (
    <section class="card panel">
      <header>
        <h2>{words.say("presses")}</h2>
        <span class="facts" data-testid="presses">
          {words.number(state.presses)}
        </span>
      </header>
      {empty ? (
        <p class="empty">{words.say("noPresses")}</p>
      ) : (
        <>
          <ol class="dots" data-testid="dots">
            {state.dots.map((dot) => (
              <li
                key={dot.id}
                class={dot.counted ? "" : "refused"}
                title={dotText(dot, words)}
                data-replica={dot.replica}
              >
                <Mark {...replicas.look(dot.replica)} />
                <span class="hidden">{dotText(dot, words)}</span>
              </li>
            ))}
            {Array.from({ length: waiting }, (_, index) => (
              <li key={`waiting${index}`} class="waiting" aria-hidden="true">
                <span class="replica circle" />
              </li>
            ))}
          </ol>
          <ul class="legend" data-testid="legend">
            {replicas.legend.map(([name, count]) => (
              <li key={name} title={name}>
                <Mark {...replicas.look(name)} />
                <span class="replica-name">{shortName(name || words.say("unnamed"))}</span>
                <b>{words.number(count)}</b>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
