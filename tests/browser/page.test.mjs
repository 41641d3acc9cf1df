// The page itself: both languages, both themes, who may play, how much it weighs, who can use it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, describe, test } from "node:test";
import { Browser, DEVICES, eventually, requireFromWeb, Server } from "./harness.mjs";

const FIRST_LOAD_BYTES_MAX = 60_000;
const TOUCH_TARGET_MIN = 44;
const axe = readFileSync(requireFromWeb.resolve("axe-core/axe.min.js"), "utf8");

let browser;
let server;
let player;

before(async () => {
  browser = await Browser.start();
  server = await Server.start();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

afterEach(async () => {
  const leaving = player;
  player = null;
  await leaving?.leave();
});

async function join(device, options, url = server.url) {
  player = await browser.player(device, url + "/#100,100,20", options);
}

describe("axe finds nothing serious", () => {
  async function audit(where) {
    await player.page.evaluate(axe);
    const violations = await player.page.evaluate(async () => {
      const found = await window.axe.run(document, { resultTypes: ["violations"] });
      return found.violations.map(({ id, impact, nodes }) => {
        return { id, impact, nodes: nodes.map(({ html }) => html) };
      });
    });
    const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(grave, [], where);
  }

  for (const device of Object.keys(DEVICES)) {
    for (const theme of ["dark", "light"]) {
      test(`${device}, ${theme}`, async () => {
        await join(device, { hints: true, memory: { theme } });
        await player.testId("hints").waitFor();
        await player.screenshot(`first-visit-${theme}`);
        await audit("the first visit");
        await player.page.getByText("Got it").click();
        await player.page.keyboard.press("KeyI");
        await player.testId("pixel-card").waitFor();
        await audit("the pixel card");
        await player.testId("connection-pill").click();
        await audit("the canvas's details");
        await player.screenshot(`details-${theme}`);
        await player.testId("help").click();
        await player.testId("help-sheet").waitFor();
        await audit("the help");
        await player.screenshot(`help-${theme}`);
      });
    }
  }
});

test("every control is named, and a finger finds each of them", async () => {
  await join("phone");
  const controls = await player.page.$$eval("button", (buttons) =>
    buttons.map((button) => {
      const { width, height } = button.getBoundingClientRect();
      const name = button.getAttribute("aria-label") ?? button.textContent;
      return { name: name.trim(), width, height };
    }),
  );
  assert.ok(controls.length > 30);
  for (const { name, width, height } of controls) {
    assert.notEqual(name, "");
    assert.ok(Math.min(width, height) >= TOUCH_TARGET_MIN, `${name}: ${width} × ${height}`);
  }
});

test("nothing sticks out of a small phone", async () => {
  await join("phone", { viewport: { width: 320, height: 568 } });
  for (const name of ["connection-pill", "help", "palette", "place-button", "coordinates"]) {
    const box = await player.testId(name).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 320, name);
  }
  const pill = await player.testId("connection-pill").boundingBox();
  const language = await player.testId("language").boundingBox();
  assert.ok(pill.x + pill.width <= language.x, "the pill leaves room for the buttons");
  await player.screenshot("small");
});

test("speaks Russian to Russians, English on demand, and remembers it", async () => {
  await join("phone", { locale: "ru-RU" });
  const place = player.testId("place-button");
  const lang = () => player.page.evaluate(() => document.documentElement.lang);
  assert.equal(await lang(), "ru");
  assert.match(await place.textContent(), /Поставить/);
  await player.screenshot("russian");
  await player.testId("language").tap();
  assert.equal(await lang(), "en");
  assert.match(await place.textContent(), /Place/);
  await player.page.reload();
  await player.live();
  assert.match(await place.textContent(), /Place/);
});

test("follows the system's theme until a person chooses", async () => {
  await join("desktop", { colorScheme: "light" });
  const theme = () => player.page.evaluate(() => document.documentElement.dataset.theme);
  assert.equal(await theme(), "light");
  await player.page.emulateMedia({ colorScheme: "dark" });
  await eventually("it follows", async () => (await theme()) === "dark");
  await player.testId("theme").click();
  assert.equal(await theme(), "light");
  await player.page.reload();
  await player.live();
  assert.equal(await theme(), "light");
});

test("the hints are shown once", async () => {
  await join("phone", { hints: true });
  await player.testId("hints").waitFor();
  await player.page.getByText("Got it").tap();
  await player.testId("hints").waitFor({ state: "detached" });
  await player.page.reload();
  await player.live();
  assert.equal(await player.testId("hints").count(), 0);
});

test(`the first load is under ${FIRST_LOAD_BYTES_MAX} bytes apart from the board`, async () => {
  await join("desktop");
  const context = await browser.chromium.newContext(DEVICES.phone);
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  const urls = new Map();
  let bytes = 0;
  network.on("Network.responseReceived", ({ requestId, response }) => {
    urls.set(requestId, new URL(response.url).pathname);
  });
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (!urls.get(requestId)?.startsWith("/api/")) bytes += encodedDataLength;
  });
  await page.goto(server.url, { waitUntil: "networkidle" });
  await context.close();
  assert.ok([...urls.values()].some((path) => path.endsWith(".js")));
  assert.ok(bytes > 10_000 && bytes < FIRST_LOAD_BYTES_MAX, `${bytes} bytes`);
});

test("can be installed: a manifest with icons that exist", async () => {
  await join("desktop");
  const manifest = await (await fetch(`${server.url}/manifest.webmanifest`)).json();
  for (const { src, type } of manifest.icons) {
    const response = await fetch(server.url + src);
    assert.equal(response.status, 200, src);
    assert.match(response.headers.get("content-type"), new RegExp(type.replace("+", "\\+")));
  }
  const { errors } = await (
    await player.page.context().newCDPSession(player.page)
  ).send("Page.getAppManifest");
  assert.deepEqual(errors, []);
});

test("a frozen canvas says so and takes nothing", async () => {
  const frozen = await Server.start({ CANVAS_FROZEN: "on" });
  try {
    await join("phone", {}, frozen.url);
    await player.place(100, 100, 4);
    await player.says(/frozen/);
    await player.screenshot("frozen");
    assert.deepEqual(await player.pending(), []);
  } finally {
    await frozen.close();
  }
});

test("where guests may not play there is a way to Telegram", async () => {
  const closed = await Server.start({ GUESTS: "off" });
  try {
    await join("phone", {}, closed.url);
    assert.match(await player.testId("place-button").textContent(), /Open in Telegram/);
    await player.screenshot("guests-disabled");
  } finally {
    await closed.close();
  }
});

test("a Mini App's launch leaves nothing secret in the address", async () => {
  const launch = new URLSearchParams({
    tgWebAppData: "user=%7B%22id%22%3A7%7D&hash=00",
    tgWebAppStartParam: "30_40_16",
    tgWebAppVersion: "8.0",
    tgWebAppThemeParams: JSON.stringify({ bg_color: "#17212b", text_color: "#f5f5f5" }),
  });
  player = await browser.player("phone", `${server.url}/#${launch}`);
  assert.doesNotMatch(player.page.url(), /tgWebApp/);
  const { view } = await player.state();
  assert.deepEqual([view.x, view.y, view.zoom], [30.5, 40.5, 16]);
  const panel = () =>
    player.page.evaluate(() => document.documentElement.style.getPropertyValue("--panel"));
  assert.equal(await panel(), "#17212b");
  await player.screenshot("telegram-theme");
});
