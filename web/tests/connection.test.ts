// The connection's life, driven by a socket made of plastic and a clock made of paper.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoffMs } from "../src/backoff";
import {
  Connection,
  CONNECT_WITHIN_MS,
  LATER_MS_MIN,
  PING_EVERY_MS,
  PONG_WITHIN_MS,
  reactionTo,
  SILENCE_MS,
  type Phase,
  type Socket,
} from "../src/connection";
import { NoticeKind, type ServerMessage, type Welcome } from "../src/protocol";
import { encodeServerMessage } from "./server_codec";

class PlasticSocket implements Socket {
  binaryType = "";
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: number[] = []; // message types
  lastNonce = 0;
  closed = false;

  send(bytes: Uint8Array): void {
    this.sent.push(bytes[0]!);
    if (bytes[0] === 0x05) this.lastNonce = new DataView(bytes.buffer).getUint32(1, true);
  }
  close(): void {
    this.closed = true;
  }
  receive(message: ServerMessage): void {
    this.onmessage?.({ data: encodeServerMessage(message).buffer });
  }
}

export const welcome: Welcome = {
  type: "welcome",
  version: 1,
  width: 16,
  height: 16,
  colorBits: 5,
  palette: ["#000000", "#FFFFFF"],
  cooldownMs: 5000,
  chargesMax: 5,
  flags: 2,
  epoch: 7n,
  offset: 41n,
  digest: 3n,
  timeMs: 0n,
  servedBy: "pixel-1",
};

let sockets: PlasticSocket[];
let phases: Phase[];
let messages: string[];
let reloads: number;
let lost: number;
let connection: Connection;
const last = () => sockets[sockets.length - 1]!;
const phase = () => phases[phases.length - 1]!;

