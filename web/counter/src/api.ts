// The counter's HTTP interface (docs/counter.md), as far as the page uses it.
import { parseValue } from "./value";

export type Verb = "increment" | "decrement" | "reset";

export interface Answer {
  status: number;
  value: bigint | null;
  code: string; // of a refusal
  servedBy: string; // the replica's name
  retryAfterMs: number;
}

const REQUEST_WITHIN_MS = 10_000;

/** Fails if there is no whole answer in time. */
async function request(path: string, init: RequestInit): Promise<Answer> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), REQUEST_WITHIN_MS);
  try {
    const response = await fetch(path, { ...init, cache: "no-store", signal: controller.signal });
    const text = await response.text();
    return {
      status: response.status,
      value: response.ok ? parseValue(text) : null,
      code: response.ok ? "" : codeOf(text),
      servedBy: response.headers.get("X-Served-By") ?? "",
      retryAfterMs: 1000 * (Number(response.headers.get("Retry-After")) || 0),
    };
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(text: string): string {
  try {
    const body = JSON.parse(text) as { error?: { code?: string } };
    return body.error?.code ?? "";
  } catch {
    return ""; // a proxy's own page
  }
}

export const readCounter = (path: string) => request(path, {});
export const press = (path: string, verb: Verb, key: string) =>
  request(`${path}/${verb}`, { method: "POST", headers: { "Idempotency-Key": key } });

/** A name for one press. An insecure origin (http://host) has no crypto.randomUUID. */
export function newKey(source: Crypto = crypto): string {
  if (typeof source.randomUUID === "function") return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
