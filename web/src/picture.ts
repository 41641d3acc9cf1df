// The board as a bitmap: painted whole once, then only where it changes.
import type { Board } from "./board";
import { channels } from "./colors";

const STRIP_ROWS = 256; // painted at once: bounds the extra memory to a strip
const SINGLE_CELLS_MAX = 2000; // more changes at once are painted as whole strips

export class Picture {
  readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d", { alpha: false })!;
  private words = new Uint32Array(256);

  constructor(
    private board: Board,
    private palette: readonly string[],
  ) {
    this.canvas.width = board.width;
    this.canvas.height = board.height;
    this.usePalette(palette);
  }

  usePalette(palette: readonly string[]): void {
    this.palette = palette;
    palette.forEach((hex, i) => {
      const [r, g, b] = channels(hex);
      this.words[i] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // RGBA, little-endian
    });
    this.paintRows(0, this.board.height);
  }

  /** Another board of the same size takes the place of the last one, in one step. */
  show(board: Board): void {
    this.board = board;
    this.paintRows(0, board.height);
  }

  /** Repaints the cells that a delta changed. */
  paint(indices: Uint32Array): void {
    const { board, context, palette } = this;
    if (indices.length > SINGLE_CELLS_MAX) return this.paintStrips(indices);
    indices.forEach((index) => {
      context.fillStyle = palette[board.cells[index]!] ?? "#000000";
      context.fillRect(index % board.width, Math.floor(index / board.width), 1, 1);
    });
  }

  private paintStrips(indices: Uint32Array): void {
    const strips = new Set<number>();
    const perStrip = this.board.width * STRIP_ROWS;
    indices.forEach((index) => strips.add(Math.floor(index / perStrip)));
    for (const strip of strips) this.paintRows(strip * STRIP_ROWS, (strip + 1) * STRIP_ROWS);
  }

  private paintRows(from: number, to: number): void {
    const { width, height, cells } = this.board;
    for (let top = from; top < Math.min(to, height); top += STRIP_ROWS) {
      const rows = Math.min(STRIP_ROWS, height - top);
      const image = this.context.createImageData(width, rows);
      const pixels = new Uint32Array(image.data.buffer);
      const offset = top * width;
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = this.words[cells[offset + i]!]!;
      this.context.putImageData(image, 0, top);
    }
  }
}
