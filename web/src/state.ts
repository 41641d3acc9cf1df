// What the page shows at a moment: the one value that all components draw from.
import type { PixelInfo } from "./api";
import type { Phase } from "./connection";
import type { Word } from "./i18n";
import type { Language } from "./language";
import type { Position } from "./protocol";
import type { Aim } from "./stage";
import type { Store } from "./store";
import type { Telegram } from "./telegram";
import type { Camera, Point } from "./view";

export interface CanvasFacts {
  name: string;
  width: number;
  height: number;
  palette: readonly string[];
  cooldownMs: number;
  chargesMax: number;
  servedBy: string;
  version: string;
  telegramUrl: string | null;
}

export interface Message {
  id: number;
  word: Word | null;
  text: string | null; // what an operator wrote, instead of a word of ours
  tone: "info" | "bad";
}

export interface Card {
  cell: Point;
  info: PixelInfo | "loading" | "failed";
}

export type Theme = "dark" | "light";

export interface GameState {
  phase: Phase;
  retryAt: number | null; // performance.now of the next attempt
  live: boolean;
  lived: boolean; // has been live before
  networkUp: boolean;
  draining: boolean;
  online: number | null;
  canvas: CanvasFacts | null;
  boardReady: boolean;
  position: Position | null;
  frozen: boolean;
  needsTelegram: boolean;
  player: string | null;
  color: number;
  target: Point | null;
  aim: Aim;
  tooSmall: boolean; // to see which cell one points at
  unanswered: number;
  chargesVersion: number; // grows when the server has told us about charges
  toast: Message | null;
  announcement: string;
  card: Card | null;
  sheet: "details" | "help" | null;
  hints: boolean;
  language: Language;
  theme: Theme;
}

export interface GameOptions {
  telegram: Telegram;
  state: Store<GameState>;
  /** Where the camera opens, and what to do when it has moved. */
  opening: () => Camera | null;
  onCamera: (camera: Camera) => void;
}
