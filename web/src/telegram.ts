// A small bridge to Telegram when the page runs as a Mini App: launch parameters from the address,
// events to the application around us. Elsewhere every call does nothing.

export type Haptic = "tick" | "placed" | "refused";

export interface TelegramTheme {
  [name: string]: string; // bg_color, text_color, … as "#rrggbb"
}

interface Host {
  TelegramWebviewProxy?: { postEvent(type: string, data: string): void };
  external?: { notify?(message: string): void };
  Telegram?: unknown;
  TelegramGameProxy?: unknown;
}

export interface LaunchParams {
  initData: string;
  startParam: string | null;
  theme: TelegramTheme | null;
}

function parseTheme(json: string | null): TelegramTheme | null {
  try {
    const theme: unknown = JSON.parse(json ?? "null");
    if (typeof theme !== "object" || theme === null) return null;
    const colors = Object.entries(theme).filter(([, color]) => /^#[0-9a-f]{6}$/i.test(`${color}`));
    return Object.fromEntries(colors) as TelegramTheme;
  } catch {
    return null;
  }
}

/** What Telegram put after `#` in the address; null when the page is not a Mini App. Pure. */
export function parseLaunch(hash: string): LaunchParams | null {
  const params = new URLSearchParams(hash.replace(/^#\??/, ""));
  const initData = params.get("tgWebAppData");
  if (initData === null && !params.has("tgWebAppVersion")) return null;
  const signed = new URLSearchParams(initData ?? "");
  return {
    initData: initData ?? "",
    startParam: params.get("tgWebAppStartParam") ?? signed.get("start_param"),
    theme: parseTheme(params.get("tgWebAppThemeParams")),
  };
}

/** The Telegram user's id as the launch parameters claim it (the server checks it). Pure. */
export function claimedUserId(initData: string): string | null {
  try {
    const user: unknown = JSON.parse(new URLSearchParams(initData).get("user") ?? "null");
    const id = (user as { id?: unknown } | null)?.id;
    return typeof id === "number" ? String(id) : null;
  } catch {
    return null;
  }
}

export class Telegram {
  readonly launch: LaunchParams | null;
  onTheme: (theme: TelegramTheme) => void = () => {};

  constructor(private readonly window: Window & Host) {
    this.launch = parseLaunch(window.location.hash);
    if (!this.launch) return;
    // initData signs its bearer in: it must not stay in an address that people copy.
    const { pathname, search } = window.location;
    window.history.replaceState(null, "", pathname + search);
    this.listen();
    this.post("web_app_ready");
    this.post("web_app_expand");
    this.post("web_app_setup_swipe_behavior", { allow_vertical_swipe: false });
    this.post("web_app_request_theme");
  }

  get inside(): boolean {
    return this.launch !== null;
  }

  haptic(kind: Haptic): void {
    const data = {
      tick: { type: "selection_change" },
      placed: { type: "impact", impact_style: "soft" },
      refused: { type: "notification", notification_type: "error" },
    }[kind];
    this.post("web_app_trigger_haptic_feedback", data);
  }

  /** Opens an address in the phone's browser: a Mini App's web view saves no files. */
  openLink(url: string): void {
    this.post("web_app_open_link", { url });
  }

  colorHeader(color: string): void {
    this.post("web_app_set_header_color", { color });
    this.post("web_app_set_background_color", { color });
  }

  private post(eventType: string, eventData: object = {}): void {
    if (!this.launch) return;
    const { window } = this;
    const data = JSON.stringify(eventData);
    if (window.TelegramWebviewProxy) return window.TelegramWebviewProxy.postEvent(eventType, data);
    const message = JSON.stringify({ eventType, eventData });
    if (window.external?.notify) return window.external.notify(message);
    // Telegram's web clients hold us in a frame; the messages carry nothing secret.
    if (window.parent !== window) window.parent.postMessage(message, "*");
  }

  private listen(): void {
    const receive = (type: string, data: unknown) => this.receive(type, data);
    // The native applications call one of these names, whichever they were built with.
    const view = { receiveEvent: receive };
    this.window.Telegram = { WebView: view };
    this.window.TelegramGameProxy = view;
    Object.assign(this.window, { TelegramGameProxy_receiveEvent: receive });
    this.window.addEventListener("message", ({ source, data }) => {
      if (source !== this.window.parent || typeof data !== "string") return;
      try {
        const { eventType, eventData } = JSON.parse(data) as Record<string, unknown>;
        if (typeof eventType === "string") receive(eventType, eventData);
      } catch {
        // Not a message of Telegram's.
      }
    });
  }

  private receive(type: string, data: unknown): void {
    if (type !== "theme_changed") return;
    const params = (data as { theme_params?: unknown } | null)?.theme_params;
    const theme = parseTheme(JSON.stringify(params ?? null));
    if (theme) this.onTheme(theme);
  }
}
