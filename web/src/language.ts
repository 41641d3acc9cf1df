// The languages that are spoken here, and the words that both pages use. Pure.

export const LANGUAGES = ["en", "ru"] as const;
export type Language = (typeof LANGUAGES)[number];

export const COMMON = {
  en: {
    connecting: "Connecting…",
    reconnecting: "Reconnecting…",
    reconnectingIn: "Reconnecting in {n} s",
    offline: "Offline",
    retry: "Try again",
    menu: "Menu",
    close: "Close",
    language: "EN. Switch to Russian",
    themeDark: "Dark theme",
    themeLight: "Light theme",
  },
  ru: {
    connecting: "Подключаемся…",
    reconnecting: "Переподключаемся…",
    reconnectingIn: "Переподключение через {n} с",
    offline: "Нет сети",
    retry: "Повторить",
    menu: "Меню",
    close: "Закрыть",
    language: "RU. Переключить на английский",
    themeDark: "Тёмная тема",
    themeLight: "Светлая тема",
  },
};

/** The first language that we speak of those a person prefers. */
export function preferredLanguage(kept: string | null, preferred: readonly string[]): Language {
  for (const tag of [kept, ...preferred]) {
    const spoken = LANGUAGES.find((language) => language === tag?.slice(0, 2).toLowerCase());
    if (spoken) return spoken;
  }
  return "en";
}

/** The words of one page in one language, with numbers and plurals as it has them. */
export class Dictionary<Word extends string> {
  private readonly numbers: Intl.NumberFormat;
  private readonly plurals: Intl.PluralRules;

  constructor(
    readonly language: Language,
    private readonly words: Record<Word, string>,
  ) {
    this.numbers = new Intl.NumberFormat(language);
    this.plurals = new Intl.PluralRules(language);
  }

  say(word: Word, values: Record<string, string | number> = {}): string {
    return this.words[word].replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      return typeof value === "number" ? this.number(value) : (value ?? "");
    });
  }

  number(value: number | bigint): string {
    return this.numbers.format(value);
  }

  /** A word that depends on a number: `word_one`, `word_few`, … */
  protected plural(word: string, n: number): string {
    return this.say(`${word}_${this.plurals.select(n)}` as Word, { n });
  }
}
