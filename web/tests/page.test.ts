// The small pure rooms: links, keys, Telegram's launch, sessions, themes, words.
import { describe, expect, it } from "vitest";
import { ApiError, type Session } from "../src/api";
import { contrast, markOn } from "../src/colors";
import { formatWait, Words } from "../src/i18n";
import { keyAction } from "../src/input";
import { preferredLanguage } from "../src/language";
import { formatHash, parseHash, parseStartParam } from "../src/location";
import { SessionKeeper, type SessionOptions } from "../src/session";
import { Memory } from "../src/storage";
import { claimedUserId, parseLaunch } from "../src/telegram";
import { Refusal } from "../src/protocol";
import { Store } from "../src/store";
import type { GameState } from "../src/state";
import { REFUSALS, Teller } from "../src/teller";
import { chooseTheme, telegramColors } from "../src/theme";

describe("deep links", () => {
  it("name a cell and a zoom", () => {
    expect(parseHash("#12,34,8")).toEqual({ x: 12, y: 34, zoom: 8 });
    expect(parseHash("#12,34")).toEqual({ x: 12, y: 34, zoom: null });
    expect(parseHash("#12,34,0.75")).toMatchObject({ zoom: 0.75 });
    expect(parseStartParam("12_34_8")).toEqual({ x: 12, y: 34, zoom: 8 });
  });

  it.each(["", "#", "#1", "#1,2,3,4", "#-1,2", "#a,b", "#1e9,2", "#123456,1", "#1,,2"])(
    "nonsense is no place: %s",
    (hash) => expect(parseHash(hash)).toBeNull(),
  );

  it("come back as they went", () => {
    expect(formatHash(12, 34, 7.98765)).toBe("#12,34,7.99");
    expect(parseHash(formatHash(0, 4095, 40))).toEqual({ x: 0, y: 4095, zoom: 40 });
  });
});

describe("keys", () => {
  const press = (code: string, key = "", more = {}) =>
    keyAction({
      code,
      key,
      shiftKey: false,
      ctrlKey: false,
      altKey: false,
      metaKey: false,
      ...more,
    });

  it("move by arrows and by WASD, also on a Russian layout", () => {
    expect(press("ArrowLeft")).toEqual({ do: "move", dx: -1, dy: 0 });
    expect(press("KeyW", "ц")).toEqual({ do: "move", dx: 0, dy: -1 });
    expect(press("ArrowDown", "", { shiftKey: true })).toEqual({ do: "move", dx: 0, dy: 10 });
  });

  it("choose, place, ask", () => {
    expect(press("Digit1", "1")).toEqual({ do: "color", index: 0 });
    expect(press("Digit0", "0")).toEqual({ do: "color", index: 9 });
    expect(press("KeyE", "у")).toEqual({ do: "nextColor", step: 1 });
    expect(press("Enter")).toEqual({ do: "place" });
    expect(press("Space")).toEqual({ do: "place" });
    expect(press("KeyI", "ш")).toEqual({ do: "inspect" });
    expect(press("Slash", "?", { shiftKey: true })).toEqual({ do: "help" });
    expect(press("Equal", "+", { shiftKey: true })).toMatchObject({ do: "zoom" });
  });

  it("leave the browser's own shortcuts alone", () => {
    expect(press("KeyD", "d", { ctrlKey: true })).toBeNull();
    expect(press("KeyS", "s", { metaKey: true })).toBeNull();
    expect(press("Tab", "Tab")).toBeNull();
  });
});

describe("Telegram's launch", () => {
  const initData = new URLSearchParams({
    user: JSON.stringify({ id: 7342037359, first_name: "Аня" }),
    start_param: "5_6_7",
    hash: "ab",
  }).toString();

  it("is read from the address", () => {
    const theme = JSON.stringify({ bg_color: "#17212b", text_color: "#ffffff", evil: "url(x)" });
    const hash = "#" + new URLSearchParams({ tgWebAppData: initData, tgWebAppThemeParams: theme });
    const launch = parseLaunch(hash)!;
    expect(launch.initData).toBe(initData);
    expect(launch.startParam).toBe("5_6_7");
    expect(launch.theme).toEqual({ bg_color: "#17212b", text_color: "#ffffff" });
    expect(claimedUserId(initData)).toBe("7342037359");
  });

  it("is not there in an ordinary browser", () => {
    expect(parseLaunch("#12,34,8")).toBeNull();
    expect(parseLaunch("")).toBeNull();
    expect(claimedUserId("")).toBeNull();
  });
});

