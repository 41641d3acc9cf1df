// Draws the icons in public/: one picture of 8 × 8 pixels, as SVG and as PNG in three sizes.
import { writeFileSync } from "node:fs";
import * as zlib from "node:zlib";

const COLORS = {
  ".": "#16181d",
  r: "#ff4500",
  o: "#ffa800",
  y: "#ffd635",
  g: "#00cc78",
  b: "#3690ea",
  p: "#b44ac0",
  w: "#ffffff",
};

// A heart of many hands' pixels.
const PICTURE = [
  "........",
  ".oo..rr.",
  "oywrrrrp",
  "oyrrrrpp",
  "gyorrppb",
  ".ggoppb.",
  "..gbbb..",
  "...bb...",
];

const SIDE = PICTURE.length;

function svg() {
  const rects = PICTURE.flatMap((row, y) =>
    [...row].map((cell, x) =>
      cell === "."
        ? ""
        : `<rect x="${x + 2}" y="${y + 2.25}" width="1.02" height="1.02" fill="${COLORS[cell]}"/>`,
    ),
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 12" shape-rendering="crispEdges">` +
    `<rect width="12" height="12" rx="2.6" fill="${COLORS["."]}" ` +
    `shape-rendering="geometricPrecision"/>${rects.join("")}</svg>\n`
  );
}

// Node 18 has no zlib.crc32.
function checksum(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(checksum(body), body.length + 4);
  return framed;
}

/** `share` of the side is the picture; `radius` in shares of the side, transparent beyond. */
function png(size, share, radius) {
  const colors = Object.fromEntries(
    Object.entries(COLORS).map(([name, hex]) => [name, Buffer.from(hex.slice(1) + "ff", "hex")]),
  );
  const cell = Math.floor((size * share) / SIDE);
  const margin = Math.floor((size - cell * SIDE) / 2);
  const round = size * radius;
  const rows = Buffer.alloc(size * (1 + size * 4));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const nearX = Math.max(round - x - 0.5, x + 0.5 - (size - round), 0);
      const nearY = Math.max(round - y - 0.5, y + 0.5 - (size - round), 0);
      const beyond = Math.hypot(nearX, nearY) - round;
      const name = PICTURE[Math.floor((y - margin) / cell)]?.[Math.floor((x - margin) / cell)];
      const at = y * (1 + size * 4) + 1 + x * 4;
      colors[name ?? "."].copy(rows, at);
      if (radius > 0) rows[at + 3] = Math.round(255 * Math.min(1, Math.max(0, 0.5 - beyond)));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6], 8); // eight bits a channel, RGBA
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  const data = zlib.deflateSync(rows, { level: 9 });
  const parts = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]);
}

const file = (name) => new URL(`../public/${name}`, import.meta.url);
writeFileSync(file("icon.svg"), svg());
writeFileSync(file("icon-192.png"), png(192, 0.68, 0.22));
writeFileSync(file("icon-512.png"), png(512, 0.68, 0.22));
writeFileSync(file("icon-maskable-512.png"), png(512, 0.55, 0));
