// The WebSocket protocol, version 1: what docs/protocol.md says, in TypeScript. Pure.

export const PROTOCOL_VERSION = 1;
export const UNANSWERED_MAX = 8;

/** Where a board stands in the journal. A client keeps the digest and gives it back. */
export interface Position {
  epoch: bigint;
  offset: bigint;
  digest: bigint;
}

export interface Welcome extends Position {
  type: "welcome";
  version: number;
  width: number;
  height: number;
  colorBits: number;
  palette: string[]; // "#RRGGBB"
  cooldownMs: number;
  chargesMax: number;
  flags: number;
  timeMs: bigint;
  servedBy: string;
}

export const WELCOME_FROZEN = 1;
export const WELCOME_GUESTS = 2;

export interface SnapshotNeeded {
  type: "snapshot_needed";
  why: number;
  epoch: bigint;
  offset: bigint;
}

/** Pixel i of the delta is `colors[i]` at board index `indices[i]`, ascending. */
export interface Delta {
  type: "delta";
  base: bigint;
  advance: number;
  digest: bigint;
  indices: Uint32Array;
  colors: Uint8Array;
}

export interface Accepted {
  type: "accepted";
  sequence: number;
  offset: bigint;
  charges: number;
  nextChargeMs: number;
}

export interface Refused {
  type: "refused";
  sequence: number;
  reason: number;
  waitMs: number;
  charges: number;
}

export enum Refusal {
  cooldown = 1,
  frozen = 2,
  outside = 3,
  badColor = 4,
  notSignedIn = 5,
  stale = 6,
  unavailable = 7,
  busy = 8,
  banned = 9,
}

/** Whether it leaves open what became of the same sequence before. */
export function isUndecided(reason: Refusal): boolean {
  return reason === Refusal.unavailable || reason === Refusal.busy;
}

export interface Presence {
  type: "presence";
  online: number;
}

export interface Notice {
  type: "notice";
  kind: number;
  value: number;
  text: string;
}

export enum NoticeKind {
  draining = 1,
  frozen = 2,
  message = 3,
  cooldown = 4,
}

export interface SignedIn {
  type: "signed_in";
  person: bigint;
  charges: number;
  nextChargeMs: number;
  name: string;
}

export interface SignInRefused {
  type: "sign_in_refused";
  reason: number;
}

export interface Pong {
  type: "pong";
  nonce: number;
  timeMs: bigint;
}

export type ServerMessage =
  | Welcome
  | SnapshotNeeded
  | Delta
  | Accepted
  | Refused
  | Presence
  | Notice
  | SignedIn
  | SignInRefused
  | Pong;

/** What a delta is read against: the board of the last welcome. */
export interface Shape {
  colorBits: number;
  area: number;
}

export enum CloseCode {
  normal = 1000,
  goingAway = 1001,
  protocolError = 1002,
  textRefused = 1003,
  badUtf8 = 1007,
  limit = 1008,
  tooBig = 1009,
  restart = 1012,
  malformed = 4001,
  versionNotSpoken = 4004,
}

/** The server sent bytes that the specification does not allow. */
export class ProtocolError extends Error {}

/* --- From client to server --------------------------------------------------------------- */

function message(type: number, size: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(1 + size);
  bytes[0] = type;
  fill(new DataView(bytes.buffer, 1));
  return bytes;
}

export function encodeHello(version = PROTOCOL_VERSION): Uint8Array {
  return message(0x01, 1, (view) => view.setUint8(0, version));
}

export function encodeResume({ epoch, offset, digest }: Position): Uint8Array {
  return message(0x02, 24, (view) => {
    view.setBigUint64(0, epoch, true);
    view.setBigUint64(8, offset, true);
    view.setBigUint64(16, digest, true);
  });
}

export function encodeSignIn(producer: bigint, token: string): Uint8Array {
  const text = new TextEncoder().encode(token);
  const bytes = message(0x03, 8 + text.length, (view) => view.setBigUint64(0, producer, true));
  bytes.set(text, 9);
  return bytes;
}

export interface Place {
  sequence: number;
  x: number;
  y: number;
  color: number;
}

export function encodePlace({ sequence, x, y, color }: Place): Uint8Array {
  return message(0x04, 9, (view) => {
    view.setUint32(0, sequence, true);
    view.setUint16(4, x, true);
    view.setUint16(6, y, true);
    view.setUint8(8, color);
  });
}

export function encodePing(nonce: number): Uint8Array {
  return message(0x05, 4, (view) => view.setUint32(0, nonce, true));
}

/* --- From server to client --------------------------------------------------------------- */

