// Hands on the canvas: pointers, wheel and keys, turned into what they mean. A drag is never a tap.
import { glide, type Point } from "./view";

export interface Gestures {
  /** Somebody took hold of the canvas: whatever moves by itself stops. */
  grab(): void;
  pan(dx: number, dy: number): void;
  /** Scale by a factor about a point that stays. */
  zoom(about: Point, factor: number): void;
  hover(at: Point | null): void;
  click(at: Point): void; // mouse
  tap(at: Point): void; // finger
  doubleTap(at: Point): void;
  /** Long press, right click: who placed it? */
  inspect(at: Point): void;
  setAim(by: "finger" | "mouse"): void;
}

const SLOP = { mouse: 4, touch: 10 };
const LONG_PRESS_MS = 500;
const DOUBLE_TAP_MS = 280;
const DOUBLE_TAP_SLOP = 32;
const VELOCITY_WINDOW_MS = 80;

interface Finger extends Point {
  id: number;
}

export class PointerInput {
  private fingers: Finger[] = [];
  private start: Point = { x: 0, y: 0 };
  private moved = false; // since the first finger came down
  private trail: { x: number; y: number; at: number }[] = [];
  private longPress: ReturnType<typeof setTimeout> | undefined;
  private lastTap: { at: number; where: Point; timer: ReturnType<typeof setTimeout> } | null = null;
  private gliding = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gestures: Gestures,
    private readonly calm: () => boolean, // no inertia, please
  ) {
    canvas.addEventListener("pointerdown", this.down);
    canvas.addEventListener("pointermove", this.move);
    canvas.addEventListener("pointerup", this.up);
    canvas.addEventListener("pointercancel", this.cancel);
    canvas.addEventListener("pointerleave", () => this.gestures.hover(null));
    canvas.addEventListener("wheel", this.wheel, { passive: false });
    canvas.addEventListener("contextmenu", this.contextMenu);
    // Safari's own pinch, on top of the pointers'.
    canvas.addEventListener("gesturestart", (event) => event.preventDefault());
  }

  /** Ends inertia. */
  stop(): void {
    cancelAnimationFrame(this.gliding);
  }

  private down = (event: PointerEvent): void => {
    const mouse = event.pointerType === "mouse";
    this.gestures.setAim(mouse ? "mouse" : "finger");
    if (mouse && event.button > 1) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.stop();
    this.gestures.grab();
    const at = this.at(event);
    this.fingers.push({ id: event.pointerId, ...at });
    if (this.fingers.length > 1) return this.noLongerATap();
    this.start = at;
    this.moved = event.button === 1;
    this.trail = [{ ...at, at: event.timeStamp }];
    if (!mouse) this.longPress = setTimeout(() => this.pressed(at), LONG_PRESS_MS);
  };

  private move = (event: PointerEvent): void => {
    const at = this.at(event);
    const finger = this.fingers.find(({ id }) => id === event.pointerId);
    if (event.pointerType === "mouse" && !(finger && this.moved)) {
      this.gestures.setAim("mouse");
      this.gestures.hover(at);
    }
    if (!finger) return;
    if (!this.moved) {
      const slop = event.pointerType === "mouse" ? SLOP.mouse : SLOP.touch;
      if (Math.hypot(at.x - this.start.x, at.y - this.start.y) < slop) return;
      this.noLongerATap();
    }
    const before = spread(this.fingers);
    [finger.x, finger.y] = [at.x, at.y];
    const after = spread(this.fingers);
    this.gestures.pan(after.x - before.x, after.y - before.y);
    if (before.width > 0) this.gestures.zoom(after, after.width / before.width);
    this.trail.push({ ...at, at: event.timeStamp });
    this.trail = this.trail.filter(({ at: then }) => event.timeStamp - then < VELOCITY_WINDOW_MS);
  };

  private up = (event: PointerEvent): void => {
    const count = this.fingers.length;
    this.fingers = this.fingers.filter(({ id }) => id !== event.pointerId);
    clearTimeout(this.longPress);
    if (count !== 1) return void (this.trail = []);
    if (this.moved) return this.letGo(event);
    const at = this.at(event);
    if (event.pointerType === "mouse") this.gestures.click(at);
    else this.tapped(at, event.timeStamp);
  };

  private cancel = (event: PointerEvent): void => {
    this.fingers = this.fingers.filter(({ id }) => id !== event.pointerId);
    this.noLongerATap();
  };

  private wheel = (event: WheelEvent): void => {
    event.preventDefault();
    this.stop();
    this.gestures.grab();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    const speed = event.ctrlKey ? 0.01 : 0.002; // a trackpad's pinch comes as ctrl and small steps
    const step = Math.max(-0.7, Math.min(0.7, -pixels * speed));
    this.gestures.zoom(this.at(event), Math.exp(step));
    this.gestures.hover(this.at(event));
  };

  private contextMenu = (event: MouseEvent): void => {
    event.preventDefault();
    // A long press may bring a context menu too; its pointer is still down then.
    if (this.fingers.length === 0) this.gestures.inspect(this.at(event));
  };

  private pressed(at: Point): void {
    this.moved = true;
    this.trail = [];
    this.gestures.inspect(at);
  }

  private noLongerATap(): void {
    this.moved = true;
    clearTimeout(this.longPress);
  }

  /** One tap waits a moment for a second one. */
  private tapped(where: Point, at: number): void {
    const last = this.lastTap;
    if (last) clearTimeout(last.timer);
    this.lastTap = null;
    const near = last && Math.hypot(last.where.x - where.x, last.where.y - where.y);
    if (last && at - last.at < DOUBLE_TAP_MS && near! < DOUBLE_TAP_SLOP) {
      return this.gestures.doubleTap(where);
    }
    const timer = setTimeout(() => {
      this.lastTap = null;
      this.gestures.tap(where);
    }, DOUBLE_TAP_MS);
    this.lastTap = { at, where, timer };
  }

  private letGo(event: PointerEvent): void {
    const first = this.trail[0];
    const last = this.trail[this.trail.length - 1];
    if (this.calm() || !first || !last || last.at <= first.at) return;
    if (event.timeStamp - last.at > VELOCITY_WINDOW_MS) return; // held still before letting go
    const ms = last.at - first.at;
    let velocity = { x: (last.x - first.x) / ms, y: (last.y - first.y) / ms };
    let then = performance.now();
    const step = (now: number) => {
      const next = glide(velocity, Math.max(0, now - then));
      if (!next) return;
      [then, velocity] = [now, next.velocity];
      this.gestures.pan(next.dx, next.dy);
      this.gliding = requestAnimationFrame(step);
    };
    this.gliding = requestAnimationFrame(step);
  }

  private at(event: MouseEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

/** The middle of all fingers, and how far apart two of them are (0 for one). */
function spread(fingers: readonly Finger[]): Point & { width: number } {
  const [a, b] = fingers;
  if (!a) return { x: 0, y: 0, width: 0 };
  if (!b) return { x: a.x, y: a.y, width: 0 };
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, width: Math.hypot(a.x - b.x, a.y - b.y) };
}

