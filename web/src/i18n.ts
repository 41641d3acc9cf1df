// Words in Russian and English; numbers, times and plurals by locale.
import { colorName } from "./colors";
import { COMMON, Dictionary, type Language } from "./language";

const en = {
  ...COMMON.en,
  loading: "Loading the canvas…",
  canvas: "Pixel canvas. Arrows move, Enter places, question mark shows the keys.",
  players_one: "{n} player",
  players_few: "{n} players",
  players_many: "{n} players",
  players_other: "{n} players",
  connectionLost: "Connection lost. You can look around; placing will be back.",
  restarting: "The server is restarting. Back in a moment.",
  stopped: "Disconnected.",
  details: "Canvas details",
  size: "Size",
  position: "Position",
  replica: "Replica",
  version: "Version",
  player: "Player",
  share: "Share this spot",
  save: "Save as PNG",
  help: "Keys and help",
  palette: "Palette",
  color: "Colour {n}: {name}",
  charges: "{n} of {max} charges",
  nextCharge: "Next pixel in {time}",
  coordinates: "Target {x}, {y}. Show who placed it",
  place: "Place",
  zoomToPlace: "Zoom in",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fitAll: "Show the whole canvas",
  pickSpot: "Closer: now choose the exact pixel",
  placed: "Placed",
  sameColor: "It already has this colour",
  notConfirmed: "Not confirmed yet…",
  settling: "Settling your last pixels first…",
  tooMany: "A moment: your last pixels are on their way",
  notConnected: "No connection: nothing was placed",
  frozen: "The canvas is frozen",
  unfrozen: "The canvas is open again",
  outside: "That is outside the canvas",
  badColor: "The palette has changed. Reload the page",
  signedOut: "You were signed out",
  stale: "An earlier pixel was dropped",
  unavailable: "The server can't store pixels right now. Try again soon",
  busy: "Too much at once. Try again in a moment",
  banned: "You cannot place here any more",
  refused: "The pixel was refused",
  cooldownNow: "A charge now comes back every {time}",
  cooldownOff: "No cooldown any more: place as fast as you like",
  guestsDisabled: "Open in Telegram to play",
  openInTelegram: "Open in Telegram",
  telegramRefused: "Telegram sign-in failed. Reopen the app",
  signInOffline: "Couldn't sign in: no connection",
  chargeBack: "You can place again",
  copied: "Link copied",
  copyFailed: "Couldn't copy. The link is in the address bar",
  cardEmpty: "Nobody has placed here yet",
  cardFailed: "Couldn't load the history",
  cardLoading: "Loading…",
  cardTitle: "Pixel {x}, {y}",
  cardHistory: "Before",
  copyLink: "Copy link",
  hintMoveTouch: "Drag to move, pinch to zoom",
  hintMoveMouse: "Drag to move, scroll to zoom",
  hintChoose: "Choose a colour below",
  hintPlaceTouch: "Aim the cross and press Place",
  hintPlaceMouse: "Click a pixel to place it",
  gotIt: "Got it",
  welcome: "One canvas, everybody draws",
  keyMove: "Move the target",
  keyFast: "Move ten pixels",
  keyZoom: "Zoom",
  keyColor: "Choose a colour",
  keyPlace: "Place the pixel",
  keyInfo: "Who placed it",
  keyHelp: "This list",
  space: "Space",
  helpTouch: "Touch",
  helpTap: "Aim at a pixel, see who placed it",
  helpDouble: "Zoom in",
  helpLong: "Who placed it",
  tap: "Tap",
  doubleTap: "Double tap",
  longPress: "Long press",
  helpKeyboard: "Keyboard",
  helpRules: "A charge comes back every {time}; you can hold {max}.",
  helpNoCooldown: "There is no cooldown: place as fast as you like.",
  helpHatched: "A hatched pixel is on its way; solid means everybody has it.",
};

export type Word = keyof typeof en;

