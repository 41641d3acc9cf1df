// Bottom centre: charges, palette, coordinates, and on phones the Place button.
import { useEffect, useRef } from "preact/hooks";
import { markOn } from "../colors";
import { formatWait } from "../i18n";
import { useTick, useView } from "./context";
import { Target, Telegram } from "./icons";

export function Dock() {
  const { state } = useView();
  const showPlace = state.aim === "finger" || state.needsTelegram;
  return (
    <section class={`dock panel ${showPlace ? "with-place" : ""}`}>
      <ChargesRing />
      <Palette />
      {showPlace && <PlaceButton />}
      <Coordinates />
    </section>
  );
}

const RING = 2 * Math.PI * 21;

function ChargesRing() {
  const { game, state, words } = useView();
  const { charges, chargesMax, nextMs, progress } = game.charges();
  useTick(nextMs > 0, 200);
  const unlimited = state.canvas?.cooldownMs === 0;
  const wait = nextMs > 0 ? formatWait(nextMs) : "";
  const label = words.say("charges", { n: charges, max: chargesMax });
  const next = wait && words.say("nextCharge", { time: wait });
  return (
    <div
      class={`charges ${charges === 0 ? "none" : ""}`}
      data-testid="charges"
      data-charges={charges}
      role="img"
      aria-label={next ? `${label}. ${next}` : label}
      title={next || label}
    >
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <circle class="track" cx="24" cy="24" r="21" />
        <circle
          class="fill"
          cx="24"
          cy="24"
          r="21"
          stroke-dasharray={RING}
          stroke-dashoffset={RING * (1 - progress)}
        />
      </svg>
      <span class="numbers" aria-hidden="true">
        <b class={unlimited ? "unlimited" : undefined}>
          {unlimited ? "∞" : `${charges}/${chargesMax}`}
        </b>
        {wait && <small>{wait}</small>}
      </span>
    </div>
  );
}

function Palette() {
  const { game, state, words } = useView();
  const row = useRef<HTMLDivElement>(null);
  const palette = state.canvas?.palette ?? [];
  useEffect(() => {
    const chosen = row.current?.children[state.color] as HTMLElement | undefined;
    chosen?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [state.color, palette.length]);

  const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    game.choose(state.color + step);
    (row.current?.children[game.state.get().color] as HTMLElement | undefined)?.focus();
  };
  return (
    <div
      class="palette"
      ref={row}
      role="radiogroup"
      aria-label={words.say("palette")}
      data-testid="palette"
      style={{ "--columns": Math.ceil(palette.length / 2) }}
      onKeyDown={onKeyDown}
    >
      {palette.map((hex, i) => {
        const chosen = i === state.color;
        const name = words.say("color", { n: i + 1, name: words.color(hex) });
        return (
          <button
            key={i}
            class="color"
            role="radio"
            aria-checked={chosen}
            aria-label={name}
            title={name}
            tabIndex={chosen ? 0 : -1}
            data-testid={`color-${i}`}
            onClick={(event) => {
              game.choose(i);
              // After a mouse or a finger the keys belong to the canvas again.
              if (event.detail > 0) game.focusCanvas();
            }}
          >
            <span class="swatch" style={{ backgroundColor: hex, color: markOn(hex) }}>
              {chosen && (
                <svg viewBox="0 0 24 24" aria-hidden="true">
                  <path d="M6 12.5l4 4 8-9" />
                </svg>
              )}
            </span>
          </button>
        );
      })}
    </div>
  );
}

function PlaceButton() {
  const { game, state, words, actions } = useView();
  const { charges, nextMs } = game.charges();
  const waiting = charges === 0 && nextMs > 0;
  useTick(waiting, 200);
  if (state.needsTelegram) {
    return (
      <button class="place wordy" data-testid="place-button" onClick={actions.openTelegram}>
        <Telegram />
        {words.say("openInTelegram")}
      </button>
    );
  }
  const resting = waiting || state.frozen || !state.live;
  const hex = state.canvas?.palette[state.color] ?? "#ffffff";
  const text = state.tooSmall
    ? words.say("zoomToPlace")
    : waiting
      ? formatWait(nextMs)
      : words.say("place");
  return (
    <button
      class={`place ${resting ? "resting" : ""}`}
      data-testid="place-button"
      aria-label={waiting ? words.say("nextCharge", { time: formatWait(nextMs) }) : text}
      onClick={() => game.place()}
    >
      <span class="chip" style={{ backgroundColor: hex }} />
      {text}
    </button>
  );
}

function Coordinates() {
  const { game, state, words } = useView();
  const { target } = state;
  const label = words.say("coordinates", { x: `${target?.x ?? "–"}`, y: `${target?.y ?? "–"}` });
  return (
    <button
      class="coordinates"
      data-testid="coordinates"
      aria-label={label}
      title={label}
      onClick={() => void game.inspect(target)}
    >
      <Target />
      <span>
        {target ? target.x : "–"}, {target ? target.y : "–"}
      </span>
    </button>
  );
}