/** What a key means on the canvas. */
export type KeyAction =
  | { do: "move"; dx: number; dy: number }
  | { do: "zoom"; factor: number }
  | { do: "color"; index: number }
  | { do: "nextColor"; step: number }
  | { do: "place" | "inspect" | "help" | "escape" };

const MOVES: Record<string, [dx: number, dy: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  KeyA: [-1, 0],
  KeyD: [1, 0],
  KeyW: [0, -1],
  KeyS: [0, 1],
};

/** By the key's place for letters, so that a Russian layout works too. Pure. */
export function keyAction(event: {
  key: string;
  code: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}): KeyAction | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (event.key === "?") return { do: "help" };
  if (event.key === "+" || event.key === "=") return { do: "zoom", factor: 1.5 };
  if (event.key === "-" || event.key === "_") return { do: "zoom", factor: 1 / 1.5 };
  const move = MOVES[event.code];
  if (move) {
    const step = event.shiftKey ? 10 : 1;
    return { do: "move", dx: move[0] * step, dy: move[1] * step };
  }
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  if (digit && !event.shiftKey) return { do: "color", index: (Number(digit[1]) + 9) % 10 };
  switch (event.code) {
    case "KeyQ":
      return { do: "nextColor", step: -1 };
    case "KeyE":
      return { do: "nextColor", step: 1 };
    case "KeyI":
      return { do: "inspect" };
    case "Enter":
    case "NumpadEnter":
    case "Space":
      return { do: "place" };
    case "Escape":
      return { do: "escape" };
    default:
      return null;
  }
}
