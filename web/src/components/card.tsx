// The pixel card: what colour, who, when, and what was there before.
import type { PixelInfo } from "../api";
import type { Card } from "../state";
import { useTick, useView } from "./context";
import { Close, Link } from "./icons";

const HISTORY_SHOWN = 4;

export function PixelCard() {
  const { game, state, words, actions } = useView();
  const { card, canvas } = state;
  useTick(card !== null, 10_000);
  if (!card || !canvas) return null;
  const { x, y } = card.cell;
  const title = words.say("cardTitle", { x: `${x}`, y: `${y}` });
  return (
    <section class="card panel" role="dialog" aria-label={title} data-testid="pixel-card">
      <header>
        <Swatch color={colorOf(card, game.board?.at(x, y) ?? 0)} big />
        <h2>{title}</h2>
        <button
          class="icon-button"
          aria-label={words.say("copyLink")}
          title={words.say("copyLink")}
          onClick={() => actions.share({ x, y })}
        >
          <Link />
        </button>
        <button
          class="icon-button"
          aria-label={words.say("close")}
          onClick={() => game.state.set({ card: null })}
        >
          <Close />
        </button>
      </header>
      <History card={card} />
    </section>
  );
}

function colorOf({ info }: Card, fallback: number): number {
  return typeof info === "string" ? fallback : info.color;
}

function History({ card: { info } }: { card: Card }) {
  const { words } = useView();
  if (info === "loading") return <p class="muted">{words.say("cardLoading")}</p>;
  if (info === "failed") return <p class="muted">{words.say("cardFailed")}</p>;
  const [last, ...before] = info.placements;
  if (!last) return <p class="muted">{words.say("cardEmpty")}</p>;
  return (
    <>
      <p class="author">
        <b>{last.user.name}</b>
        <When timeMs={last.time_ms} />
      </p>
      {before.length > 0 && (
        <>
          <h3>{words.say("cardHistory")}</h3>
          <ol>
            {before.slice(0, HISTORY_SHOWN).map((placement) => (
              <Entry key={placement.offset} placement={placement} />
            ))}
          </ol>
        </>
      )}
    </>
  );
}

function Entry({ placement }: { placement: PixelInfo["placements"][number] }) {
  return (
    <li>
      <Swatch color={placement.color} />
      <span>{placement.user.name}</span>
      <When timeMs={placement.time_ms} />
    </li>
  );
}

function When({ timeMs }: { timeMs: number }) {
  const { words } = useView();
  const exact = words.time(timeMs);
  return (
    <time class="muted" dateTime={new Date(timeMs).toISOString()} title={exact}>
      {words.ago(timeMs, Date.now())}
    </time>
  );
}

function Swatch({ color, big = false }: { color: number; big?: boolean }) {
  const { state, words } = useView();
  const hex = state.canvas?.palette[color] ?? "#000000";
  return (
    <span
      class={`mini-swatch ${big ? "big" : ""}`}
      role="img"
      aria-label={words.color(hex)}
      title={words.color(hex)}
      style={{ backgroundColor: hex }}
    />
  );
}
