// Playing: people on a desktop and on a phone draw on one canvas and see each other do it.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Browser, eventually, Player, Server } from "./harness.mjs";

let browser;
let server;
let players = [];

before(async () => {
  browser = await Browser.start();
  server = await Server.start({ COOLDOWN_MS: "60000", CHARGES_MAX: "3" });
});

afterEach(async () => {
  const leaving = players;
  players = [];
  for (const player of leaving) await player.leave();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function player(device, path = "/", options = {}) {
  const joined = await browser.player(device, server.url + path, options);
  players.push(joined);
  return joined;
}

test("a desktop and a phone see each other and each other's pixels", async () => {
  const desktop = await player("desktop", "/#50,50,20");
  const phone = await player("phone", "/#50,50,20");
  await eventually("both are counted", async () => (await desktop.state()).online === 2);

  await desktop.place(50, 50, 13);
  await phone.sees(50, 50, 13);
  await phone.place(51, 50, 4);
  await desktop.sees(51, 50, 4);
  await desktop.settled();
  await phone.settled();
  assert.deepEqual(await desktop.position(), await phone.position());
  for (const each of [desktop, phone]) await each.screenshot("two-players");
});

test("a reload keeps the board and the place where one was", async () => {
  const desktop = await player("desktop", "/#60,40,20");
  await desktop.place(60, 40, 6);
  await desktop.settled();
  await desktop.page.reload();
  await desktop.live();
  await desktop.sees(60, 40, 6);
  const { view } = await desktop.state();
  assert.deepEqual([view.x, view.y, view.zoom], [60.5, 40.5, 20]);
});

test("without a charge nothing is placed, and the page says when the next one comes", async () => {
  const phone = await player("phone", "/#70,10,20");
  for (const x of [70, 71, 72]) await phone.place(x, 10, 2);
  await phone.settled();
  assert.equal((await phone.state()).charges, 0);
  const before = await phone.colorAt(73, 10);
  await phone.place(73, 10, 2);
  await phone.says(/Next pixel in 0:[0-5]\d/);
  await phone.screenshot("cooldown");
  assert.equal(await phone.colorAt(73, 10), before);
  assert.deepEqual(await server.placements(73, 10), []);
});

test("what the server refuses falls back with the reason", async () => {
  // Two tabs of one person: the second does not know what the first has used up.
  const first = await player("desktop", "/#80,10,20");
  const second = new Player("desktop", await first.page.context().newPage());
  await second.go(server.url + "/#80,20,20");
  for (const x of [80, 81, 82]) await first.place(x, 10, 5);
  await first.settled();
  await second.place(80, 20, 5);
  await second.says(/Next pixel in/);
  await second.settled();
  assert.deepEqual(await server.placements(80, 20), []);
  assert.deepEqual(second.faults, []);
});

test("a drag moves the canvas and never places", async () => {
  const desktop = await player("desktop", "/#100,100,20");
  const [x, y] = await desktop.pointOf(100, 100);
  await desktop.page.mouse.move(x, y);
  await desktop.page.mouse.down();
  await desktop.page.mouse.move(x - 90, y + 40, { steps: 6 });
  await desktop.page.mouse.up();
  await eventually("it moved", async () => (await desktop.state()).view.x > 103);
  assert.equal((await desktop.pending()).length, 0);
  assert.equal((await desktop.state()).charges, 3);
});

test("the wheel zooms about the pointer", async () => {
  const desktop = await player("desktop", "/#100,100,10");
  const [x, y] = await desktop.pointOf(110, 95);
  await desktop.page.mouse.move(x, y);
  await desktop.page.mouse.wheel(0, -200);
  await eventually("it is nearer", async () => (await desktop.state()).view.zoom > 12);
  const [afterX, afterY] = await desktop.pointOf(110, 95);
  assert.ok(Math.hypot(afterX - x, afterY - y) < 1, "the cell stayed under the pointer");
});

test("two fingers pinch, and a double tap zooms in", async () => {
  const phone = await player("phone", "/#100,100,10");
  const touch = await phone.page.context().newCDPSession(phone.page);
  const fingers = (type, gap) =>
    touch.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: gap === null ? [] : [-gap, gap].map((d, id) => ({ x: 195 + d, y: 422, id })),
    });
  await fingers("touchStart", 40);
  for (const gap of [50, 60, 70, 80]) await fingers("touchMove", gap);
  await fingers("touchEnd", null);
  await eventually("twice as near", async () => {
    return Math.abs((await phone.state()).view.zoom - 20) < 2.5;
  });
  await phone.page.touchscreen.tap(195, 422);
  await phone.page.touchscreen.tap(195, 422);
  await eventually("nearer still", async () => (await phone.state()).view.zoom > 30);
  assert.equal((await phone.pending()).length, 0);
});

