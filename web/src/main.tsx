// Where the page begins: preferences, the address, the keyboard, waking up.
import { render } from "preact";
import { App } from "./app";
import type { Actions } from "./components/context";
import { Game } from "./game";
import { keyAction } from "./input";
import { preferredLanguage, type Language } from "./language";
import { formatHash, parseHash, parseStartParam, type Spot } from "./location";
import type { GameState, Theme } from "./state";
import { deviceMemory } from "./storage";
import { Store } from "./store";
import { Telegram, type TelegramTheme } from "./telegram";
import { applyTheme, chooseTheme, surroundColor } from "./theme";
import { PLACE_AT_SCALE, type Camera } from "./view";

const ADDRESS_EVERY_MS = 400; // Safari takes at most a hundred changes in half a minute

const telegram = new Telegram(window);
let telegramTheme: TelegramTheme | null = telegram.launch?.theme ?? null;
const systemDark = matchMedia("(prefers-color-scheme: dark)");

const state = new Store<GameState>({
  phase: { name: "connecting" },
  retryAt: null,
  live: false,
  lived: false,
  networkUp: navigator.onLine,
  draining: false,
  online: null,
  canvas: null,
  boardReady: false,
  position: null,
  frozen: false,
  needsTelegram: false,
  player: null,
  color: Number(deviceMemory.get("color") ?? 2) || 0,
  target: null,
  aim: "mouse",
  tooSmall: false,
  unanswered: 0,
  chargesVersion: 0,
  toast: null,
  announcement: "",
  card: null,
  sheet: null,
  hints: deviceMemory.get("hints") === null,
  language: preferredLanguage(deviceMemory.get("language"), navigator.languages),
  theme: chooseTheme(deviceMemory.get("theme"), telegramTheme, systemDark.matches),
});

/* --- The address and the last place ---------------------------------------------------------- */

function cameraAt({ x, y, zoom }: Spot): Camera {
  return { x: x + 0.5, y: y + 0.5, scale: zoom ?? PLACE_AT_SCALE };
}

function opening(): Camera | null {
  const linked = parseHash(location.hash) ?? parseStartParam(telegram.launch?.startParam ?? null);
  const spot = linked ?? parseHash(deviceMemory.get("place") ?? "");
  return spot && cameraAt(spot);
}

let addressTimer: ReturnType<typeof setTimeout> | undefined;

function rememberCamera(): void {
  addressTimer ??= setTimeout(() => {
    addressTimer = undefined;
    const { stage } = game;
    if (!stage) return;
    const hash = formatHash(
      Math.floor(stage.camera.x),
      Math.floor(stage.camera.y),
      stage.camera.scale,
    );
    history.replaceState(history.state, "", hash);
    deviceMemory.set("place", hash);
  }, ADDRESS_EVERY_MS);
}

const game = new Game({ telegram, state, opening, onCamera: rememberCamera });

// The address that was asked for: by now rememberCamera may have written another one.
addEventListener("hashchange", ({ newURL }) => {
  const spot = parseHash(new URL(newURL).hash);
  if (spot) game.stage?.visit(spot, spot.zoom ?? PLACE_AT_SCALE);
});

/* --- Preferences ----------------------------------------------------------------------------- */

function showTheme(theme: Theme): void {
  applyTheme(theme, telegramTheme);
  state.set({ theme });
  const surround = surroundColor();
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", surround);
  telegram.colorHeader(surround);
  if (!game.stage) return;
  game.stage.surround = surround;
  game.stage.invalidate();
}

function followTheme(): void {
  showTheme(chooseTheme(deviceMemory.get("theme"), telegramTheme, systemDark.matches));
}

function showLanguage(language: Language): void {
  document.documentElement.lang = language;
  game.teller.speak(language);
}

systemDark.addEventListener("change", followTheme);
telegram.onTheme = (theme) => {
  telegramTheme = theme;
  followTheme();
};

/* --- What the buttons do ------------------------------------------------------------------- */

async function share(cell?: { x: number; y: number }): Promise<void> {
  const { stage } = game;
  if (!stage) return;
  const { x, y, scale } = stage.camera;
  const zoom = cell ? Math.max(scale, PLACE_AT_SCALE) : scale;
  const hash = formatHash(cell?.x ?? Math.floor(x), cell?.y ?? Math.floor(y), zoom);
  const url = new URL(hash, location.href).href;
  try {
    if (stage.aim === "finger" && navigator.share) {
      return await navigator.share({ title: game.title, url });
    }
    await navigator.clipboard.writeText(url);
    game.teller.tell("copied", "info");
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return; // changed their mind
    history.replaceState(history.state, "", hash);
    game.teller.tell("copyFailed", "info");
  }
}

function save(): void {
  const url = new URL("/api/canvas.png", location.href).href;
  if (telegram.inside) return telegram.openLink(url);
  const link = document.createElement("a");
  link.href = url;
  link.download = "pixel-battle.png";
  link.click();
}

const actions: Actions = {
  toggleLanguage() {
    const language = state.get().language === "en" ? "ru" : "en";
    deviceMemory.set("language", language);
    showLanguage(language);
  },
  toggleTheme() {
    const theme = state.get().theme === "dark" ? "light" : "dark";
    deviceMemory.set("theme", theme);
    showTheme(theme);
  },
  share: (cell) => void share(cell),
  save,
  openTelegram() {
    open(state.get().canvas?.telegramUrl ?? "https://t.me/", "_blank", "noopener");
  },
};

/* --- Keyboard, waking up, hiding ------------------------------------------------------------- */

addEventListener("keydown", (event) => {
  const action = keyAction(event);
  if (!action || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const onControl = event.target instanceof Element && event.target.closest("button, a");
  if (onControl && action.do === "place") return; // presses the control
  event.preventDefault();
  game.act(action);
});

addEventListener("online", () => {
  state.set({ networkUp: true });
  game.wake();
});
addEventListener("offline", () => {
  state.set({ networkUp: false });
  game.wake(); // some systems say so when only one of two networks went
});
addEventListener("pageshow", (event) => event.persisted && game.wake());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  document.title = game.title;
  game.wake();
});

/* --- Begin --------------------------------------------------------------------------------- */

declare global {
  interface Window {
    /** For tests and the curious: read-only. */
    pixelBattle: object;
  }
}

window.pixelBattle = {
  boardAt: (x: number, y: number) => game.board?.at(x, y) ?? null,
  position: () => {
    const { epoch, offset, digest } = game.board?.position ?? { epoch: 0n, offset: 0n, digest: 0n };
    const hex = digest.toString(16).padStart(16, "0");
    return { epoch: epoch.toString(), offset: offset.toString(), digest: hex };
  },
  pending: () =>
    game.pending.map(({ sequence, x, y, color, state }) => ({ sequence, x, y, color, state })),
  state: () => {
    const { phase, live, online, color, target, unanswered, frozen } = state.get();
    const { x = 0, y = 0, scale = 0 } = game.stage?.camera ?? {};
    const view = { x, y, zoom: scale, width: game.board?.width, height: game.board?.height };
    const { charges } = game.charges();
    return { phase: phase.name, live, online, color, target, unanswered, frozen, charges, view };
  },
};

showLanguage(state.get().language);
applyTheme(state.get().theme, telegramTheme);
render(<App game={game} actions={actions} />, document.getElementById("app")!);
showTheme(state.get().theme);
