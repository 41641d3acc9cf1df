// The counter's words in Russian and English. Pure.
import { COMMON, Dictionary, type Language } from "../../src/language";

const en = {
  ...COMMON.en,
  live: "Live",
  title: "Counter",
  value: "The counter stands at {value}",
  loading: "Asking for the number…",
  increment: "Add one",
  decrement: "Take one away",
  reset: "Reset",
  resetAsk: "Back to zero, for everybody?",
  resetYes: "Reset",
  resetNo: "Keep it",
  keys: "Keys: + and −, R resets",
  unconfirmed_one: "{n} press unconfirmed",
  unconfirmed_few: "{n} presses unconfirmed",
  unconfirmed_many: "{n} presses unconfirmed",
  unconfirmed_other: "{n} presses unconfirmed",
  unconfirmedChange: "{change} unconfirmed",
  atZero: "Already zero: it goes no lower",
  overflow: "That is the largest number there is room for",
  rateLimited: "Too fast. Your presses wait a moment",
  tooManyCounters: "There are too many counters for a new one",
  keyReused: "The press was refused: its key was used before",
  refused: "The press was refused",
  full: "A moment: your last presses are on their way",
  notCounted_one: "{n} press was not counted: the server did not answer",
  notCounted_few: "{n} presses were not counted: the server did not answer",
  notCounted_many: "{n} presses were not counted: the server did not answer",
  notCounted_other: "{n} presses were not counted: the server did not answer",
  maybeCounted_one: "No answer: {n} press may not have been counted",
  maybeCounted_few: "No answer: {n} presses may not have been counted",
  maybeCounted_many: "No answer: {n} presses may not have been counted",
  maybeCounted_other: "No answer: {n} presses may not have been counted",
  rates: "Changes/s",
  ratesNow: "now {now} · most {most}",
  ratesLabel: "Changes per second in the last minute: now {now}, at most {most}",
  presses: "Your presses",
  noPresses: "Press + and see which replica answers.",
  pressedBy: "{verb}, answered by {name}",
  refusedBy: "{verb}, refused by {name}",
  unnamed: "unnamed",
  badName: "No counter has such a name",
  badNameWhy: "A name has 1 to 64 letters A–Z, digits, dots, dashes and underscores.",
  shared: "To the shared counter",
};

export type Word = keyof typeof en;

const ru: Record<Word, string> = {
  ...COMMON.ru,
  live: "На связи",
  title: "Счётчик",
  value: "На счётчике {value}",
  loading: "Спрашиваем число…",
  increment: "Прибавить один",
  decrement: "Отнять один",
  reset: "Сбросить",
  resetAsk: "Обнулить для всех?",
  resetYes: "Да",
  resetNo: "Оставить",
  keys: "Клавиши: + и −, R — сброс",
  unconfirmed_one: "{n} нажатие не подтверждено",
  unconfirmed_few: "{n} нажатия не подтверждены",
  unconfirmed_many: "{n} нажатий не подтверждено",
  unconfirmed_other: "{n} нажатия не подтверждены",
  unconfirmedChange: "{change} не подтверждено",
  atZero: "Уже ноль, меньше не бывает",
  overflow: "Больше число уже не помещается",
  rateLimited: "Слишком быстро. Нажатия чуть подождут",
  tooManyCounters: "Счётчиков слишком много, новый не завести",
  keyReused: "Нажатие не принято: его ключ уже был использован",
  refused: "Нажатие не принято",
  full: "Секунду: прошлые нажатия ещё в пути",
  notCounted_one: "Сервер не ответил: {n} нажатие не засчитано",
  notCounted_few: "Сервер не ответил: {n} нажатия не засчитаны",
  notCounted_many: "Сервер не ответил: {n} нажатий не засчитано",
  notCounted_other: "Сервер не ответил: {n} нажатия не засчитаны",
  maybeCounted_one: "Нет ответа: возможно, {n} нажатие не засчитано",
  maybeCounted_few: "Нет ответа: возможно, {n} нажатия не засчитаны",
  maybeCounted_many: "Нет ответа: возможно, {n} нажатий не засчитано",
  maybeCounted_other: "Нет ответа: возможно, {n} нажатия не засчитаны",
  rates: "Изменений/с",
  ratesNow: "сейчас {now} · макс. {most}",
  ratesLabel: "Изменений в секунду за последнюю минуту: сейчас {now}, не больше {most}",
  presses: "Ваши нажатия",
  noPresses: "Нажмите + и увидите, какая реплика ответит.",
  pressedBy: "{verb}, ответила {name}",
  refusedBy: "{verb}, отказала {name}",
  unnamed: "без имени",
  badName: "Счётчика с таким именем не бывает",
  badNameWhy: "В имени от 1 до 64 знаков: латинские буквы, цифры, точки, дефисы, подчёркивания.",
  shared: "К общему счётчику",
};

const WORDS: Record<Language, Record<Word, string>> = { en, ru };

export class Words extends Dictionary<Word> {
  constructor(language: Language) {
    super(language, WORDS[language]);
  }

  count(word: "unconfirmed" | "notCounted" | "maybeCounted", n: number): string {
    return this.plural(word, n);
  }

  /** With its sign: "+3", "−1". */
  change(n: number): string {
    return (n > 0 ? "+" : "−") + this.number(Math.abs(n));
  }
}
