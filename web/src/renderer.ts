// Draws one frame: surround, board, grid, pixels on their way, reticle. Only when asked to.
import { markOn } from "./colors";
import type { Picture } from "./picture";
import type { Placement } from "./placements";
import { GRID_FROM_SCALE, toScreen, type Camera, type Point, type Size } from "./view";

/** A ring that runs outward from a pixel which has just become durable. */
export interface Spark extends Point {
  color: string;
  part: number; // 0 to 1
}

export interface Scene {
  camera: Camera;
  picture: Picture | null;
  board: Size;
  palette: readonly string[];
  placements: readonly Placement[];
  target: Point | null;
  preview: string | null; // the colour that would be placed
  aim: "cross" | "cell"; // for a finger, for a mouse
  sparks: readonly Spark[];
  surround: string;
}

const PIXEL_RATIO_MAX = 3;
const RETICLE_MIN = 14;

export class Renderer {
  private readonly context: CanvasRenderingContext2D;
  private ratio = 1;
  viewport: Size = { width: 1, height: 1 };

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d", { alpha: false })!;
  }

  resize(width: number, height: number, devicePixelRatio: number): void {
    this.ratio = Math.min(PIXEL_RATIO_MAX, devicePixelRatio);
    this.viewport = { width, height };
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
  }

  draw(scene: Scene): void {
    const { context, viewport, ratio } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = scene.surround;
    context.fillRect(0, 0, viewport.width, viewport.height);
    if (!scene.picture) return;
    this.drawBoard(scene, scene.picture);
    if (scene.camera.scale >= GRID_FROM_SCALE) this.drawGrid(scene);
    for (const placement of scene.placements) this.drawPlacement(scene, placement);
    for (const spark of scene.sparks) this.drawSpark(scene, spark);
    if (scene.target) this.drawReticle(scene, scene.target);
  }

  /** The cells in view: [left, top, right, bottom), at most the board. */
  private visible({ camera, board }: Scene): [number, number, number, number] {
    const { viewport } = this;
    const halfWidth = viewport.width / 2 / camera.scale;
    const halfHeight = viewport.height / 2 / camera.scale;
    return [
      Math.max(0, Math.floor(camera.x - halfWidth)),
      Math.max(0, Math.floor(camera.y - halfHeight)),
      Math.min(board.width, Math.ceil(camera.x + halfWidth)),
      Math.min(board.height, Math.ceil(camera.y + halfHeight)),
    ];
  }

  private drawBoard(scene: Scene, picture: Picture): void {
    const { context, viewport, ratio } = this;
    const { camera, board } = scene;
    const [left, top, right, bottom] = this.visible(scene);
    if (right <= left || bottom <= top) return;
    const corner = toScreen(camera, viewport, { x: 0, y: 0 });
    context.strokeStyle = "rgba(0, 0, 0, 0.35)";
    context.lineWidth = 2;
    const [w, h] = [board.width * camera.scale, board.height * camera.scale];
    context.strokeRect(corner.x - 1, corner.y - 1, w + 2, h + 2);
    // Crisp wherever a cell covers a device pixel; below that, averaging shows more than it hides.
    context.imageSmoothingEnabled = camera.scale * ratio < 1;
    const at = toScreen(camera, viewport, { x: left, y: top });
    const [columns, rows] = [right - left, bottom - top];
    context.drawImage(
      picture.canvas,
      ...[left, top, columns, rows],
      ...([at.x, at.y, columns * camera.scale, rows * camera.scale] as const),
    );
  }

  private drawGrid(scene: Scene): void {
    const { context, viewport, ratio } = this;
    const { camera } = scene;
    const [left, top, right, bottom] = this.visible(scene);
    const from = toScreen(camera, viewport, { x: left, y: top });
    const to = toScreen(camera, viewport, { x: right, y: bottom });
    const snap = (value: number) => (Math.round(value * ratio) + 0.5) / ratio;
    context.beginPath();
    for (let x = left; x <= right; x += 1) {
      const at = snap(from.x + (x - left) * camera.scale);
      context.moveTo(at, from.y);
      context.lineTo(at, to.y);
    }
    for (let y = top; y <= bottom; y += 1) {
      const at = snap(from.y + (y - top) * camera.scale);
      context.moveTo(from.x, at);
      context.lineTo(to.x, at);
    }
    const strength = Math.min(1, (camera.scale - GRID_FROM_SCALE) / 6 + 0.4);
    context.strokeStyle = `rgba(120, 124, 134, ${0.34 * strength})`;
    context.lineWidth = 1 / ratio;
    context.stroke();
  }

  /** On its way: hatched. Durable: solid, until the board itself shows it. */
  private drawPlacement(scene: Scene, { x, y, color, state }: Placement): void {
    const { context, viewport } = this;
    const { scale } = scene.camera;
    const hex = scene.palette[color] ?? "#000000";
    const at = toScreen(scene.camera, viewport, { x, y });
    context.fillStyle = hex;
    context.fillRect(at.x, at.y, scale, scale);
    if (state === "accepted") return;
    context.save();
    context.beginPath();
    context.rect(at.x, at.y, scale, scale);
    context.clip();
    context.strokeStyle = markOn(hex);
    context.globalAlpha = state === "unconfirmed" ? 0.75 : 0.5;
    context.lineWidth = Math.max(0.75, scale / 12);
    const step = Math.max(2, scale / 4);
    context.beginPath();
    for (let offset = -scale; offset < scale; offset += step) {
      context.moveTo(at.x + offset, at.y + scale);
      context.lineTo(at.x + offset + scale, at.y);
    }
    context.stroke();
    context.restore();
  }

  private drawSpark(scene: Scene, { x, y, color, part }: Spark): void {
    const { context, viewport } = this;
    const { scale } = scene.camera;
    const middle = toScreen(scene.camera, viewport, { x: x + 0.5, y: y + 0.5 });
    const radius = Math.max(8, scale * 0.6) + part * Math.max(14, scale);
    for (const [stroke, width] of [
      ["#FFFFFF", 4],
      [color, 2],
    ] as const) {
      context.globalAlpha = (1 - part) * 0.9;
      context.strokeStyle = stroke;
      context.lineWidth = width;
      context.beginPath();
      context.arc(middle.x, middle.y, radius, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  private drawReticle(scene: Scene, target: Point): void {
    const { context, viewport } = this;
    const { camera, preview, aim } = scene;
    const at = toScreen(camera, viewport, target);
    if (preview) {
      context.fillStyle = preview;
      context.globalAlpha = 0.85;
      const inset = camera.scale >= GRID_FROM_SCALE ? camera.scale * 0.14 : 0;
      const side = camera.scale - 2 * inset;
      context.fillRect(at.x + inset, at.y + inset, side, side);
      context.globalAlpha = 1;
    }
    const size = Math.max(RETICLE_MIN, camera.scale + 7);
    const left = at.x + camera.scale / 2 - size / 2;
    const top = at.y + camera.scale / 2 - size / 2;
    const arm = aim === "cross" ? size * 0.3 : size * 0.25;
    const reach = aim === "cross" ? Math.max(8, size * 0.35) : 0;
    const path = reticlePath(left, top, size, arm, reach);
    context.lineCap = "round";
    context.lineJoin = "round";
    // Black upon white: seen on every colour.
    for (const [stroke, width] of [
      ["rgba(255, 255, 255, 0.9)", 5.5],
      ["#0B0D10", 2.5],
    ] as const) {
      context.strokeStyle = stroke;
      context.lineWidth = width;
      context.stroke(path);
    }
  }
}

/** Four corners around a square and, for a cross, four ticks that point at it. */
function reticlePath(left: number, top: number, size: number, arm: number, reach: number): Path2D {
  const path = new Path2D();
  const [right, bottom] = [left + size, top + size];
  for (const [x, y, dx, dy] of [
    [left, top, 1, 1],
    [right, top, -1, 1],
    [left, bottom, 1, -1],
    [right, bottom, -1, -1],
  ] as const) {
    path.moveTo(x + dx * arm, y);
    path.lineTo(x, y);
    path.lineTo(x, y + dy * arm);
  }
  if (reach === 0) return path;
  const [middleX, middleY, gap] = [left + size / 2, top + size / 2, 4];
  path.moveTo(middleX, top - gap);
  path.lineTo(middleX, top - gap - reach);
  path.moveTo(middleX, bottom + gap);
  path.lineTo(middleX, bottom + gap + reach);
  path.moveTo(left - gap, middleY);
  path.lineTo(left - gap - reach, middleY);
  path.moveTo(right + gap, middleY);
  path.lineTo(right + gap + reach, middleY);
  return path;
}