const ru: Record<Word, string> = {
  ...COMMON.ru,
  loading: "Загружаем холст…",
  canvas: "Холст. Стрелки двигают прицел, Enter ставит пиксель, вопросительный знак — все клавиши.",
  players_one: "{n} игрок",
  players_few: "{n} игрока",
  players_many: "{n} игроков",
  players_other: "{n} игрока",
  connectionLost: "Связь потеряна. Холст можно смотреть, ставить пиксели — чуть позже.",
  restarting: "Сервер перезапускается. Сейчас вернёмся.",
  stopped: "Соединение закрыто.",
  details: "О холсте",
  size: "Размер",
  position: "Позиция",
  replica: "Реплика",
  version: "Версия",
  player: "Игрок",
  share: "Поделиться этим местом",
  save: "Сохранить PNG",
  help: "Клавиши и помощь",
  palette: "Палитра",
  color: "Цвет {n}: {name}",
  charges: "Зарядов: {n} из {max}",
  nextCharge: "Следующий пиксель через {time}",
  coordinates: "Прицел {x}, {y}. Показать автора",
  place: "Поставить",
  zoomToPlace: "Приблизить",
  zoomIn: "Приблизить",
  zoomOut: "Отдалить",
  fitAll: "Показать весь холст",
  pickSpot: "Теперь выберите точный пиксель",
  placed: "Готово",
  sameColor: "Здесь уже этот цвет",
  notConfirmed: "Пока не подтверждено…",
  settling: "Сначала уточним судьбу прошлых пикселей…",
  tooMany: "Секунду: прошлые пиксели ещё в пути",
  notConnected: "Нет связи: пиксель не поставлен",
  frozen: "Холст заморожен",
  unfrozen: "Холст снова открыт",
  outside: "Это за пределами холста",
  badColor: "Палитра изменилась. Обновите страницу",
  signedOut: "Вы вышли из игры",
  stale: "Один из прошлых пикселей отброшен",
  unavailable: "Сервер сейчас не может сохранять пиксели. Попробуйте чуть позже",
  busy: "Слишком много сразу. Попробуйте через секунду",
  banned: "Вы больше не можете ставить здесь пиксели",
  refused: "Пиксель не принят",
  cooldownNow: "Теперь заряд возвращается каждые {time}",
  cooldownOff: "Ждать больше не нужно: ставьте сколько хотите",
  guestsDisabled: "Чтобы играть, откройте в Telegram",
  openInTelegram: "Открыть в Telegram",
  telegramRefused: "Вход через Telegram не удался. Откройте приложение заново",
  signInOffline: "Не удалось войти: нет связи",
  chargeBack: "Можно ставить снова",
  copied: "Ссылка скопирована",
  copyFailed: "Не удалось скопировать. Ссылка — в адресной строке",
  cardEmpty: "Здесь ещё никто не рисовал",
  cardFailed: "Не удалось загрузить историю",
  cardLoading: "Загружаем…",
  cardTitle: "Пиксель {x}, {y}",
  cardHistory: "Раньше",
  copyLink: "Скопировать ссылку",
  hintMoveTouch: "Двигайте пальцем, масштаб — щипком",
  hintMoveMouse: "Двигайте мышью, масштаб — колесом",
  hintChoose: "Выберите цвет внизу",
  hintPlaceTouch: "Наведите крест и нажмите «Поставить»",
  hintPlaceMouse: "Щёлкните по пикселю, чтобы закрасить его",
  gotIt: "Понятно",
  welcome: "Один холст — рисуют все",
  keyMove: "Двигать прицел",
  keyFast: "На десять пикселей",
  keyZoom: "Масштаб",
  keyColor: "Выбрать цвет",
  keyPlace: "Поставить пиксель",
  keyInfo: "Кто поставил",
  keyHelp: "Этот список",
  space: "Пробел",
  helpTouch: "Касания",
  helpTap: "Навести прицел, узнать автора",
  helpDouble: "Приблизить",
  helpLong: "Кто поставил",
  tap: "Касание",
  doubleTap: "Двойное касание",
  longPress: "Долгое касание",
  helpKeyboard: "Клавиатура",
  helpRules: "Заряд возвращается каждые {time}; копится до {max}.",
  helpNoCooldown: "Ждать не нужно: ставьте сколько хотите.",
  helpHatched: "Штрихованный пиксель ещё в пути; сплошной видят все.",
};

const WORDS: Record<Language, Record<Word, string>> = { en, ru };

/** Milliseconds as 0:04 or 1:02:03, rounded up: at 0:00 the charge is there. */
export function formatWait(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

export class Words extends Dictionary<Word> {
  private readonly relative: Intl.RelativeTimeFormat;
  private readonly exact: Intl.DateTimeFormat;

  constructor(language: Language) {
    super(language, WORDS[language]);
    this.relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
    this.exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  }

  count(word: "players", n: number): string {
    return this.plural(word, n);
  }

  color(hex: string): string {
    return colorName(hex, this.language);
  }

  /** A length of time in words: "5 s", "2 min". */
  duration(ms: number): string {
    const [unit, size] = ms < 60_000 ? (["second", 1000] as const) : (["minute", 60_000] as const);
    const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 } as const;
    return new Intl.NumberFormat(this.language, format).format(ms / size);
  }

  /** "3 min ago". */
  ago(timeMs: number, nowMs: number): string {
    const seconds = Math.max(0, Math.round((nowMs - timeMs) / 1000));
    for (const [unit, size] of UNITS) {
      if (seconds >= size) return this.relative.format(-Math.floor(seconds / size), unit);
    }
    return this.relative.format(-seconds, "second");
  }

  time(timeMs: number): string {
    return this.exact.format(timeMs);
  }
}