test("by keyboard alone: move, choose, place, ask, zoom", async () => {
  const desktop = await player("desktop", "/#20,20,20");
  const { page } = desktop;
  for (const key of ["ArrowRight", "ArrowRight", "KeyS", "Digit7", "KeyE"]) {
    await page.keyboard.press(key);
  }
  await eventually("the target moved", async () => (await desktop.state()).target?.x === 22);
  await page.keyboard.press("Enter");
  await desktop.sees(22, 21, 7);
  await page.keyboard.press("KeyI");
  await page.getByTestId("pixel-card").getByText(/Guest/).waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("pixel-card").waitFor({ state: "detached" });
  await page.keyboard.press("-");
  await eventually("further away", async () => (await desktop.state()).view.zoom < 15);
  await page.keyboard.press("?");
  await page.getByTestId("help-sheet").waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("help-sheet").waitFor({ state: "detached" });
});

test("a deep link opens its spot, and the address follows the camera", async () => {
  const phone = await player("phone", "/#123,45,16");
  const state = await phone.state();
  assert.deepEqual(state.view.zoom, 16);
  await eventually("the cross is on it", async () => {
    const { target } = await phone.state();
    return target?.x === 123 && target.y === 45;
  });
  await phone.page.keyboard.press("ArrowDown");
  await eventually("the address follows", () => phone.page.url().endsWith("#123,46,16"));
  assert.match(await phone.testId("coordinates").textContent(), /123, 46/);
});

test("a link is followed though the page has just written its own place", async () => {
  const desktop = await player("desktop", "/#100,100,20");
  await desktop.page.evaluate(() => {
    location.hash = "#70,80,20";
    history.replaceState(history.state, "", "#1,2,20"); // before anybody hears of the link
  });
  await eventually("the camera is there", async () => {
    const { view } = await desktop.state();
    return view.x === 70.5 && view.y === 80.5;
  });
});

test("the pixel card tells who and when: by tap, by right click", async () => {
  const desktop = await player("desktop", "/#140,140,20");
  const phone = await player("phone", "/#142,140,20");
  await desktop.place(140, 140, 21);
  await phone.sees(140, 140, 21);
  await phone.page.touchscreen.tap(...(await phone.pointOf(140, 140)));
  await phone.testId("pixel-card").getByText(/Guest/).waitFor();
  await phone.screenshot("pixel-card");
  await desktop.page.mouse.click(...(await desktop.pointOf(140, 140)), { button: "right" });
  const card = desktop.testId("pixel-card");
  await card.getByText(/Guest/).waitFor();
  assert.match(await card.textContent(), /Pixel 140, 140/);
  assert.match(await card.locator("time").first().getAttribute("title"), /\d{4}/);
  await desktop.screenshot("pixel-card");
});

test("the picture can be saved and the spot shared", async () => {
  const desktop = await player("desktop", "/#12,34,20", { permissions: ["clipboard-write"] });
  const download = desktop.page.waitForEvent("download");
  await desktop.testId("save").click();
  assert.equal((await download).suggestedFilename(), "pixel-battle.png");
  await desktop.testId("share").click();
  await desktop.says(/Link copied|address bar/);
});

test("far away a click comes nearer instead of placing blindly", async () => {
  const phone = await player("phone");
  assert.ok((await phone.state()).view.zoom < 2);
  await phone.testId("place-button").tap();
  await eventually("nearer", async () => (await phone.state()).view.zoom === 20);
  assert.equal((await phone.pending()).length, 0);
});
