// What every browser test needs: a real server of its own, Chromium as a desktop and as a phone,
// and waiting for what the page says about itself.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const requireFromWeb = createRequire(join(root, "web/package.json"));
const { chromium } = requireFromWeb("playwright-core");

const binary = resolve(root, process.env.PIXEL_BATTLE_BIN ?? "build/release/bin/pixel-battle");
const webDir = resolve(root, process.env.WEB_DIR ?? "web/dist");
const artefacts = resolve(root, process.env.PB_ARTEFACTS ?? "build/artefacts/browser");
const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
mkdirSync(artefacts, { recursive: true });

const WITHIN_MS = 15_000;
const POLL_MS = 30;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Polls until `check` gives something true, and returns that. */
export async function eventually(what, check, withinMs = WITHIN_MS) {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await pause(POLL_MS);
  }
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

// Whatever goes wrong in a test, no server outlives it.
const stragglers = new Set();
process.on("exit", () => stragglers.forEach((pid) => process.kill(pid, "SIGKILL")));

/** The real server on a port and a data folder that it keeps through restarts. */
export class Server {
  binary = binary;
  webDir = webDir;

  static async start(environment = {}) {
    const server = new this();
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.dataDir = mkdtempSync(join(tmpdir(), "pixel-battle-browser-"));
    server.environment = environment;
    await server.launch();
    return server;
  }

  async launch() {
    const environment = {
      ...{ PATH: process.env.PATH, HOST: "127.0.0.1", PORT: `${this.port}`, THREADS: "1" },
      ...{ DATA_DIR: this.dataDir, WEB_DIR: this.webDir, LOG_LEVEL: "warning" },
      ...{ APP_SECRET_KEY: "only-for-the-browser-tests", REPLICA_NAME: "browser-test" },
      ...{ CANVAS_WIDTH: "200", CANVAS_HEIGHT: "200", ...this.environment },
    };
    const stdio = ["ignore", "ignore", "inherit"];
    this.process = spawn(this.binary, [], { env: environment, stdio });
    this.process.unref();
    this.exited = once(this.process, "exit");
    const { pid } = this.process;
    stragglers.add(pid);
    void this.exited.then(() => stragglers.delete(pid));
    await eventually("the server is ready", async () => {
      assert.equal(this.process.exitCode, null, "the server has stopped at its start");
      return fetch(`${this.url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
  }

  signal(name) {
    this.process.kill(name);
  }

  async end(signal) {
    this.signal(signal);
    await this.exited;
  }

  /** Who placed at a pixel, newest first. */
  async placements(x, y) {
    const response = await fetch(`${this.url}/api/pixels/${x}/${y}`);
    return (await response.json()).placements;
  }

  /** Leaves no process and no file behind. */
  async close() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await this.end("SIGKILL");
    }
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
  },
};

// The browser itself reports requests that fail while a server is down.
const NETWORK = /net::ERR|Failed to load resource|WebSocket connection|snapshot could not/;

export class Browser {
  static async start() {
    assert.ok(existsSync(join(webDir, "index.html")), "the front end is built: npm run build");
    const browser = new Browser();
    browser.chromium = await chromium.launch({ executablePath: chromiumPath, args: FLAGS });
    return browser;
  }

  /** A player with a browser of their own; `prepare` gets the page before it goes anywhere. */
  async player(device, url, { hints = false, memory = {}, prepare, ...options } = {}) {
    const context = await this.chromium.newContext({
      ...{ locale: "en-GB", colorScheme: "dark", ...DEVICES[device], ...options },
    });
    const kept = hints ? memory : { hints: "seen", ...memory };
    await context.addInitScript((entries) => {
      if (location.protocol === "about:") return;
      for (const [name, value] of entries) {
        const key = `pixel-battle.${name}`;
        if (localStorage.getItem(key) === null) localStorage.setItem(key, value);
      }
    }, Object.entries(kept));
    const player = new Player(device, await context.newPage());
    await prepare?.(player.page);
    await player.go(url);
    return player;
  }

  close() {
    return this.chromium.close();
  }
}

/** One page and what its player does there. */
export class Player {
  constructor(device, page) {
    this.device = device;
    this.page = page;
    this.faults = [];
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (message) => {
      const wrong = ["error", "warning"].includes(message.type());
      if (wrong && !NETWORK.test(message.text())) this.faults.push(message.text());
    });
  }

  async go(url) {
    await this.page.goto(url);
    await this.live();
  }

  state = () => this.page.evaluate(() => window.pixelBattle?.state() ?? null);
  position = () => this.page.evaluate(() => window.pixelBattle.position());
  pending = () => this.page.evaluate(() => window.pixelBattle.pending());
  colorAt = (x, y) => this.page.evaluate(([x, y]) => window.pixelBattle.boardAt(x, y), [x, y]);
  testId = (name) => this.page.getByTestId(name);

  live = (withinMs) =>
    eventually("the page is live", async () => (await this.state())?.live, withinMs);

  sees(x, y, color) {
    const what = `${this.device} sees colour ${color} at ${x}, ${y}`;
    return eventually(what, async () => (await this.colorAt(x, y)) === color);
  }

  settled = () => eventually("nothing is pending", async () => (await this.pending()).length === 0);

  says(pattern) {
    const toast = this.testId("toast");
    return eventually(`a toast says ${pattern}`, async () => {
      const text = await toast.textContent({ timeout: 1000 }).catch(() => "");
      return pattern.test(text ?? "");
    });
  }

  /** Where a cell is on the screen. */
  async pointOf(x, y) {
    const { view } = await this.state();
    const { width, height } = this.page.viewportSize();
    return [
      width / 2 + (x + 0.5 - view.x) * view.zoom,
      height / 2 + (y + 0.5 - view.y) * view.zoom,
    ];
  }

  /** Looks at a cell from near and waits until the camera is there. */
  async visit(x, y, zoom = 20) {
    await this.page.evaluate((hash) => (location.hash = hash), `#${x},${y},${zoom}`);
    await eventually("the camera is there", async () => {
      const { view } = await this.state();
      return view.x === x + 0.5 && view.y === y + 0.5 && view.zoom === zoom;
    });
  }

  async choose(color) {
    const button = this.testId(`color-${color}`);
    await (this.device === "phone" ? button.tap() : button.click());
  }

  /** As this device does it: a click on the cell, or the cross and the button. */
  async place(x, y, color) {
    await this.choose(color);
    await this.visit(x, y);
    if (this.device === "phone") return this.testId("place-button").tap();
    return this.page.mouse.click(...(await this.pointOf(x, y)));
  }

  /** Waits until everything that floats in has arrived. */
  still() {
    return this.page.evaluate(() => {
      const arriving = document.getAnimations().filter(({ animationName }) => {
        return animationName?.startsWith("arrive");
      });
      return Promise.all(arriving.map(({ finished }) => finished.catch(() => {})));
    });
  }

  async screenshot(name) {
    await this.still();
    return this.page.screenshot({ path: join(artefacts, `${name}-${this.device}.png`) });
  }

  /** Nothing went wrong unseen; then the browser is closed. */
  async leave() {
    await this.page.context().close();
    assert.deepEqual(this.faults, [], "the page reported faults");
  }
}
