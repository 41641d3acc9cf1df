// The live value: an EventSource that is opened again when it has given up, has gone silent or has
// missed something. It knows no presses; whoever owns it gets every value.
import { backoffMs } from "../../src/backoff";
import { parseValue } from "./value";

export const CONNECT_WITHIN_MS = 10_000;
export const SILENCE_MS = 20_000;
const CLOSED = 2;

/** waiting: until the next attempt, which is the browser's own if retryInMs is null. */
export type Phase =
  | { name: "connecting" }
  | { name: "live" }
  | { name: "waiting"; retryInMs: number | null }
  | { name: "asleep" };

/** The part of a browser's EventSource that is used here. */
export interface Stream {
  readonly readyState: number;
  onmessage: ((event: { data: string }) => void) | null;
  onerror: (() => void) | null;
  close(): void;
}

export interface LiveOptions {
  open: () => Stream;
  /** Asks for the value by itself: comments that keep a stream alive are not seen here. */
  read: () => Promise<bigint | null>;
  random: () => number;
  onPhase: (phase: Phase) => void;
  onValue: (value: bigint) => void;
}

export class Live {
  private stream: Stream | null = null;
  private phaseNow: Phase = { name: "asleep" };
  private value: bigint | null = null;
  private heard = 0; // how many values
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: LiveOptions) {}

  get phase(): Phase {
    return this.phaseNow;
  }

  /** Connects now, whatever it was waiting for. Does nothing when it is live. */
  connect(): void {
    if (this.phaseNow.name === "live") return;
    this.close();
    const stream = this.options.open();
    this.stream = stream;
    stream.onmessage = ({ data }) => this.receive(data);
    stream.onerror = () => this.failed(stream.readyState);
    this.silence = setTimeout(() => this.again(), CONNECT_WITHIN_MS);
    this.enter({ name: "connecting" });
  }

  /** The page woke up or the network came back: make sure, at once, that somebody is there. */
  wake(): void {
    if (this.phaseNow.name === "live") void this.check();
    else this.connect();
  }

  /** A browser has six connections to a server: tabs that nobody sees must not use them up. */
  sleep(): void {
    this.close();
    this.enter({ name: "asleep" });
  }

  private enter(phase: Phase): void {
    this.phaseNow = phase;
    this.options.onPhase(phase);
  }

  private close(): void {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    if (!this.stream) return;
    this.stream.onmessage = this.stream.onerror = null;
    this.stream.close();
    this.stream = null;
  }

  private receive(text: string): void {
    const value = parseValue(text);
    if (value === null) {
      console.error("Malformed event from the server:", text);
      return this.again();
    }
    this.heard += 1;
    this.value = value;
    this.attempt = 0;
    this.listen();
    if (this.phaseNow.name !== "live") this.enter({ name: "live" });
    this.options.onValue(value);
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => void this.check(), SILENCE_MS);
  }

  /** After a lost connection the browser tries by itself; after an HTTP error it gives up. */
  private failed(readyState: number): void {
    if (readyState === CLOSED) return this.again();
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.again(), CONNECT_WITHIN_MS);
    if (this.phaseNow.name !== "waiting") this.enter({ name: "waiting", retryInMs: null });
  }

  private again(): void {
    this.close();
    const retryInMs = backoffMs(this.attempt, this.options.random);
    this.attempt += 1;
    this.retry = setTimeout(() => this.connect(), retryInMs);
    this.enter({ name: "waiting", retryInMs });
  }

  /** Silent for long: is the value still the one that was told last? */
  private async check(): Promise<void> {
    const { stream, heard } = this;
    const value = await this.options.read().catch(() => null);
    if (this.stream !== stream || this.phaseNow.name !== "live") return;
    if (this.heard === heard && value !== this.value) return this.again();
    this.listen();
  }
}
