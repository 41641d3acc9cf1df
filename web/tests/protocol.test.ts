// The codec against the golden vectors that every implementation of the protocol shares.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  decodeServerMessage,
  digestFromHex,
  encodeHello,
  encodePing,
  encodePlace,
  encodeResume,
  encodeSignIn,
  ProtocolError,
  type ServerMessage,
} from "../src/protocol";
import { encodeServerMessage } from "./server_codec";

interface Vector {
  name: string;
  message: string;
  direction: "client" | "server";
  hex: string;
  fields: Record<string, unknown>;
}

interface Malformed {
  name: string;
  direction: "client" | "server";
  hex: string;
  area?: number;
  color_bits?: number;
}

function load<T>(name: string): T[] {
  const url = new URL(`../../tests/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as T[];
}

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const vectors = load<Vector>("protocol");
const shapeOf = (vector: { color_bits?: number; area?: number }) => ({
  colorBits: vector.color_bits ?? 5,
  area: vector.area ?? 4096 * 4096,
});

function encodeClient({ message, fields }: Vector): Uint8Array {
  const number = (name: string) => fields[name] as number;
  const big = (name: string) => BigInt(fields[name] as string);
  switch (message) {
    case "hello":
      return encodeHello(number("version"));
    case "resume": {
      const digest = digestFromHex(fields["digest"] as string);
      return encodeResume({ epoch: big("epoch"), offset: big("offset"), digest });
    }
    case "sign_in":
      return encodeSignIn(big("producer"), fields["token"] as string);
    case "place":
      return encodePlace({
        ...{ sequence: number("sequence"), color: number("color") },
        ...{ x: number("x"), y: number("y") },
      });
    case "ping":
      return encodePing(number("nonce"));
    default:
      throw new Error(`no such client message: ${message}`);
  }
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());

/** A decoded message in the spelling of the vectors. */
function spelled(message: ServerMessage): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    if (name === "type" || name === "indices" || name === "colors") continue;
    const hex = name === "digest" && (value as bigint).toString(16).padStart(16, "0");
    fields[snake(name)] = hex || (typeof value === "bigint" ? value.toString() : value);
  }
  if (message.type === "delta") {
    const { indices, colors } = message;
    fields["pixels"] = Array.from(indices, (index, i) => [index, colors[i]]);
  }
  return fields;
}

describe("messages to the server", () => {
  const ours = vectors.filter((vector) => vector.direction === "client");
  it.each(ours)("$name", (vector) => {
    expect(toHex(encodeClient(vector))).toBe(vector.hex);
  });
});

describe("messages from the server", () => {
  const theirs = vectors.filter((vector) => vector.direction === "server");
  it.each(theirs)("$name", (vector) => {
    const { color_bits: colorBits, ...fields } = vector.fields;
    const isDelta = vector.message === "delta";
    const shape = shapeOf(isDelta ? { color_bits: colorBits as number } : {});
    const message = decodeServerMessage(fromHex(vector.hex), shape);
    expect(message.type).toBe(vector.message);
    expect(spelled(message)).toEqual(isDelta ? fields : vector.fields);
    expect(toHex(encodeServerMessage(message, shape.colorBits))).toBe(vector.hex);
  });
});

describe("malformed messages from the server are refused", () => {
  const theirs = load<Malformed>("malformed").filter((vector) => vector.direction === "server");
  it.each(theirs)("$name", (vector) => {
    expect(() => decodeServerMessage(fromHex(vector.hex), shapeOf(vector))).toThrow(ProtocolError);
  });
});
