// The game: joins the connection, the board, placements, charges and the stage, and keeps the state
// that the components show. Every rule has a room of its own; here is who tells whom.
import * as api from "./api";
import type { Board } from "./board";
import { Connection, type Phase, type Socket } from "./connection";
import { ChargeWatch, Cooldown, type Charges } from "./cooldown";
import type { Word } from "./i18n";
import type { KeyAction } from "./input";
import { randomProducer, reloadOnce, socketUrl } from "./page";
import { Placements, UNCONFIRMED_AFTER_MS, type Placement } from "./placements";
import {
  encodePlace,
  encodeSignIn,
  isUndecided,
  NoticeKind,
  Refusal,
  WELCOME_FROZEN,
  WELCOME_GUESTS,
  type Accepted,
  type Delta,
  type Notice,
  type Refused,
  type ServerMessage,
  type SignedIn,
  type Welcome,
} from "./protocol";
import { SessionKeeper, SignInError } from "./session";
import { Stage } from "./stage";
import type { CanvasFacts, GameOptions, GameState } from "./state";
import { deviceMemory, tabMemory } from "./storage";
import type { Store } from "./store";
import { Sync } from "./sync";
import { claimedUserId, type Telegram } from "./telegram";
import { FAILURES, REFUSALS, Teller } from "./teller";
import { PLACE_AT_SCALE, PLACE_FROM_SCALE, type Point } from "./view";

const TARGET_EVERY_MS = 80; // how often the words around the canvas follow the camera

