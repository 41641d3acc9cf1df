// Names and contrast of colours, for those who cannot see them and for marks drawn upon them. Pure.
import type { Language } from "./language";

// The 32 colours of r/place 2022.
const NAMES: Record<string, [en: string, ru: string]> = {
  "#6D001A": ["burgundy", "бордовый"],
  "#BE0039": ["dark red", "тёмно-красный"],
  "#FF4500": ["red", "красный"],
  "#FFA800": ["orange", "оранжевый"],
  "#FFD635": ["yellow", "жёлтый"],
  "#FFF8B8": ["pale yellow", "бледно-жёлтый"],
  "#00A368": ["dark green", "тёмно-зелёный"],
  "#00CC78": ["green", "зелёный"],
  "#7EED56": ["light green", "светло-зелёный"],
  "#00756F": ["dark teal", "тёмно-бирюзовый"],
  "#009EAA": ["teal", "бирюзовый"],
  "#00CCC0": ["light teal", "светло-бирюзовый"],
  "#2450A4": ["dark blue", "тёмно-синий"],
  "#3690EA": ["blue", "синий"],
  "#51E9F4": ["light blue", "голубой"],
  "#493AC1": ["indigo", "индиго"],
  "#6A5CFF": ["periwinkle", "барвинковый"],
  "#94B3FF": ["lavender", "лавандовый"],
  "#811E9F": ["dark purple", "тёмно-фиолетовый"],
  "#B44AC0": ["purple", "фиолетовый"],
  "#E4ABFF": ["pale purple", "бледно-фиолетовый"],
  "#DE107F": ["magenta", "пурпурный"],
  "#FF3881": ["pink", "розовый"],
  "#FF99AA": ["light pink", "светло-розовый"],
  "#6D482F": ["dark brown", "тёмно-коричневый"],
  "#9C6926": ["brown", "коричневый"],
  "#FFB470": ["beige", "бежевый"],
  "#000000": ["black", "чёрный"],
  "#515252": ["dark grey", "тёмно-серый"],
  "#898D90": ["grey", "серый"],
  "#D4D7D9": ["light grey", "светло-серый"],
  "#FFFFFF": ["white", "белый"],
};

export function colorName(hex: string, language: Language): string {
  return NAMES[hex]?.[language === "ru" ? 1 : 0] ?? hex;
}

export function channels(hex: string): [red: number, green: number, blue: number] {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 0xff, value & 0xff];
}

/** WCAG relative luminance, 0 to 1. */
export function luminance(hex: string): number {
  const [r, g, b] = channels(hex).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG contrast, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((p, q) => p - q) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Black or white, whichever stands out upon the colour. */
export function markOn(hex: string): "#000000" | "#FFFFFF" {
  return contrast(hex, "#000000") >= contrast(hex, "#FFFFFF") ? "#000000" : "#FFFFFF";
}
