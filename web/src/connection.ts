// The life of the WebSocket: hello, ping, silence, backoff, close codes, waking up. It knows no
// boards and no placements: whoever owns it gets every message after the welcome.
import { backoffMs } from "./backoff";
import {
  CloseCode,
  decodeServerMessage,
  encodeHello,
  encodePing,
  NoticeKind,
  ProtocolError,
  type ServerMessage,
  type Shape,
  type Welcome,
} from "./protocol";

export const PING_EVERY_MS = 20_000;
export const PONG_WITHIN_MS = 5_000;
export const SILENCE_MS = 35_000;
export const CONNECT_WITHIN_MS = 10_000;
export const LATER_MS_MIN = 250;
const LIMIT_WAIT_MS = 30_000;
const RESTART_WAIT_MS = 2_000; // after 1012 without a draining notice

/** open: welcomed; waiting: until the next attempt; stopped: only a person or a wake-up goes on. */
export type Phase =
  | { name: "connecting" }
  | { name: "open" }
  | { name: "waiting"; retryInMs: number }
  | { name: "stopped" };

/** The part of a browser's WebSocket that is used here. */
export interface Socket {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(bytes: Uint8Array): void;
  close(code?: number): void;
}

export interface ConnectionOptions {
  open: () => Socket;
  random?: () => number;
  onPhase: (phase: Phase) => void;
  onWelcome: (welcome: Welcome) => void;
  onMessage: (message: ServerMessage) => void;
  /** The connection is gone; whatever was on its way may be lost. */
  onLost: () => void;
  /** The server speaks another version, or we sent what it does not understand: load afresh. */
  onReload: () => void;
}

/** What a close code asks of a client (docs/protocol.md, "Close codes"). */
export type Reaction = "stay" | "stop" | "reload" | "backoff" | "limit" | "restart";

export function reactionTo(code: number): Reaction {
  switch (code) {
    case CloseCode.normal:
    case CloseCode.goingAway:
      return "stay";
    case CloseCode.protocolError:
    case CloseCode.textRefused:
    case CloseCode.badUtf8:
    case CloseCode.tooBig:
      return "stop";
    case CloseCode.malformed:
    case CloseCode.versionNotSpoken:
      return "reload";
    case CloseCode.limit:
      return "limit";
    case CloseCode.restart:
      return "restart";
    default:
      return "backoff";
  }
}

type Timer = ReturnType<typeof setTimeout>;

export class Connection {
  private socket: Socket | null = null;
  private phaseNow: Phase = { name: "stopped" };
  private shape: Shape = { colorBits: 0, area: 0 };
  private attempt = 0;
  private drainMs: number | null = null;
  private nonce = 0;
  private retry: Timer | undefined;
  private silence: Timer | undefined;
  private pong: Timer | undefined;
  private pinger: ReturnType<typeof setInterval> | undefined;
  private readonly random: () => number;

  constructor(private readonly options: ConnectionOptions) {
    this.random = options.random ?? Math.random;
  }

  get phase(): Phase {
    return this.phaseNow;
  }

  /** Connects now, whatever it was waiting for. */
  connect(): void {
    clearTimeout(this.retry);
    if (this.socket) return;
    this.enter({ name: "connecting" });
    const socket = this.options.open();
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(encodeHello());
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code }) => this.lost(code);
    this.hear(CONNECT_WITHIN_MS);
  }

  /** The page woke up or the network came back: make sure, at once, that somebody is there. */
  wake(): void {
    if (this.phaseNow.name === "open") this.ping();
    else this.connect();
  }

  /** False if there is no open connection; nothing is queued. */
  send(bytes: Uint8Array): boolean {
    if (this.phaseNow.name !== "open" || !this.socket) return false;
    this.socket.send(bytes);
    return true;
  }

  /** The same after a while, unless the connection is made again meanwhile. */
  sendLater(bytes: Uint8Array, waitMs: number): void {
    const { socket } = this;
    const send = () => socket === this.socket && this.send(bytes);
    setTimeout(send, Math.max(waitMs, LATER_MS_MIN));
  }

  /** Breaks off and tries again after a backoff: what came makes no sense here. */
  restart(): void {
    if (this.socket) this.lost(CloseCode.protocolError, "backoff");
  }

  /** The owner is satisfied with this connection: the next backoff starts from the beginning. */
  settled(): void {
    this.attempt = 0;
  }

  private enter(phase: Phase): void {
    this.phaseNow = phase;
    this.options.onPhase(phase);
  }

  private hear(withinMs = SILENCE_MS): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(1006), withinMs);
  }

  private ping(): void {
    this.nonce = (this.nonce + 1) >>> 0;
    this.send(encodePing(this.nonce));
    clearTimeout(this.pong);
    this.pong = setTimeout(() => this.lost(1006), PONG_WITHIN_MS);
  }

  private receive(data: unknown): void {
    this.hear();
    try {
      if (!(data instanceof ArrayBuffer)) throw new ProtocolError("a text message");
      this.dispatch(decodeServerMessage(new Uint8Array(data), this.shape));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      console.error("Malformed message from the server:", error.message);
      this.restart();
    }
  }

  private dispatch(message: ServerMessage): void {
    if (message.type === "welcome") return this.welcomed(message);
    if (this.phaseNow.name !== "open") throw new ProtocolError("no welcome first");
    if (message.type === "pong" && message.nonce === this.nonce) clearTimeout(this.pong);
    if (message.type === "notice" && message.kind === NoticeKind.draining) {
      this.drainMs = message.value;
    }
    this.options.onMessage(message);
  }

  private welcomed(welcome: Welcome): void {
    this.shape = { colorBits: welcome.colorBits, area: welcome.width * welcome.height };
    this.pinger = setInterval(() => this.ping(), PING_EVERY_MS);
    this.enter({ name: "open" });
    this.options.onWelcome(welcome);
  }

  private lost(code: number, reaction = reactionTo(code)): void {
    const { socket } = this;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.socket = null;
    for (const timer of [this.silence, this.pong]) clearTimeout(timer);
    clearInterval(this.pinger);
    this.react(reaction, code);
    this.options.onLost();
  }

  private react(reaction: Reaction, code: number): void {
    const drainMs = this.drainMs ?? RESTART_WAIT_MS;
    this.drainMs = null;
    switch (reaction) {
      case "stop":
        console.error(`The server closed the connection with ${code}: a bug.`);
        return this.enter({ name: "stopped" });
      case "stay":
        return this.enter({ name: "stopped" });
      case "reload":
        this.enter({ name: "stopped" });
        return this.options.onReload();
      case "limit":
        return this.wait(LIMIT_WAIT_MS + this.backoff());
      case "restart":
        return this.wait(this.random() * drainMs);
      case "backoff":
        return this.wait(this.backoff());
    }
  }

  private backoff(): number {
    this.attempt += 1;
    return backoffMs(this.attempt - 1, this.random);
  }

  private wait(ms: number): void {
    this.enter({ name: "waiting", retryInMs: ms });
    this.retry = setTimeout(() => this.connect(), ms);
  }
}
