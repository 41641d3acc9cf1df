// Follows the journal: holds a board at a position, resumes there on every connection, and takes a
// fresh snapshot when told to. The board is replaced in one step, never half.
import { Board } from "./board";
import { backoffMs } from "./backoff";
import { encodeResume, type Delta, type SnapshotNeeded, type Welcome } from "./protocol";

export const RESUME_WITHIN_MS = 10_000;

export interface SyncOptions {
  /** A board at least as new as `minOffset`; rejects when it cannot be had now. */
  fetchSnapshot: (minOffset: bigint | null) => Promise<Board>;
  send: (bytes: Uint8Array) => boolean;
  /** The connection does not do what the protocol says: begin anew. */
  restart: () => void;
  random?: () => number;
  /** Another board took the place of the last one. */
  onBoard: (board: Board, before: Board | null) => void;
  onDelta: (board: Board, delta: Delta) => void;
  onLive: (live: boolean) => void;
}

export class Sync {
  board: Board | null = null;
  live = false;
  private welcome: Welcome | null = null;
  private resuming: ReturnType<typeof setTimeout> | null = null;
  private fetching = false;
  private attempt = 0;
  private endPause: () => void = () => {};
  private readonly random: () => number;

  constructor(private readonly options: SyncOptions) {
    this.random = options.random ?? Math.random;
  }

  /** Begins to fetch the board, side by side with connecting. */
  start(): void {
    void this.refetch(null);
  }

  welcomed(welcome: Welcome): void {
    this.welcome = welcome;
    this.endPause(); // the server is there: no reason to wait for the next attempt
    this.resume();
  }

  disconnected(): void {
    this.welcome = null;
    this.endResume();
    this.setLive(false);
  }

  delta(delta: Delta): void {
    const { board } = this;
    if (!board) return;
    if (!board.apply(delta)) {
      // Before the answer to a resume there may be deltas that were on their way already.
      if (this.resuming === null && !this.fetching) this.resume();
      return;
    }
    this.endResume();
    this.attempt = 0;
    this.setLive(true);
    this.options.onDelta(board, delta);
  }

  snapshotNeeded({ why, offset }: SnapshotNeeded): void {
    this.endResume();
    this.setLive(false);
    // Ahead of the journal (4): any snapshot it has is the right one.
    void this.refetch(why === 4 ? null : offset);
  }

  private resume(): void {
    const { board, welcome } = this;
    if (!board || !welcome || this.fetching) return;
    if (board.width !== welcome.width || board.height !== welcome.height) {
      void this.refetch(welcome.offset);
      return;
    }
    this.endResume();
    if (!this.options.send(encodeResume(board.position))) return;
    this.resuming = setTimeout(() => this.options.restart(), RESUME_WITHIN_MS);
  }

  private endResume(): void {
    if (this.resuming !== null) clearTimeout(this.resuming);
    this.resuming = null;
  }

  /** Fetches until it has a board; the old one stays in use meanwhile. */
  private async refetch(minOffset: bigint | null): Promise<void> {
    if (this.fetching) return;
    this.fetching = true;
    let before: Board | null = null;
    for (;;) {
      if (this.attempt > 0) await this.pause(backoffMs(this.attempt, this.random));
      this.attempt += 1;
      try {
        before = this.board;
        this.board = await this.options.fetchSnapshot(minOffset);
        break;
      } catch (error) {
        console.warn("The snapshot could not be fetched:", error);
      }
    }
    this.fetching = false;
    this.options.onBoard(this.board, before);
    this.resume();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((done) => {
      this.endPause = done;
      setTimeout(done, ms);
    });
  }

  private setLive(live: boolean): void {
    if (live === this.live) return;
    this.live = live;
    this.options.onLive(live);
  }
}
