// The canvas element and all that moves on it: camera, target, gestures, frames.
import type { Board } from "./board";
import { PointerInput } from "./input";
import { Picture } from "./picture";
import type { Placement } from "./placements";
import { Renderer, type Spark } from "./renderer";
import {
  between,
  cellAt,
  centreCell,
  clamp,
  fit,
  fitScale,
  pan,
  SCALE_MAX,
  toScreen,
  zoomAbout,
  type Camera,
  type Point,
} from "./view";

export type Aim = "finger" | "mouse";

export interface StageOptions {
  canvas: HTMLCanvasElement;
  /** Where to open, once the board's size is known; null: all of it. */
  opening: (board: Board) => Camera | null;
  placements: () => readonly Placement[];
  preview: () => string | null;
  onTarget: (target: Point) => void;
  onCamera: (camera: Camera) => void;
  onAim: (aim: Aim) => void;
  onGrab: () => void;
  onPlace: (cell: Point) => void;
  onInspect: (cell: Point) => void;
}

const FLY_MS = 320;
const SPARK_MS = 520;
const DOUBLE_TAP_FACTOR = 2.5;
const KEEP_IN_VIEW = 96; // pixels from the edge for a target moved by keys

interface Flight {
  from: Camera;
  to: Camera;
  since: number;
}

export class Stage {
  camera: Camera = { x: 0, y: 0, scale: 1 };
  aim: Aim;
  surround = "#121418";
  private readonly renderer: Renderer;
  private readonly input: PointerInput;
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private board: Board | null = null;
  private palette: readonly string[] = [];
  private picture: Picture | null = null;
  private cell: Point | null = null; // under the mouse or moved by keys
  private pointer: Point | null = null;
  private flight: Flight | null = null;
  private sparks: (Point & { color: string; since: number })[] = [];
  private frame = 0;

  constructor(private readonly options: StageOptions) {
    this.aim = matchMedia("(pointer: coarse)").matches ? "finger" : "mouse";
    this.renderer = new Renderer(options.canvas);
    this.input = new PointerInput(options.canvas, this, () => this.calm.matches);
    new ResizeObserver(() => this.resize()).observe(options.canvas);
    this.resize();
  }

  /** Shows a board; the first one decides where the camera opens. */
  showBoard(board: Board, palette: readonly string[]): void {
    const first = this.board === null;
    const same = this.board?.width === board.width && this.board.height === board.height;
    this.board = board;
    if (this.picture && same) this.picture.show(board);
    else this.picture = new Picture(board, palette);
    this.usePalette(palette);
    if (first) {
      this.look(this.options.opening(board) ?? fit(board, this.renderer.viewport));
    } else if (!same) {
      this.look(this.camera);
    }
    this.invalidate();
  }

  usePalette(palette: readonly string[]): void {
    if (palette.join() === this.palette.join()) return;
    const painted = this.palette.length > 0;
    this.palette = palette;
    if (painted) this.picture?.usePalette(palette);
    this.invalidate();
  }

  paint(indices: Uint32Array): void {
    this.picture?.paint(indices);
    this.invalidate();
  }

  focus(): void {
    this.options.canvas.focus({ preventScroll: true });
  }

  /** The cell that would be placed. */
  get target(): Point | null {
    if (!this.board) return null;
    return this.aim === "finger" ? centreCell(this.camera, this.board) : this.cell;
  }

  get fitted(): boolean {
    return !!this.board && this.camera.scale <= fitScale(this.board, this.renderer.viewport) * 1.01;
  }

  /** The target, or the cell in the middle when the mouse points at none. */
  get aimedCell(): Point | null {
    return this.target ?? (this.board && centreCell(this.camera, this.board));
  }

  moveTarget(dx: number, dy: number): void {
    const { board } = this;
    if (!board) return;
    this.endFlight();
    const from = this.target ?? centreCell(this.camera, board);
    const x = Math.min(board.width - 1, Math.max(0, from.x + dx));
    const y = Math.min(board.height - 1, Math.max(0, from.y + dy));
    this.cell = { x, y };
    if (this.aim === "finger") return this.look({ ...this.camera, x: x + 0.5, y: y + 0.5 });
    this.bringIntoView({ x: x + 0.5, y: y + 0.5 });
    this.aimed();
  }

  /** Zooms about the target, or about the middle. */
  zoomBy(factor: number): void {
    const { viewport } = this.renderer;
    const { target } = this;
    const middle = { x: viewport.width / 2, y: viewport.height / 2 };
    const onto =
      target && toScreen(this.camera, viewport, { x: target.x + 0.5, y: target.y + 0.5 });
    this.zoomTo(onto ?? middle, (this.flight?.to.scale ?? this.camera.scale) * factor);
  }

  fitAll(): void {
    if (this.board) this.flyTo(fit(this.board, this.renderer.viewport));
  }

  /** Glides to a cell; the target goes with it. */
  visit(cell: Point, scale = this.camera.scale): void {
    this.cell = cell;
    this.flyTo({ x: cell.x + 0.5, y: cell.y + 0.5, scale });
    this.aimed();
  }