describe("sessions", () => {
  const store = new Map<string, string>();
  const storage = {
    getItem: (name: string) => store.get(name) ?? null,
    setItem: (name: string, value: string) => void store.set(name, value),
    removeItem: (name: string) => void store.delete(name),
  } as Storage;
  const session = (id: string): Session => {
    return { token: `token-of-${id}`, expires_at_ms: 1000, user: { id, name: id } };
  };
  let asked: string[] = [];
  const keeper = (more: Partial<SessionOptions> = {}) =>
    new SessionKeeper({
      memory: new Memory(() => storage),
      initData: "",
      userId: null,
      asGuest: () => (asked.push("guest"), Promise.resolve(session("-1"))),
      withTelegram: () => (asked.push("telegram"), Promise.resolve(session("7"))),
      wallMs: () => 0,
      ...more,
    });

  it("begin once, are kept, and begin anew when refused", async () => {
    [asked] = [[]];
    store.clear();
    const first = keeper();
    expect(first.token).toBeNull();
    await Promise.all([first.obtain(), first.obtain()]);
    expect(asked).toEqual(["guest"]);
    const second = keeper();
    expect(second.token).toBe("token-of--1");
    second.forget();
    expect(keeper().token).toBeNull();
  });

  it("are Telegram's inside Telegram, and each account's own", async () => {
    [asked] = [[]];
    store.clear();
    await keeper({ initData: "x", userId: "7" }).obtain();
    expect(asked).toEqual(["telegram"]);
    expect(keeper({ initData: "x", userId: "7" }).token).toBe("token-of-7");
    expect(keeper({ initData: "x", userId: "8" }).token).toBeNull();
    expect(keeper({ initData: "x", userId: "7", wallMs: () => 1000 }).token).toBeNull();
  });

  it.each([
    [new ApiError(403, "guests_disabled"), "", "guests_disabled"],
    [new ApiError(401, "expired_init_data"), "x", "telegram_refused"],
    [new ApiError(429, "rate_limited"), "", "busy"],
    [new ApiError(503, "draining"), "x", "busy"],
    [new TypeError("Failed to fetch"), "", "offline"],
  ])("fail in words a person can use: %s", async (error, initData, failure) => {
    store.clear();
    const refuse = () => Promise.reject(error);
    const failing = keeper({ initData, asGuest: refuse, withTelegram: refuse });
    await expect(failing.obtain()).rejects.toMatchObject({ failure });
  });

  it("are a guest's inside Telegram when the server has no bot of its own", async () => {
    store.clear();
    const withTelegram = () => Promise.reject(new ApiError(403, "telegram_disabled"));
    await expect(keeper({ initData: "x", withTelegram }).obtain()).resolves.toBe("token-of--1");
  });

  it("do without storage where it is forbidden", async () => {
    const forbidden = new Memory(() => {
      throw new DOMException("no", "SecurityError");
    });
    await expect(keeper({ memory: forbidden }).obtain()).resolves.toBe("token-of--1");
  });
});

describe("themes", () => {
  it("are chosen by the person, else by Telegram, else by the system", () => {
    expect(chooseTheme("light", { bg_color: "#000000" }, true)).toBe("light");
    expect(chooseTheme(null, { bg_color: "#17212b" }, false)).toBe("dark");
    expect(chooseTheme(null, null, false)).toBe("light");
  });

  it("take Telegram's colours only where they can be read", () => {
    const readable = telegramColors({
      bg_color: "#17212b",
      text_color: "#f5f5f5",
      hint_color: "#2b3540",
      button_color: "#5288c1",
      button_text_color: "#ffffff",
    });
    expect(readable["--panel"]).toBe("#17212b");
    expect(readable["--muted"]).toBe("#f5f5f5");
    expect(contrast(readable["--accent"]!, readable["--on-accent"]!)).toBeGreaterThan(4.5);
    expect(telegramColors({ bg_color: "#777777", text_color: "#888888" })).toEqual({});
  });

  it("marks stand out on every colour", () => {
    expect(markOn("#FFD635")).toBe("#000000");
    expect(markOn("#2450A4")).toBe("#FFFFFF");
  });
});

describe("words", () => {
  it("speak the kept language, else the first preferred one that is spoken here", () => {
    expect(preferredLanguage("ru", ["en-GB"])).toBe("ru");
    expect(preferredLanguage(null, ["de-DE", "ru-RU", "en"])).toBe("ru");
    expect(preferredLanguage(null, ["fr"])).toBe("en");
  });

  it("count players by each language's rules", () => {
    const ru = new Words("ru");
    expect([1, 3, 5, 21].map((n) => ru.count("players", n))).toEqual([
      "1 игрок",
      "3 игрока",
      "5 игроков",
      "21 игрок",
    ]);
    expect(new Words("en").count("players", 1)).toBe("1 player");
    expect(new Words("en").count("players", 1234)).toBe("1,234 players");
  });

  it("count down to a charge that is there at 0:00, not before", () => {
    expect(formatWait(3999)).toBe("0:04");
    expect(formatWait(1)).toBe("0:01");
    expect(formatWait(0)).toBe("0:00");
    expect(formatWait(3_723_000)).toBe("1:02:03");
  });

  it("tell how long ago", () => {
    const now = 1_767_225_600_000;
    expect(new Words("en").ago(now - 185_000, now)).toBe("3 min. ago");
    expect(new Words("ru").ago(now - 2 * 86_400_000, now)).toBe("позавчера");
    expect(new Words("en").ago(now + 5000, now)).toBe("now");
  });
});

describe("what people are told", () => {
  it("has words for every reason of the protocol", () => {
    const reasons = Object.values(Refusal).filter((reason) => typeof reason === "number");
    expect(Object.keys(REFUSALS).map(Number)).toEqual(reasons);
    expect(new Words("en").say(REFUSALS[Refusal.banned]!)).toBe("You cannot place here any more");
  });

  it.each([
    [
      "en",
      "A charge now comes back every 3 sec",
      "No cooldown any more: place as fast as you like",
    ],
    ["ru", "Теперь заряд возвращается каждые 3 с", "Ждать больше не нужно: ставьте сколько хотите"],
  ] as const)("of another cooldown, in %s", (language, changed, off) => {
    const state = new Store({ language, announcement: "" } as GameState);
    const teller = new Teller(state, () => 0);
    teller.tellCooldown(3000);
    expect(state.get().toast?.text).toBe(changed);
    expect(state.get().announcement).toBe(changed);
    teller.tellCooldown(0);
    expect(state.get().toast?.text).toBe(off);
  });
});
