// The HTTP interface (docs/api.md), as far as the page uses it.
import { Board } from "./board";
import { digestFromHex } from "./protocol";

export interface User {
  id: string;
  name: string;
}

export interface Session {
  token: string;
  expires_at_ms: number;
  user: User;
}

export interface CanvasInfo {
  name: string;
  width: number;
  height: number;
  palette: string[];
  cooldown_ms: number;
  charges_max: number;
  frozen: boolean;
  guests: boolean;
  telegram: boolean;
  telegram_url?: string; // where the Mini App opens
  online: number;
  served_by: string;
  version: string;
}

export interface PixelInfo {
  x: number;
  y: number;
  color: number;
  placements: { offset: number | string; color: number; time_ms: number; user: User }[];
}

/** An answer other than 2xx: the server's code for it, or `http_<status>`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

const REQUEST_WITHIN_MS = 15_000;
const SNAPSHOT_WITHIN_MS = 60_000;

/** Like fetch, but gives up in time and turns refusals into ApiError. */
async function request(path: string, init: RequestInit, withinMs: number): Promise<Response> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), withinMs);
  try {
    const response = await fetch(path, { ...init, signal: controller.signal });
    if (response.ok) return response;
    const body = (await response.json().catch(() => null)) as { error?: { code?: string } } | null;
    throw new ApiError(response.status, body?.error?.code ?? `http_${response.status}`);
  } finally {
    clearTimeout(timer);
  }
}

async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await request(path, init, REQUEST_WITHIN_MS)).json()) as T;
}

function post<T>(path: string, body: object): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return json<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export const signInAsGuest = () => post<Session>("/api/auth/guest", {});
export const signInWithTelegram = (initData: string) =>
  post<Session>("/api/auth/telegram", { init_data: initData });
export const fetchCanvas = () => json<CanvasInfo>("/api/canvas");
export const fetchPixel = (x: number, y: number) =>
  json<PixelInfo>(`/api/pixels/${x}/${y}?limit=8`);

function header(response: Response, name: string): string {
  const value = response.headers.get(name);
  if (value === null) throw new Error(`the snapshot has no ${name}`);
  return value;
}

export async function fetchSnapshot(minOffset: bigint | null): Promise<Board> {
  const query = minOffset === null ? "" : `?min_offset=${minOffset}`;
  const path = "/api/canvas/snapshot" + query;
  const response = await request(path, {}, SNAPSHOT_WITHIN_MS);
  const cells = new Uint8Array(await response.arrayBuffer());
  const width = Number(header(response, "X-Canvas-Width"));
  const height = Number(header(response, "X-Canvas-Height"));
  return new Board(width, height, cells, {
    epoch: BigInt(header(response, "X-Canvas-Epoch")),
    offset: BigInt(header(response, "X-Canvas-Offset")),
    digest: digestFromHex(header(response, "X-Canvas-Digest")),
  });
}
