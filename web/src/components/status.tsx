// Top left: is it live, how many play; and the facts about the canvas behind it.
import type { Words } from "../i18n";
import type { GameState } from "../state";
import { useNarrow, useTick, useView } from "./context";
import { Close, People } from "./icons";

type Health = "live" | "waiting" | "offline";

function healthOf({ live, networkUp, phase }: GameState): Health {
  if (!networkUp || phase.name === "stopped") return "offline";
  return live ? "live" : "waiting";
}

function secondsLeft({ retryAt }: GameState): number {
  return retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
}

/** In full; or, where there is little room, in a word or a number. */
function healthText(state: GameState, words: Words, brief: boolean): string {
  switch (healthOf(state)) {
    case "offline":
      return words.say("offline");
    case "live": {
      const online = Math.max(1, state.online ?? 1); // the first count may be from before us
      return brief ? words.number(online) : words.count("players", online);
    }
    case "waiting": {
      const seconds = secondsLeft(state);
      if (brief) return seconds > 0 ? words.duration(seconds * 1000) : "…";
      if (seconds > 0) return words.say("reconnectingIn", { n: seconds });
      return words.say(state.lived ? "reconnecting" : "connecting");
    }
  }
}

export function StatusPill() {
  const { game, state, words } = useView();
  useTick(state.retryAt !== null, 500);
  const brief = useNarrow();
  const open = state.sheet === "details";
  const text = healthText(state, words, false);
  return (
    <div class="status">
      <button
        class="pill panel"
        data-testid="connection-pill"
        data-health={healthOf(state)}
        aria-expanded={open}
        aria-controls="details"
        aria-label={`${text}. ${words.say("details")}`}
        title={words.say("details")}
        onClick={() => game.state.set({ sheet: open ? null : "details", card: null })}
      >
        <span class="dot" />
        {brief && healthOf(state) === "live" && <People />}
        <span data-testid="online-count">{brief ? healthText(state, words, true) : text}</span>
      </button>
      {open && <Details />}
    </div>
  );
}

function Details() {
  const { game, state, words } = useView();
  const { canvas, position, player } = state;
  const rows: [string, string | undefined][] = [
    [words.say("size"), canvas ? `${canvas.width} × ${canvas.height}` : undefined],
    [words.say("position"), position ? `${position.epoch} : ${position.offset}` : undefined],
    [words.say("replica"), canvas?.servedBy],
    [words.say("version"), canvas?.version],
    [words.say("player"), player ?? undefined],
  ];
  return (
    <section class="details panel" id="details" aria-label={words.say("details")}>
      <header>
        <h2>{canvas?.name ?? "Pixel Battle"}</h2>
        <button
          class="icon-button"
          aria-label={words.say("close")}
          onClick={() => game.state.set({ sheet: null })}
        >
          <Close />
        </button>
      </header>
      <dl>
        {rows.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
    </section>
  );
}

/** Across the top, when the canvas is not what it should be. */
export function Banner() {
  const { game, state, words } = useView();
  const health = healthOf(state);
  if (state.draining) return <div class="banner amber">{words.say("restarting")}</div>;
  if (state.lived && health !== "live") {
    const stopped = state.phase.name === "stopped";
    return (
      <div class={`banner ${health === "offline" ? "red" : "amber"}`} data-testid="banner">
        <span>{words.say(stopped ? "stopped" : "connectionLost")}</span>
        <button onClick={() => game.wake()}>{words.say("retry")}</button>
      </div>
    );
  }
  if (state.frozen) return <div class="banner ice">{words.say("frozen")}</div>;
  return null;
}
