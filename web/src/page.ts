// What the game asks of the page it runs in.
import { tabMemory } from "./storage";

export function randomProducer(): bigint {
  const [value] = crypto.getRandomValues(new BigUint64Array(1));
  return value || 1n;
}

export function socketUrl(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}

/** Once: if that did not help, another time would not. */
export function reloadOnce(): void {
  if (tabMemory.get("reloaded") !== null) return;
  tabMemory.set("reloaded", "1");
  location.reload();
}