beforeEach(() => {
  vi.useFakeTimers();
  [sockets, phases, messages, reloads, lost] = [[], [], [], 0, 0];
  vi.spyOn(console, "error").mockImplementation(() => {});
  connection = new Connection({
    open: () => (sockets.push(new PlasticSocket()), last()),
    random: () => 0.5,
    onPhase: (next) => phases.push(next),
    onWelcome: () => messages.push("welcome"),
    onMessage: ({ type }) => messages.push(type),
    onLost: () => (lost += 1),
    onReload: () => (reloads += 1),
  });
  connection.connect();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function open(): PlasticSocket {
  last().onopen?.({} as never);
  last().receive(welcome);
  return last();
}

describe("opening", () => {
  it("says hello first, and is open when welcomed", () => {
    last().onopen?.({} as never);
    expect(last().sent).toEqual([0x01]);
    expect(connection.send(new Uint8Array([0x04]))).toBe(false);
    last().receive(welcome);
    expect(phase()).toEqual({ name: "open" });
    expect(connection.send(new Uint8Array([0x04]))).toBe(true);
  });

  it("sends later what was asked for, unless it was made again by then", () => {
    const first = open();
    connection.sendLater(new Uint8Array([0x04]), 400);
    vi.advanceTimersByTime(399);
    expect(first.sent).toEqual([0x01]);
    vi.advanceTimersByTime(1);
    expect(first.sent).toEqual([0x01, 0x04]);
    connection.sendLater(new Uint8Array([0x04]), 10_000);
    connection.restart();
    vi.advanceTimersByTime((phase() as { retryInMs: number }).retryInMs);
    open();
    vi.advanceTimersByTime(10_000);
    expect(last().sent).not.toContain(0x04);
  });

  it("leaves a server time that asks to be asked again at once", () => {
    const socket = open();
    connection.sendLater(new Uint8Array([0x04]), 0);
    vi.advanceTimersByTime(LATER_MS_MIN - 1);
    expect(socket.sent).toEqual([0x01]);
    vi.advanceTimersByTime(1);
    expect(socket.sent).toEqual([0x01, 0x04]);
  });

  it("gives up on a server that does not answer", () => {
    vi.advanceTimersByTime(CONNECT_WITHIN_MS);
    expect(last().closed).toBe(true);
    expect(phase()).toEqual({ name: "waiting", retryInMs: 250 });
  });

  it("breaks off when the server sends what makes no sense", () => {
    open().onmessage?.({ data: Uint8Array.of(0x86, 1).buffer });
    expect(last().closed).toBe(true);
    expect(phase().name).toBe("waiting");
  });
});

describe("a dead connection", () => {
  it("is noticed when a ping has no answer", () => {
    const socket = open();
    vi.advanceTimersByTime(PING_EVERY_MS);
    expect(socket.sent).toContain(0x05);
    vi.advanceTimersByTime(PONG_WITHIN_MS);
    expect(socket.closed).toBe(true);
    expect(lost).toBe(1);
  });

  it("is not suspected while pongs come", () => {
    const socket = open();
    for (let i = 0; i < 5; i += 1) {
      vi.advanceTimersByTime(PING_EVERY_MS);
      socket.receive({ type: "pong", nonce: socket.lastNonce, timeMs: 0n });
    }
    expect(socket.closed).toBe(false);
  });

  it("is noticed after silence, even before any ping is due", () => {
    const socket = open();
    socket.sent.length = 0;
    vi.spyOn(socket, "send").mockImplementation(() => {});
    vi.advanceTimersByTime(SILENCE_MS);
    expect(socket.closed).toBe(true);
  });

  it("is looked for at once when the page wakes up", () => {
    const socket = open();
    connection.wake();
    expect(socket.sent).toContain(0x05);
    vi.advanceTimersByTime(PONG_WITHIN_MS);
    expect(phase().name).toBe("waiting");
  });
});

describe("coming back", () => {
  it("waits no longer once the page wakes up", () => {
    open().onclose?.({ code: 1006 });
    expect(phase().name).toBe("waiting");
    connection.wake();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it("backs off further with each failure, until somebody is satisfied", () => {
    const waits: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      last().onclose?.({ code: 1006 });
      const now = phase();
      if (now.name === "waiting") waits.push(now.retryInMs);
      connection.connect();
    }
    expect(waits).toEqual([250, 500, 1000, 2000]);
    connection.settled();
    last().onclose?.({ code: 1006 });
    expect(phase()).toEqual({ name: "waiting", retryInMs: 250 });
  });

  it("waits a random time below a doubling limit, at most 30 s", () => {
    expect(backoffMs(0, () => 1)).toBe(500);
    expect(backoffMs(3, () => 1)).toBe(4000);
    expect(backoffMs(99, () => 1)).toBe(30_000);
    expect(backoffMs(99, () => 0)).toBe(0);
  });
});

describe("close codes", () => {
  it.each([
    [1000, "stay"],
    [1001, "stay"],
    [1002, "stop"],
    [1003, "stop"],
    [1006, "backoff"],
    [1007, "stop"],
    [1008, "limit"],
    [1009, "stop"],
    [1011, "backoff"],
    [1012, "restart"],
    [1013, "backoff"],
    [4000, "backoff"],
    [4001, "reload"],
    [4004, "reload"],
  ])("%i means %s", (code, reaction) => {
    expect(reactionTo(code)).toBe(reaction);
  });

  it("1012 waits at most as long as the draining notice said", () => {
    const socket = open();
    socket.receive({ type: "notice", kind: NoticeKind.draining, value: 8000, text: "" });
    socket.onclose?.({ code: 1012 });
    expect(phase()).toEqual({ name: "waiting", retryInMs: 4000 });
  });

  it("1008 waits at least half a minute", () => {
    open().onclose?.({ code: 1008 });
    expect(phase()).toEqual({ name: "waiting", retryInMs: 30_250 });
  });

  it("4004 asks for a reload and does not reconnect", () => {
    open().onclose?.({ code: 4004 });
    expect(reloads).toBe(1);
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
  });

  it("after a bug nothing reconnects in a loop, but a person can", () => {
    open().onclose?.({ code: 1002 });
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
    connection.wake();
    expect(sockets).toHaveLength(2);
  });
});
