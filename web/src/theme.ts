// Light and dark, and Telegram's colours where they can be read.
import { contrast, luminance, markOn } from "./colors";
import type { Theme } from "./state";
import type { TelegramTheme } from "./telegram";

const AA = 4.5;
const OURS = ["--panel", "--text", "--muted", "--accent", "--on-accent"] as const;

/** What a person chose, else what Telegram shows, else what the system prefers. Pure. */
export function chooseTheme(
  kept: string | null,
  telegram: TelegramTheme | null,
  systemDark: boolean,
): Theme {
  if (kept === "dark" || kept === "light") return kept;
  const background = telegram?.["bg_color"];
  if (background) return luminance(background) < 0.3 ? "dark" : "light";
  return systemDark ? "dark" : "light";
}

/** Telegram's colours as ours, leaving out what would be hard to read. Pure. */
export function telegramColors(
  theme: TelegramTheme,
): Partial<Record<(typeof OURS)[number], string>> {
  const { bg_color: panel, text_color: text, hint_color: muted } = theme;
  const { button_color: accent, button_text_color: onAccent } = theme;
  if (!panel || !text || contrast(panel, text) < AA) return {};
  const colors: ReturnType<typeof telegramColors> = { "--panel": panel, "--text": text };
  colors["--muted"] = muted && contrast(panel, muted) >= AA ? muted : text;
  if (accent && contrast(panel, accent) >= 3) {
    colors["--accent"] = accent;
    const readable = onAccent && contrast(accent, onAccent) >= AA;
    colors["--on-accent"] = readable ? onAccent : markOn(accent);
  }
  return colors;
}

export function applyTheme(theme: Theme, telegram: TelegramTheme | null): void {
  const { style, dataset } = document.documentElement;
  dataset["theme"] = theme;
  for (const name of OURS) style.removeProperty(name);
  // A theme that a person chose against Telegram's stays pure.
  if (telegram && chooseTheme(null, telegram, false) === theme) {
    for (const [name, color] of Object.entries(telegramColors(telegram))) {
      style.setProperty(name, color);
    }
  }
}

/** The surround of the board, as the stylesheet has it. */
export function surroundColor(): string {
  return getComputedStyle(document.documentElement).getPropertyValue("--surround").trim();
}