class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private take(size: number): number {
    if (this.at + size > this.bytes.length) throw new ProtocolError("bytes are missing");
    this.at += size;
    return this.at - size;
  }

  u8 = () => this.view.getUint8(this.take(1));
  u16 = () => this.view.getUint16(this.take(2), true);
  u32 = () => this.view.getUint32(this.take(4), true);
  u64 = () => this.view.getBigUint64(this.take(8), true);
  i64 = () => this.view.getBigInt64(this.take(8), true);

  varint(): number {
    let value = 0;
    for (let place = 1; place <= 2 ** 28; place *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * place;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new ProtocolError("a varint is too long");
  }

  text(): string {
    const rest = this.bytes.subarray(this.at);
    this.at = this.bytes.length;
    return new TextDecoder().decode(rest);
  }

  get rest(): number {
    return this.bytes.length - this.at;
  }
}

function hexColor(reader: Reader): string {
  const value = (reader.u8() << 16) | (reader.u8() << 8) | reader.u8();
  return "#" + value.toString(16).padStart(6, "0").toUpperCase();
}

function readWelcome(reader: Reader): Welcome {
  const version = reader.u8();
  const width = reader.u16();
  const height = reader.u16();
  const colorBits = reader.u8();
  const colors = reader.u8();
  if (colors < 2) throw new ProtocolError("a palette has at least two colours");
  const palette = Array.from({ length: colors }, () => hexColor(reader));
  return {
    type: "welcome",
    version,
    width,
    height,
    colorBits,
    palette,
    cooldownMs: reader.u32(),
    chargesMax: reader.u16(),
    flags: reader.u8(),
    epoch: reader.u64(),
    offset: reader.u64(),
    digest: reader.u64(),
    timeMs: reader.u64(),
    servedBy: reader.text(),
  };
}

function readDelta(reader: Reader, { colorBits, area }: Shape): Delta {
  const base = reader.u64();
  const advance = reader.u32();
  const digest = reader.u64();
  const indices = new Uint32Array(reader.rest); // a pixel takes a byte or more
  const colors = new Uint8Array(reader.rest);
  let count = 0;
  let index = -1;
  while (reader.rest > 0) {
    const value = reader.varint();
    index += (value >>> colorBits) + 1;
    if (index >= area) throw new ProtocolError("a pixel lies beyond the board");
    indices[count] = index;
    colors[count] = value & ((1 << colorBits) - 1);
    count += 1;
  }
  return {
    type: "delta",
    base,
    advance,
    digest,
    indices: indices.subarray(0, count),
    colors: colors.subarray(0, count),
  };
}

// Object members are evaluated in the order written, which is the order of the fields.
function read(type: number, reader: Reader, shape: Shape): ServerMessage {
  const { u8, u16, u32, u64, i64 } = reader;
  switch (type) {
    case 0x81:
      return readWelcome(reader);
    case 0x82:
      return { type: "snapshot_needed", why: u8(), epoch: u64(), offset: u64() };
    case 0x83:
      return readDelta(reader, shape);
    case 0x84: {
      const [sequence, offset] = [u32(), u64()];
      return { type: "accepted", sequence, offset, charges: u16(), nextChargeMs: u32() };
    }
    case 0x85: {
      const [sequence, reason] = [u32(), u8()];
      return { type: "refused", sequence, reason, waitMs: u32(), charges: u16() };
    }
    case 0x86:
      return { type: "presence", online: u32() };
    case 0x87:
      return { type: "notice", kind: u8(), value: u32(), text: reader.text() };
    case 0x88: {
      const [person, charges, nextChargeMs] = [i64(), u16(), u32()];
      return { type: "signed_in", person, charges, nextChargeMs, name: reader.text() };
    }
    case 0x89:
      return { type: "sign_in_refused", reason: u8() };
    case 0x8a:
      return { type: "pong", nonce: u32(), timeMs: u64() };
    default:
      throw new ProtocolError(`unknown message type ${type}`);
  }
}

/** Reads one whole message; throws ProtocolError on anything the specification does not allow. */
export function decodeServerMessage(bytes: Uint8Array, shape: Shape): ServerMessage {
  const reader = new Reader(bytes);
  const decoded = read(reader.u8(), reader, shape);
  if (reader.rest > 0) throw new ProtocolError("bytes are left over");
  return decoded;
}

/** A digest as headers spell it: 16 hex digits. */
export function digestFromHex(hex: string): bigint {
  if (!/^[0-9a-f]{16}$/.test(hex)) throw new ProtocolError("a digest is 16 hex digits");
  return BigInt("0x" + hex);
}
