// What a key means. Letters go by their position: R is where it is on every layout. Pure.
import type { Verb } from "./api";

type Key = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "metaKey">;

const KEYS: Record<string, Verb> = {
  "+": "increment",
  "=": "increment", // plus without Shift
  ArrowUp: "increment",
  ArrowRight: "increment",
  "-": "decrement",
  "−": "decrement",
  ArrowDown: "decrement",
  ArrowLeft: "decrement",
};

export function keyVerb({ key, code, ctrlKey, altKey, metaKey }: Key): Verb | null {
  if (ctrlKey || altKey || metaKey) return null;
  return code === "KeyR" ? "reset" : (KEYS[key] ?? null);
}
