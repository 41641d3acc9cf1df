// Who plays: a kept token, or a new one from Telegram or as a guest, taken when it is first needed.
import { ApiError, type Session } from "./api";
import type { Memory } from "./storage";

export type SignInFailure = "guests_disabled" | "telegram_refused" | "busy" | "offline";

/** Why there is no token, in terms of what a person can do about it. */
export class SignInError extends Error {
  constructor(readonly failure: SignInFailure) {
    super(failure);
  }
}

export interface SessionOptions {
  memory: Memory;
  initData: string; // empty outside Telegram
  userId: string | null; // whom Telegram says it is
  asGuest: () => Promise<Session>;
  withTelegram: (initData: string) => Promise<Session>;
  wallMs?: () => number;
}

interface Kept {
  token: string;
  userId: string;
  expiresAtMs: number;
}

export class SessionKeeper {
  private kept: Kept | null;
  private asking: Promise<string> | null = null;

  constructor(private readonly options: SessionOptions) {
    this.kept = this.recall();
  }

  /** A token that may still be good. */
  get token(): string | null {
    return this.kept?.token ?? null;
  }

  /** A token, after signing in if there is none. Rejects with SignInError. */
  obtain(): Promise<string> {
    this.kept ??= this.recall(); // another tab may have signed in meanwhile
    if (this.kept) return Promise.resolve(this.kept.token);
    this.asking ??= this.signIn().finally(() => (this.asking = null));
    return this.asking;
  }

  /** The server refused the token. */
  forget(): void {
    this.kept = null;
    this.options.memory.set("session", null);
  }

  private async signIn(): Promise<string> {
    const { initData, memory } = this.options;
    try {
      const session = await this.ask();
      const { token, expires_at_ms: expiresAtMs } = session;
      this.kept = { token, userId: session.user.id, expiresAtMs };
      memory.set("session", JSON.stringify(this.kept));
      return token;
    } catch (error) {
      throw new SignInError(failureOf(error, initData !== ""));
    }
  }

  private async ask(): Promise<Session> {
    const { initData, asGuest, withTelegram } = this.options;
    if (!initData) return asGuest();
    try {
      return await withTelegram(initData);
    } catch (error) {
      // A server without a bot of its own may still welcome guests.
      if (error instanceof ApiError && error.code === "telegram_disabled") return asGuest();
      throw error;
    }
  }

  private recall(): Kept | null {
    const { memory, userId, wallMs = Date.now } = this.options;
    try {
      const kept = JSON.parse(memory.get("session") ?? "null") as Kept | null;
      if (!kept || typeof kept.token !== "string" || kept.token === "") return null;
      // A phone may hold several Telegram accounts in one web view.
      if (userId !== null && kept.userId !== userId) return null;
      return kept.expiresAtMs > wallMs() ? kept : null;
    } catch {
      return null;
    }
  }
}

function failureOf(error: unknown, telegram: boolean): SignInFailure {
  if (!(error instanceof ApiError)) return "offline";
  if (error.status === 429 || error.status >= 500) return "busy";
  return telegram ? "telegram_refused" : "guests_disabled";
}
