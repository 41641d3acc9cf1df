"""Decodes the PNG pictures that the server makes: 8 bits, palette or RGB, not interlaced."""

import struct
import zlib


def decode(data):
    """(width, height, rows of "#RRGGBB"); checks every CRC."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        assert zlib.crc32(kind + body) == crc, f"the CRC of {kind} is wrong"
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + length
    assert b"IEND" in chunks, "the picture is cut off"
    width, height, depth, color_type, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (interlace, color_type in (2, 3)) == (0, True), "a kind of PNG not expected here"
    samples = 3 if color_type == 2 else 1
    step, row_bytes = max(1, samples * depth // 8), (width * samples * depth + 7) // 8
    raw, rows, previous = zlib.decompress(chunks[b"IDAT"]), [], bytearray(row_bytes)
    assert len(raw) == height * (row_bytes + 1)
    for y in range(height):
        start = y * (row_bytes + 1)
        row = bytearray(raw[start + 1 : start + 1 + row_bytes])
        previous = unfilter(raw[start], row, previous, step)
        rows.append(colors(previous, width, depth, color_type, chunks.get(b"PLTE")))
    return width, height, rows


def unfilter(kind, row, above, step):
    for i in range(len(row)) if kind else ():
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = {1: left, 2: above[i], 3: (left + above[i]) // 2, 4: paeth(left, above[i], corner)}
        row[i] = row[i] + guess[kind] & 0xFF
    return row


def paeth(left, above, corner):
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


def colors(row, width, depth, color_type, palette):
    if color_type == 2:
        return ["#" + row[3 * x : 3 * x + 3].hex().upper() for x in range(width)]
    per_byte = 8 // depth
    indices = [row[x // per_byte] >> (8 - depth * (x % per_byte + 1)) & ((1 << depth) - 1)
               for x in range(width)]
    return ["#" + palette[3 * i : 3 * i + 3].hex().upper() for i in indices]
