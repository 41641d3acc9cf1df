// The camera over the board: which cell is where on the screen. Pure. Lengths on the screen are CSS
// pixels.

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** `x`, `y`: the board point at the middle of the viewport; `scale`: CSS pixels a cell. */
export interface Camera extends Point {
  scale: number;
}

export const SCALE_MAX = 40;
export const GRID_FROM_SCALE = 12;
/** Below this one cannot see which cell one points at: placing zooms in first. */
export const PLACE_FROM_SCALE = 2;
export const PLACE_AT_SCALE = 20;

const FIT_MARGIN = 0.96;
const FIT_INSET = 84; // what floats at the top and at the bottom; less on low screens

export function fitScale(board: Size, viewport: Size): number {
  const height = viewport.height - 2 * Math.min(FIT_INSET, viewport.height * 0.15);
  return Math.min(viewport.width / board.width, height / board.height) * FIT_MARGIN;
}

export function fit(board: Size, viewport: Size): Camera {
  const scale = Math.min(fitScale(board, viewport), SCALE_MAX);
  return { x: board.width / 2, y: board.height / 2, scale };
}

/** The middle stays on the board, so that every cell can come under the cross. */
export function clamp(camera: Camera, board: Size, viewport: Size): Camera {
  const scaleMin = Math.min(fitScale(board, viewport), SCALE_MAX);
  return {
    x: Math.min(board.width, Math.max(0, camera.x)),
    y: Math.min(board.height, Math.max(0, camera.y)),
    scale: Math.min(SCALE_MAX, Math.max(scaleMin, camera.scale)),
  };
}

export function toBoard(camera: Camera, viewport: Size, screen: Point): Point {
  return {
    x: camera.x + (screen.x - viewport.width / 2) / camera.scale,
    y: camera.y + (screen.y - viewport.height / 2) / camera.scale,
  };
}

export function toScreen(camera: Camera, viewport: Size, board: Point): Point {
  return {
    x: (board.x - camera.x) * camera.scale + viewport.width / 2,
    y: (board.y - camera.y) * camera.scale + viewport.height / 2,
  };
}

/** The cell at a point of the screen, or null beside the board. */
export function cellAt(camera: Camera, board: Size, viewport: Size, screen: Point): Point | null {
  const { x, y } = toBoard(camera, viewport, screen);
  const cell = { x: Math.floor(x), y: Math.floor(y) };
  const inside = cell.x >= 0 && cell.y >= 0 && cell.x < board.width && cell.y < board.height;
  return inside ? cell : null;
}

/** The cell under the middle; at the board's far edge the last one. */
export function centreCell(camera: Camera, board: Size): Point {
  return {
    x: Math.min(board.width - 1, Math.max(0, Math.floor(camera.x))),
    y: Math.min(board.height - 1, Math.max(0, Math.floor(camera.y))),
  };
}

/** A drag by so many pixels of the screen. */
export function pan(camera: Camera, dx: number, dy: number): Camera {
  return { ...camera, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale };
}

/** Zooms so that the board point under `about` stays under it. */
export function zoomAbout(camera: Camera, viewport: Size, about: Point, scale: number): Camera {
  const fixed = toBoard(camera, viewport, about);
  return {
    x: fixed.x - (about.x - viewport.width / 2) / scale,
    y: fixed.y - (about.y - viewport.height / 2) / scale,
    scale,
  };
}

/** A camera part of the way (0 to 1) from one to another, the zoom even to the eye. */
export function between(from: Camera, to: Camera, part: number): Camera {
  if (part >= 1) return to;
  const eased = 1 - (1 - part) ** 3;
  const scale = from.scale * (to.scale / from.scale) ** eased;
  // Zooming in, the place comes near as the scale grows: no swing past it.
  const same = Math.abs(to.scale / from.scale - 1) < 1e-3;
  const moved = same ? eased : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return { x: from.x + (to.x - from.x) * moved, y: from.y + (to.y - from.y) * moved, scale };
}

const GLIDE_HALF_LIFE_MS = 110;
const GLIDE_STOP = 0.02; // pixels a millisecond

/** How far a let-go drag still glides in `ms`, and the velocity left; null when it is at rest. */
export function glide(
  velocity: Point,
  ms: number,
): { dx: number; dy: number; velocity: Point } | null {
  if (Math.hypot(velocity.x, velocity.y) < GLIDE_STOP) return null;
  const decay = 0.5 ** (ms / GLIDE_HALF_LIFE_MS);
  const reach = ((1 - decay) * GLIDE_HALF_LIFE_MS) / Math.LN2;
  return {
    dx: velocity.x * reach,
    dy: velocity.y * reach,
    velocity: { x: velocity.x * decay, y: velocity.y * decay },
  };
}
