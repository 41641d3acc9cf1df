// The server's side of the codec, for tests: encodes what decodeServerMessage reads.
import type { ServerMessage } from "../src/protocol";

class Writer {
  private readonly bytes: number[] = [];

  uint(value: number | bigint, size: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < size; i += 1, rest >>= 8n) this.bytes.push(Number(rest & 0xffn));
    return this;
  }

  varint(value: number): this {
    for (; value >= 128; value = Math.floor(value / 128)) this.bytes.push((value % 128) | 0x80);
    this.bytes.push(value);
    return this;
  }

  text(text: string): this {
    this.bytes.push(...new TextEncoder().encode(text));
    return this;
  }

  done = () => Uint8Array.from(this.bytes);
}

export function encodeServerMessage(m: ServerMessage, colorBits = 5): Uint8Array {
  const w = new Writer();
  switch (m.type) {
    case "welcome":
      w.uint(0x81, 1).uint(m.version, 1).uint(m.width, 2).uint(m.height, 2).uint(m.colorBits, 1);
      w.uint(m.palette.length, 1);
      for (const color of m.palette) {
        for (const at of [1, 3, 5]) w.uint(parseInt(color.slice(at, at + 2), 16), 1);
      }
      w.uint(m.cooldownMs, 4).uint(m.chargesMax, 2).uint(m.flags, 1).uint(m.epoch, 8);
      return w.uint(m.offset, 8).uint(m.digest, 8).uint(m.timeMs, 8).text(m.servedBy).done();
    case "snapshot_needed":
      return w.uint(0x82, 1).uint(m.why, 1).uint(m.epoch, 8).uint(m.offset, 8).done();
    case "delta": {
      w.uint(0x83, 1).uint(m.base, 8).uint(m.advance, 4).uint(m.digest, 8);
      let previous = -1;
      m.indices.forEach((index, i) => {
        w.varint((index - previous - 1) * 2 ** colorBits + m.colors[i]!);
        previous = index;
      });
      return w.done();
    }
    case "accepted":
      w.uint(0x84, 1).uint(m.sequence, 4).uint(m.offset, 8).uint(m.charges, 2);
      return w.uint(m.nextChargeMs, 4).done();
    case "refused":
      w.uint(0x85, 1).uint(m.sequence, 4).uint(m.reason, 1).uint(m.waitMs, 4);
      return w.uint(m.charges, 2).done();
    case "presence":
      return w.uint(0x86, 1).uint(m.online, 4).done();
    case "notice":
      return w.uint(0x87, 1).uint(m.kind, 1).uint(m.value, 4).text(m.text).done();
    case "signed_in":
      w.uint(0x88, 1).uint(m.person, 8).uint(m.charges, 2).uint(m.nextChargeMs, 4);
      return w.text(m.name).done();
    case "sign_in_refused":
      return w.uint(0x89, 1).uint(m.reason, 1).done();
    case "pong":
      return w.uint(0x8a, 1).uint(m.nonce, 4).uint(m.timeMs, 8).done();
  }
}
