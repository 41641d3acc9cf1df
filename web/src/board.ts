// The board: one byte a pixel and the position it stands at. Pure.
import type { Delta, Position } from "./protocol";

export class Board {
  constructor(
    readonly width: number,
    readonly height: number,
    readonly cells: Uint8Array,
    public position: Position,
  ) {
    if (cells.length !== width * height) throw new Error("the board's size and bytes differ");
  }

  at(x: number, y: number): number | undefined {
    return this.holds(x, y) ? this.cells[y * this.width + x] : undefined;
  }

  holds(x: number, y: number): boolean {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  /** Moves on by one delta; false, and nothing changes, if it does not start where the board is. */
  apply(delta: Delta): boolean {
    const { epoch, offset } = this.position;
    if (delta.base !== offset) return false;
    delta.indices.forEach((index, i) => (this.cells[index] = delta.colors[i]!));
    this.position = { epoch, offset: offset + BigInt(delta.advance), digest: delta.digest };
    return true;
  }
}