  spark(cell: Point, color: string): void {
    if (this.calm.matches) return;
    this.sparks.push({ ...cell, color, since: performance.now() });
    this.invalidate();
  }

  /** Asks for a frame; many asks make one. */
  invalidate(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame((now) => this.drawFrame(now));
  }

  /* --- Gestures ---------------------------------------------------------------------------- */

  grab(): void {
    this.endFlight();
    this.options.onGrab();
  }

  pan(dx: number, dy: number): void {
    this.look(pan(this.camera, dx, dy));
  }

  zoom(about: Point, factor: number): void {
    const scale = this.limited(this.camera.scale * factor);
    this.look(zoomAbout(this.camera, this.renderer.viewport, about, scale));
  }

  hover(at: Point | null): void {
    this.pointer = at;
    if (!this.board || this.aim !== "mouse") return;
    const cell = at && cellAt(this.camera, this.board, this.renderer.viewport, at);
    if (cell?.x === this.cell?.x && cell?.y === this.cell?.y) return;
    this.cell = cell;
    this.aimed();
  }

  click(at: Point): void {
    const cell = this.cellUnder(at);
    if (cell) this.options.onPlace(cell);
  }

  tap(at: Point): void {
    const cell = this.cellUnder(at);
    if (!cell) return;
    this.visit(cell);
    this.options.onInspect(cell);
  }

  doubleTap(at: Point): void {
    if (this.camera.scale >= SCALE_MAX) this.fitAll();
    else this.zoomTo(at, this.camera.scale * DOUBLE_TAP_FACTOR);
  }

  inspect(at: Point): void {
    const cell = this.cellUnder(at);
    if (cell) this.options.onInspect(cell);
  }

  setAim(aim: Aim): void {
    if (aim === this.aim) return;
    this.aim = aim;
    this.options.onAim(aim);
    this.aimed();
  }

  /* --- Inside ------------------------------------------------------------------------------ */

  private cellUnder(at: Point): Point | null {
    return this.board && cellAt(this.camera, this.board, this.renderer.viewport, at);
  }

  private limited(scale: number): number {
    if (!this.board) return scale;
    return clamp({ ...this.camera, scale }, this.board, this.renderer.viewport).scale;
  }

  private zoomTo(about: Point, scale: number): void {
    this.flyTo(zoomAbout(this.camera, this.renderer.viewport, about, this.limited(scale)));
  }

  private flyTo(camera: Camera): void {
    this.input.stop();
    if (!this.board) return;
    const to = clamp(camera, this.board, this.renderer.viewport);
    if (this.calm.matches) return this.look(to);
    this.flight = { from: this.camera, to, since: performance.now() };
    this.invalidate();
  }

  private endFlight(): void {
    this.flight = null;
    this.input.stop();
  }

  private bringIntoView(point: Point): void {
    const { viewport } = this.renderer;
    const at = toScreen(this.camera, viewport, point);
    const beyond = (value: number, length: number) => {
      const edge = Math.min(KEEP_IN_VIEW, length / 3);
      return Math.max(0, value - (length - edge)) + Math.min(0, value - edge);
    };
    const [dx, dy] = [beyond(at.x, viewport.width), beyond(at.y, viewport.height)];
    if (dx !== 0 || dy !== 0) this.look(pan(this.camera, -dx, -dy));
  }

  private look(camera: Camera): void {
    if (!this.board) return;
    this.camera = clamp(camera, this.board, this.renderer.viewport);
    this.options.onCamera(this.camera);
    this.aimed();
  }

  private aimed(): void {
    const { target } = this;
    if (target) this.options.onTarget(target);
    this.invalidate();
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.options.canvas;
    const fitted = this.fitted;
    this.renderer.resize(clientWidth, clientHeight, devicePixelRatio);
    if (this.board) this.look(fitted ? fit(this.board, this.renderer.viewport) : this.camera);
    // Drawn at once: setting a canvas's size has cleared it.
    cancelAnimationFrame(this.frame);
    this.drawFrame(performance.now());
  }

  private drawFrame(now: number): void {
    this.frame = 0;
    if (this.flight) {
      const { from, to, since } = this.flight;
      const part = Math.min(1, Math.max(0, now - since) / FLY_MS);
      if (part >= 1) this.flight = null;
      this.look(between(from, to, part));
      if (this.pointer && part >= 1) this.hover(this.pointer);
    }
    this.sparks = this.sparks.filter(({ since }) => now - since < SPARK_MS);
    const sparks: Spark[] = this.sparks.map(({ x, y, color, since }) => {
      return { x, y, color, part: Math.max(0, now - since) / SPARK_MS };
    });
    this.renderer.draw({
      camera: this.camera,
      picture: this.picture,
      board: this.board ?? { width: 1, height: 1 },
      palette: this.palette,
      placements: this.options.placements(),
      target: this.target,
      preview: this.options.preview(),
      aim: this.aim === "finger" ? "cross" : "cell",
      sparks,
      surround: this.surround,
    });
    if (this.flight || this.sparks.length > 0) this.invalidate();
  }
}
