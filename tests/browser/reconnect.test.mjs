// Losing the server and finding it again, without a reload of the page and without a lost, doubled
// or imagined pixel.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Browser, eventually, Server } from "./harness.mjs";

let browser;
let server;
let player;

before(async () => {
  browser = await Browser.start();
});

after(() => browser?.close());

beforeEach(async () => {
  server = await Server.start({ COOLDOWN_MS: "0", CHARGES_MAX: "20", DRAIN_LIMIT_MS: "3000" });
});

afterEach(async () => {
  const leaving = player;
  player = null;
  await server.close();
  await leaving?.leave();
});

async function join(device, options) {
  player = await browser.player(device, server.url + "/#50,50,20", options);
  await player.page.evaluate(() => (window.sameDocument = true));
}

/** The page has noticed by itself that nobody is there. */
const lost = () => eventually("the loss is noticed", async () => !(await player.state()).live);

async function back() {
  await player.live(40_000);
  assert.ok(await player.page.evaluate(() => window.sameDocument), "the page was not reloaded");
}

test("after a killed server has come back, the page goes on and misses nothing", async () => {
  await join("desktop");
  await player.place(50, 50, 3);
  await player.settled();
  await server.end("SIGKILL");
  await lost();
  assert.equal(await player.testId("connection-pill").getAttribute("data-health"), "waiting");
  await player.testId("banner").waitFor();
  await player.screenshot("connection-lost");

  await server.launch();
  const other = await browser.player("phone", server.url + "/#52,50,20");
  await other.place(52, 50, 9);
  await other.settled();
  await back();
  await player.sees(52, 50, 9);
  await player.sees(50, 50, 3);
  assert.deepEqual(await player.position(), await other.position());
  await other.leave();
  await player.place(53, 50, 4);
  await player.settled();
  assert.equal((await server.placements(53, 50)).length, 1);
});

test("without a connection nothing is queued, and the page says so", async () => {
  await join("desktop");
  await server.end("SIGKILL");
  await lost();
  await player.place(50, 50, 3);
  await player.says(/nothing was placed/);
  assert.deepEqual(await player.pending(), []);
  const { view } = await player.state();
  await player.page.keyboard.press("-");
  await eventually("looking around works", async () => {
    return (await player.state()).view.zoom < view.zoom;
  });
});

test("an unanswered pixel is shown as such, and settled once after the restart", async () => {
  await join("phone");
  await player.place(49, 50, 2); // signs in
  await player.settled();
  server.signal("SIGSTOP");
  await player.place(50, 50, 3);
  await player.place(51, 50, 4);
  assert.deepEqual(
    (await player.pending()).map(({ state }) => state),
    ["placed", "placed"],
  );
  await player.says(/Not confirmed yet/);
  await eventually("both are shown as not confirmed", async () => {
    return (await player.pending()).every(({ state }) => state === "unconfirmed");
  });
  await player.visit(50, 50, 40);
  await player.screenshot("not-confirmed");
  await server.end("SIGKILL");
  await server.launch();
  await back();
  await player.settled();
  for (const [x, color] of [
    [50, 3],
    [51, 4],
  ]) {
    await player.sees(x, 50, color);
    const placements = await server.placements(x, 50);
    assert.deepEqual(
      placements.map((placement) => placement.color),
      [color],
    );
  }
});

/** `refused`, because the journal cannot store it now (docs/protocol.md). */
function unavailable(sequence) {
  const message = Buffer.alloc(12);
  message.writeUInt8(0x85, 0);
  message.writeUInt32LE(sequence, 1);
  message.writeUInt8(7, 5);
  return message;
}

test("a pixel that may be under way elsewhere is asked about until that is decided", async () => {
  const asked = []; // the sequences of places
  const answerTheThird = (route) => {
    const upstream = route.connectToServer();
    route.onMessage((message) => {
      const isPlace = message[0] === 0x04;
      if (isPlace) asked.push(message.readUInt32LE(1));
      if (isPlace && asked.length === 3) route.send(unavailable(asked[2]));
      else upstream.send(message);
    });
  };
  await join("phone", { prepare: (page) => page.routeWebSocket(/./, answerTheThird) });
  await player.place(49, 50, 2); // signs in
  await player.settled();
  server.signal("SIGSTOP");
  await player.place(50, 50, 3);
  await server.end("SIGKILL");
  await server.launch();
  await back();
  await player.settled();
  await player.sees(50, 50, 3);
  assert.deepEqual(asked, [1, 2, 2, 2], "under the same sequence");
  assert.equal((await server.placements(50, 50)).length, 1);
});

test("what a reload leaves open is settled by its old name, not placed a second time", async () => {
  await join("desktop");
  await player.place(49, 50, 2);
  await player.settled();
  server.signal("SIGSTOP");
  await player.place(50, 50, 3);
  assert.equal((await player.pending()).length, 1);
  await player.page.goto("about:blank");
  server.signal("SIGCONT"); // the server reads what was sent, and nobody hears its answer
  await eventually("it is placed", async () => (await server.placements(50, 50)).length === 1);
  await player.go(server.url + "/#50,50,20");
  await player.settled();
  await player.sees(50, 50, 3);
  assert.equal((await server.placements(50, 50)).length, 1);
  await player.place(51, 50, 4); // and a new one is a new operation
  await player.settled();
  assert.equal((await server.placements(51, 50)).length, 1);
});

test("a server that drains is waited for", async () => {
  await join("desktop");
  await server.end("SIGTERM");
  assert.equal(server.process.exitCode, 0);
  await lost();
  await server.launch();
  await back();
});

test("a wiped canvas is another epoch: the whole picture changes, in one step", async () => {
  await join("desktop");
  const blank = await player.colorAt(50, 50);
  await player.place(50, 50, 3);
  await player.settled();
  const before = await player.position();
  await server.end("SIGKILL");
  rmSync(server.dataDir, { recursive: true });
  await server.launch();
  await back();
  await player.sees(50, 50, blank);
  assert.notEqual((await player.position()).epoch, before.epoch);
});