export class Game {
  readonly state: Store<GameState>;
  stage: Stage | null = null;
  readonly teller: Teller;
  private readonly telegram: Telegram;
  private readonly cooldown = new Cooldown();
  private readonly placements: Placements;
  private readonly session: SessionKeeper;
  private readonly sync: Sync;
  private readonly connection: Connection;
  private person: string | null = null; // signed in on this connection
  private producer: bigint | null = null; // named when signing in
  private signIns = 0; // refused on this connection
  private signing: object | null = null; // the one attempt that is under way on it
  private readonly chargeWatch = new ChargeWatch(
    () => this.charges(),
    (charges) => this.chargeBack(charges),
  );
  private targetTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: GameOptions) {
    this.state = options.state;
    this.telegram = options.telegram;
    this.teller = new Teller(this.state, () => this.charges().nextMs);
    const { initData = "" } = this.telegram.launch ?? {};
    this.session = new SessionKeeper({
      memory: deviceMemory,
      initData,
      userId: claimedUserId(initData),
      asGuest: api.signInAsGuest,
      withTelegram: api.signInWithTelegram,
    });
    const left = tabMemory.get("placements");
    const save = (text: string | null) => tabMemory.set("placements", text);
    this.placements = Placements.restore(left, randomProducer, save, performance.now());
    this.sync = new Sync({
      fetchSnapshot: api.fetchSnapshot,
      send: (bytes) => this.connection.send(bytes),
      restart: () => this.connection.restart(),
      onBoard: (board, before) => this.showBoard(board, before),
      onDelta: (board, delta) => this.boardMoved(board, delta),
      onLive: (live) => this.liveChanged(live),
    });
    this.connection = new Connection({
      open: () => new WebSocket(socketUrl()) as unknown as Socket,
      onPhase: (phase) => this.phaseChanged(phase),
      onWelcome: (welcome) => this.welcomed(welcome),
      onMessage: (message) => this.receive(message),
      onLost: () => this.lost(),
      onReload: () => reloadOnce(),
    });
  }

  /** The canvas element is there: everything begins. */
  start(canvas: HTMLCanvasElement): void {
    this.stage = new Stage({
      canvas,
      opening: this.options.opening,
      placements: () => this.placements.all,
      preview: () => this.preview(),
      onTarget: () => this.targetMoved(),
      onCamera: (camera) => this.options.onCamera(camera),
      onAim: (aim) => this.state.set({ aim }),
      onGrab: () => this.state.set({ card: null, sheet: null }),
      onPlace: (cell) => void this.place(cell),
      onInspect: (cell) => void this.inspect(cell),
    });
    this.state.set({ aim: this.stage.aim, unanswered: this.placements.unanswered.length });
    this.sync.start();
    this.connection.connect();
    void this.fetchFacts();
  }

  /* --- What a person does ------------------------------------------------------------------ */

  /** Places the chosen colour at a cell, or at the target. */
  place(at: Point | null = this.stage?.target ?? null): void {
    const { stage } = this;
    const { board } = this.sync;
    const { color, canvas } = this.state.get();
    if (!stage || !board || !canvas || !at) return;
    if (stage.camera.scale < PLACE_FROM_SCALE) {
      stage.visit(at, PLACE_AT_SCALE);
      return this.teller.tell("pickSpot", "info");
    }
    const obstacle = this.obstacle(at);
    if (obstacle) {
      this.telegram.haptic("refused");
      return this.teller.tell(obstacle, obstacle === "sameColor" ? "info" : "bad");
    }
    const now = performance.now();
    const placement = this.placements.add(at.x, at.y, color, now);
    setTimeout(() => this.checkOverdue(), UNCONFIRMED_AFTER_MS + 50);
    this.telegram.haptic("tick");
    this.dismissHints();
    this.state.set({ card: null });
    this.placementsChanged();
    // The producer changes when what an earlier page left open is settled.
    if (this.producer !== this.placements.producer) this.person = null;
    if (this.person === null) return void this.signIn();
    placement.person = this.person;
    this.connection.send(encodePlace(placement));
  }

  choose(color: number): void {
    const { canvas } = this.state.get();
    if (!canvas) return;
    const count = canvas.palette.length;
    this.state.set({ color: ((color % count) + count) % count });
    deviceMemory.set("color", String(this.state.get().color));
    this.stage?.invalidate();
  }

  async inspect(cell: Point | null = this.stage?.target ?? null): Promise<void> {
    if (!cell || !this.sync.board?.holds(cell.x, cell.y)) return;
    this.state.set({ card: { cell, info: "loading" }, sheet: null });
    const info = await api.fetchPixel(cell.x, cell.y).catch(() => "failed" as const);
    if (this.state.get().card?.cell === cell) this.state.set({ card: { cell, info } });
  }

  act(action: KeyAction): void {
    const { stage, state } = this;
    switch (action.do) {
      case "move":
        stage?.moveTarget(action.dx, action.dy);
        return this.describeTarget();
      case "zoom":
        return stage?.zoomBy(action.factor);
      case "color":
        if (action.index < (state.get().canvas?.palette.length ?? 0)) this.choose(action.index);
        return;
      case "nextColor":
        return this.choose(state.get().color + action.step);
      case "place":
        return this.place(stage?.aimedCell ?? null);
      case "inspect":
        return void this.inspect(stage?.aimedCell ?? null);
      case "help":
        return state.set({ sheet: state.get().sheet === "help" ? null : "help" });
      case "escape":
        return state.set({ sheet: null, card: null });
    }
  }

  dismissHints(): void {
    if (this.state.get().hints) deviceMemory.set("hints", "seen");
    this.state.set({ hints: false });
  }

  focusCanvas(): void {
    this.stage?.focus();
  }

  wake(): void {
    this.connection.wake();
  }

  charges(): Charges {
    const charges = this.cooldown.at(performance.now());
    return {
      ...charges,
      charges: Math.max(0, charges.charges - this.placements.unanswered.length),
    };
  }

  get board(): Board | null {
    return this.sync.board;
  }

  get pending(): readonly Placement[] {
    return this.placements.all;
  }

  private describeTarget(): void {
    const { target, canvas } = this.state.get();
    const cell = this.stage?.target ?? target;
    const color = cell && this.sync.board?.at(cell.x, cell.y);
    if (!cell || !canvas || color === undefined || color === null) return;
    const name = this.teller.words.color(canvas.palette[color] ?? "");
    this.teller.announce(`${cell.x}, ${cell.y}: ${name}`);
  }

  /* --- Placing ------------------------------------------------------------------------------ */

  private obstacle({ x, y }: Point): Word | null {
    const { board, live } = this.sync;
    const { color, frozen, needsTelegram } = this.state.get();
    if (!board?.holds(x, y)) return "outside";
    if (!live) return "notConnected";
    if (needsTelegram) return "guestsDisabled";
    if (frozen) return "frozen";
    if (this.placements.blocked) {
      return this.placements.blocked === "settling" ? "settling" : "tooMany";
    }
    const own = this.placements.all.filter((p) => p.x === x && p.y === y).pop();
    if ((own?.color ?? board.at(x, y)) === color) return "sameColor";
    return this.charges().charges > 0 ? null : "nextCharge";
  }

  private preview(): string | null {
    const { color, canvas, frozen, live } = this.state.get();
    return frozen || !live ? null : (canvas?.palette[color] ?? null);
  }

  private checkOverdue(): void {
    if (this.placements.overdue(performance.now()).length === 0) return;
    this.teller.tell("notConfirmed", "info");
    this.placementsChanged();
  }

  private accepted({ sequence, offset, charges, nextChargeMs }: Accepted): void {
    this.cooldown.update(charges, nextChargeMs, performance.now());
    const placement = this.placements.accepted(sequence, offset);
    if (placement) {
      const { x, y, color } = placement;
      this.stage?.spark({ x, y }, this.state.get().canvas?.palette[color] ?? "#ffffff");
      this.telegram.haptic("placed");
      this.teller.announce(`${this.teller.words.say("placed")}: ${x}, ${y}`);
    }
    if (this.board) this.placements.boardAt(this.board.position.offset);
    this.answered();
  }

  private refused({ sequence, reason, waitMs, charges }: Refused): void {
    if (reason === Refusal.cooldown) this.cooldown.update(charges, waitMs, performance.now());
    const open = isUndecided(reason) ? this.placements.repeated(sequence) : null;
    if (open) return this.connection.sendLater(encodePlace(open), waitMs);
    const placement = this.placements.refused(sequence);
    this.answered();
    if (!placement) return;
    if (reason === Refusal.notSignedIn) this.signedOut();
    if (reason === Refusal.frozen) this.state.set({ frozen: true });
    this.telegram.haptic("refused");
    this.teller.tell(REFUSALS[reason] ?? "refused", "bad");
  }

  private answered(): void {
    this.placementsChanged();
    this.chargesChanged();
  }

  private placementsChanged(): void {
    this.state.set({ unanswered: this.placements.unanswered.length });
    this.stage?.invalidate();
  }

  private chargesChanged(): void {
    const { chargesVersion } = this.state.get();
    this.state.set({ chargesVersion: chargesVersion + 1 });
    this.chargeWatch.watch();
  }

  private chargeBack({ charges, chargesMax }: Charges): void {
    this.telegram.haptic("tick");
    if (charges === 1) this.teller.announce(this.teller.words.say("chargeBack"));
    if (document.hidden) document.title = `✓ ${charges}/${chargesMax} · ${this.title}`;
  }

  get title(): string {
    return this.state.get().canvas?.name ?? "Pixel Battle";
  }

  /* --- Who plays ---------------------------------------------------------------------------- */

  private async signIn(): Promise<void> {
    if (this.signing) return;
    const signing = (this.signing = {});
    try {
      const token = await this.session.obtain();
      if (this.signing !== signing) return; // another connection, which does this itself
      this.producer = this.placements.producer;
      this.connection.send(encodeSignIn(this.producer, token));
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      if (this.signing === signing) this.signing = null;
      if (this.placements.giveUp(error.failure === "offline" ? "unsent" : "all").length > 0) {
        this.teller.tell(FAILURES[error.failure], "bad");
      }
      if (error.failure === "guests_disabled") this.state.set({ needsTelegram: true });
      this.placementsChanged();
    }
  }

  private signedIn({ person, charges, nextChargeMs, name }: SignedIn): void {
    this.person = person.toString();
    this.signing = null;
    this.signIns = 0;
    this.cooldown.update(charges, nextChargeMs, performance.now());
    this.state.set({ player: name });
    const { send, givenUp } = this.placements.signedInAs(this.person);
    if (givenUp.length > 0) this.teller.tell("signedOut", "bad");
    for (const placement of send) this.connection.send(encodePlace(placement));
    this.answered();
  }

  /** The token is no longer good. A new one is fetched when somebody waits for it. */
  private signInRefused(): void {
    this.signing = null;
    this.signedOut();
    this.signIns += 1;
    if (this.placements.unanswered.length === 0) return;
    if (this.signIns <= 1) return void this.signIn();
    this.placements.giveUp("all");
    this.placementsChanged();
    this.teller.tell("signedOut", "bad");
  }

  private signedOut(): void {
    this.person = null;
    this.session.forget();
    this.cooldown.forget();
    this.state.set({ player: null });
    this.chargesChanged();
  }

  /* --- Following the server ------------------------------------------------------------------ */

  private welcomed(welcome: Welcome): void {
    const { width, height, palette, cooldownMs, chargesMax, servedBy, flags } = welcome;
    const { canvas } = this.state.get();
    this.setFacts({
      ...{ name: canvas?.name ?? "Pixel Battle", version: canvas?.version ?? "" },
      ...{ telegramUrl: canvas?.telegramUrl ?? null },
      ...{ width, height, palette, cooldownMs, chargesMax, servedBy },
    });
    this.cooldown.anchor(Number(welcome.timeMs), performance.now());
    const guests = (flags & WELCOME_GUESTS) !== 0;
    const needsTelegram = !guests && !this.telegram.inside && this.session.token === null;
    this.state.set({ frozen: (flags & WELCOME_FROZEN) !== 0, draining: false, needsTelegram });
    this.sync.welcomed(welcome);
    this.signIns = 0;
    if (this.session.token !== null || this.placements.unanswered.length > 0) void this.signIn();
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "delta":
        return this.sync.delta(message);
      case "snapshot_needed":
        return this.sync.snapshotNeeded(message);
      case "accepted":
        return this.accepted(message);
      case "refused":
        return this.refused(message);
      case "presence":
        return this.state.set({ online: message.online });
      case "notice":
        return this.notice(message);
      case "signed_in":
        return this.signedIn(message);
      case "sign_in_refused":
        return this.signInRefused();
      case "pong":
        return this.cooldown.correct(Number(message.timeMs), performance.now());
      case "welcome":
        return;
    }
  }

  private notice({ kind, value, text }: Notice): void {
    const { canvas, frozen } = this.state.get();
    switch (kind) {
      case NoticeKind.draining:
        return this.state.set({ draining: true });
      case NoticeKind.frozen:
        if (frozen === (value === 1)) return;
        this.state.set({ frozen: value === 1 });
        this.stage?.invalidate();
        return this.teller.tell(value === 1 ? "frozen" : "unfrozen", "info");
      case NoticeKind.message:
        return this.teller.quote(text);
      case NoticeKind.cooldown:
        if (!canvas || canvas.cooldownMs === value) return;
        this.setFacts({ ...canvas, cooldownMs: value });
        return this.teller.tellCooldown(value);
    }
  }

  private lost(): void {
    this.person = null;
    this.signing = null;
    this.sync.disconnected();
  }

  private phaseChanged(phase: Phase): void {
    const retryAt = phase.name === "waiting" ? performance.now() + phase.retryInMs : null;
    this.state.set({ phase, retryAt });
  }

  private liveChanged(live: boolean): void {
    this.state.set(live ? { live, lived: true } : { live });
    if (live) {
      this.connection.settled();
      tabMemory.set("reloaded", null);
    }
    this.stage?.invalidate();
  }

  private showBoard(board: Board, before: Board | null): void {
    if (before && before.position.epoch !== board.position.epoch) this.placements.boardReplaced();
    this.placements.boardAt(board.position.offset);
    this.state.set({ position: board.position });
    this.showPicture();
  }

  /** The picture needs the board and the palette, whichever comes last. */
  private showPicture(): void {
    const { canvas } = this.state.get();
    if (!this.board || !canvas) return;
    this.stage?.showBoard(this.board, canvas.palette);
    this.state.set({ boardReady: true });
  }

  private boardMoved(board: Board, delta: Delta): void {
    this.placements.boardAt(board.position.offset);
    if (delta.indices.length > 0) this.stage?.paint(delta.indices);
    this.stage?.invalidate();
    this.state.set({ position: board.position });
  }

  private setFacts(canvas: CanvasFacts): void {
    const { canvas: before, color } = this.state.get();
    this.state.set({ canvas, color: color < canvas.palette.length ? color : 0 });
    this.cooldown.configure(canvas.cooldownMs, canvas.chargesMax);
    if (before === null) this.showPicture();
    else this.stage?.usePalette(canvas.palette);
    this.chargesChanged();
    if (!document.hidden) document.title = this.title;
  }

  /** Name and version are in no welcome; the rest makes a picture even without a WebSocket. */
  private async fetchFacts(): Promise<void> {
    const info = await api.fetchCanvas().catch(() => null);
    if (!info) return;
    const { canvas } = this.state.get();
    const { name, version, telegram_url: telegramUrl = null } = info;
    this.setFacts({
      ...{ width: info.width, height: info.height, palette: info.palette },
      ...{ cooldownMs: info.cooldown_ms, chargesMax: info.charges_max, servedBy: info.served_by },
      ...canvas,
      ...{ name, version, telegramUrl },
    });
    if (this.state.get().online === null) this.state.set({ online: info.online });
  }

  /* --- The target ---------------------------------------------------------------------------- */

  /** The words follow the camera at a pace of their own: no layout in its frames. */
  private targetMoved(): void {
    this.targetTimer ??= setTimeout(() => {
      this.targetTimer = undefined;
      const { stage } = this;
      if (!stage) return;
      const { target: before } = this.state.get();
      const target = stage.target ?? before;
      const same = target?.x === before?.x && target?.y === before?.y;
      const tooSmall = stage.camera.scale < PLACE_FROM_SCALE;
      this.state.set({ target: same ? before : target, tooSmall });
    }, TARGET_EVERY_MS);
  }
}
