// The counter's page against the real server: live in every tab, each press counted once whatever
// happens to the server, and fit to be looked at and used by anybody.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Browser, DEVICES, eventually, Player, requireFromWeb, root, Server } from "./harness.mjs";

const LARGEST = 9_223_372_036_854_775_807n;
const TOUCH_TARGET_MIN = 44;
const axe = readFileSync(requireFromWeb.resolve("axe-core/axe.min.js"), "utf8");

class CounterServer extends Server {
  binary = resolve(root, process.env.COUNTER_APP_BIN ?? "build/release/bin/counter-app");
  webDir = join(root, "web/dist-counter");

  async value(name = "default") {
    const response = await fetch(`${this.url}/api/counters/${name}`);
    return (await response.json()).value;
  }

  async press(verb, name = "default") {
    const response = await fetch(`${this.url}/api/counters/${name}/${verb}`, { method: "POST" });
    assert.equal(response.status, 200);
  }
}

/** A tab, and what a person does there. */
class Visitor extends Player {
  state = () => this.page.evaluate(() => window.counter?.state() ?? null);
  press = (name) => this.testId(name).click();

  shows(value) {
    const what = `${this.device} shows ${value}`;
    return eventually(what, async () => (await this.state()).value === String(value));
  }

  settled = () =>
    eventually("every press is answered", async () => (await this.state()).unconfirmed === 0);

  /** The digits as they are drawn, without those that are rolling away. */
  drawn = () =>
    this.page.$$eval("[data-testid=number] :is(.digit > :first-child, .mark)", (glyphs) =>
      glyphs.map(({ textContent }) => textContent).join(""),
    );

  replicas = () =>
    this.page.$$eval("[data-testid=dots] li[data-replica]", (dots) =>
      dots.map(({ dataset }) => dataset.replica),
    );
}

let browser;
let server;
let visitors;

before(async () => {
  browser = await Browser.start();
});

after(() => browser?.close());

beforeEach(async () => {
  visitors = [];
  server = await CounterServer.start({ REPLICA_NAME: "counter-one" });
});

afterEach(async () => {
  const leaving = visitors;
  visitors = [];
  await server.close();
  for (const visitor of leaving) await visitor.leave();
});

/** Opens the page in a browser of its own. */
async function visit(device, { path = "/", prepare = () => {}, live = true, ...options } = {}) {
  const context = await browser.chromium.newContext({
    ...{ locale: "en-GB", colorScheme: "dark", ...DEVICES[device], ...options },
  });
  const visitor = new Visitor(device, await context.newPage());
  visitors.push(visitor);
  await prepare(visitor.page);
  if (live) await visitor.go(server.url + path);
  else await visitor.page.goto(server.url + path);
  return visitor;
}

describe("the number", () => {
  test("is the same in two tabs at once, whichever of them presses", async () => {
    const one = await visit("desktop");
    const other = await visit("phone");
    await one.shows(0);
    await one.press("increment");
    await one.press("increment");
    await other.shows(2);
    await other.testId("increment").tap();
    await one.shows(3);
    await one.press("decrement");
    await other.shows(2);
    assert.equal(await other.drawn(), "2");
    assert.equal(await server.value(), 2);
    await one.settled();
    assert.equal((await one.state()).presses, 3);
    assert.equal((await other.state()).presses, 1);
  });

  test("of a name has its own page", async () => {
    const named = await visit("phone", { path: "/?counter=tea.cups_2-0" });
    const shared = await visit("desktop");
    await named.press("increment");
    await named.settled();
    await named.shows(1);
    await server.press("increment", "tea.cups_2-0");
    await named.shows(2);
    await shared.shows(0);
    assert.match(await named.page.title(), /tea\.cups_2-0/);
  });

  test("of a name that cannot be says so, and leads to the shared one", async () => {
    const visitor = await visit("phone", { path: "/?counter=a%20b", live: false });
    await visitor.testId("bad-name").waitFor();
    assert.equal(await visitor.testId("increment").count(), 0);
    await visitor.screenshot("counter-bad-name");
    await visitor.page.getByRole("link").tap();
    await visitor.page.waitForURL(`${server.url}/`);
    await visitor.live();
    await visitor.shows(0);
  });

  test("goes by the keyboard, too", async () => {
    const { page, ...visitor } = await visit("desktop");
    for (const key of ["+", "ArrowUp", "=", "-", "ArrowDown", "+"]) await page.keyboard.press(key);
    await visitor.settled();
    assert.equal(await server.value(), 2);
    await page.keyboard.press("r");
    await visitor.testId("reset-yes").waitFor();
    await page.keyboard.press("Escape");
    await visitor.testId("reset-yes").waitFor({ state: "detached" });
    assert.equal(await server.value(), 2);
    await page.keyboard.press("r");
    await visitor.testId("reset-yes").waitFor();
    await page.keyboard.press("Enter");
    await visitor.settled();
    assert.equal(await server.value(), 0);
  });

  test("is told to those who cannot see it", async () => {
    const visitor = await visit("desktop");
    await visitor.press("increment");
    const told = visitor.testId("announcement");
    await eventually("it is announced", async () => (await told.textContent()).trim() === "1");
    assert.match(await visitor.testId("value").textContent(), /stands at 1$/);
  });

  test("leaves its changes in the last minute's picture", async () => {
    const visitor = await visit("desktop");
    for (let n = 0; n < 3; n += 1) await server.press("increment");
    await eventually("three changes are shown", async () => {
      const { rates } = await visitor.state();
      return rates.reduce((sum, rate) => sum + (rate ?? 0), 0) === 3;
    });
    assert.match(await visitor.testId("rates").getAttribute("aria-label"), /last minute/);
  });
});

describe("a reset", () => {
  test("asks once, in place, and can be thought better of", async () => {
    const visitor = await visit("phone");
    await visitor.press("increment");
    await visitor.settled();
    await visitor.testId("reset").tap();
    await visitor.screenshot("counter-asking");
    await visitor.testId("reset-no").tap();
    await visitor.testId("reset").waitFor();
    assert.equal(await server.value(), 1);
    await visitor.testId("reset").tap();
    await visitor.testId("reset-yes").tap();
    await visitor.shows(0);
    await visitor.settled();
    assert.equal(await server.value(), 0);
    assert.equal((await visitor.state()).presses, 2);
  });

  test("is not done by a double tap", async () => {
    const visitor = await visit("phone");
    await visitor.press("increment");
    await visitor.settled();
    const { x, y, width, height } = await visitor.testId("reset").boundingBox();
    for (let n = 0; n < 2; n += 1) {
      await visitor.page.touchscreen.tap(x + width / 2, y + height / 2);
    }
    await visitor.testId("reset").waitFor();
    assert.equal(await server.value(), 1);
  });
});

describe("what cannot be is said", () => {
  test("at zero it goes no lower", async () => {
    const visitor = await visit("phone");
    await visitor.press("decrement");
    await visitor.says(/zero/);
    await visitor.screenshot("counter-at-zero");
    await visitor.settled();
    await visitor.shows(0);
    assert.match(await visitor.testId("announcement").textContent(), /zero/);
  });

  for (const [status, code, pattern] of [
    [400, "overflow", /largest/],
    [409, "too_many_counters", /too many counters/],
    [409, "key_reused", /refused/],
  ]) {
    test(code, async () => {
      const body = JSON.stringify({ error: { code, message: "" } });
      const visitor = await visit("desktop", {
        prepare: (page) => page.route("**/increment", (route) => route.fulfill({ status, body })),
      });
      await visitor.press("increment");
      await visitor.says(pattern);
      await visitor.settled();
      await visitor.shows(0);
    });
  }

  test("too fast: the press waits as long as it is asked to, and is counted", async () => {
    let refusals = 0;
    const headers = { "Retry-After": "1" };
    const body = '{"error":{"code":"rate_limited","message":""}}';
    const visitor = await visit("desktop", {
      prepare: (page) =>
        page.route("**/increment", (route) => {
          refusals += 1;
          return refusals > 1 ? route.continue() : route.fulfill({ status: 429, headers, body });
        }),
    });
    await visitor.press("increment");
    await visitor.says(/Too fast/);
    await visitor.settled();
    assert.equal(await server.value(), 1);
  });
});

describe("a server that goes", () => {
  const away = (visitor) =>
    eventually("the loss is noticed", async () => (await visitor.state()).health === "waiting");

  test("and comes back: so does the page, and a press meanwhile is counted once", async () => {
    const visitor = await visit("desktop");
    await visitor.page.evaluate(() => (window.sameDocument = true));
    await visitor.press("increment");
    await visitor.settled();
    await server.end("SIGTERM");
    await away(visitor);
    const pill = visitor.testId("connection-pill");
    assert.equal(await pill.getAttribute("data-health"), "waiting");
    assert.match(await pill.textContent(), /Reconnecting/);
    await visitor.press("increment");
    await visitor.shows(2); // optimistic, and marked
    assert.match(await visitor.testId("unconfirmed").textContent(), /\+1 unconfirmed/);
    await visitor.screenshot("counter-unconfirmed");

    server.environment = { REPLICA_NAME: "counter-two" };
    await server.launch();
    await visitor.live(40_000);
    await visitor.settled();
    await visitor.shows(2);
    assert.equal(await server.value(), 2);
    assert.ok(await visitor.page.evaluate(() => window.sameDocument), "it was not reloaded");

    assert.deepEqual(await visitor.replicas(), ["counter-one", "counter-two"]);
    assert.match(await visitor.testId("legend").textContent(), /counter-one.*counter-two/);
    const titles = await visitor.page.$$eval("[data-testid=dots] li", (dots) =>
      dots.map(({ title }) => title),
    );
    assert.match(titles[1], /\+1.*counter-two/);
    const colors = await visitor.page.$$eval("[data-testid=dots] .replica", (marks) =>
      marks.map((mark) => getComputedStyle(mark).backgroundColor),
    );
    assert.notEqual(colors[0], colors[1]);
    await visitor.screenshot("counter-two-replicas");
  });

  test("with a press whose answer got lost: the press is counted once", async () => {
    const keys = [];
    const visitor = await visit("desktop", {
      prepare: (page) =>
        page.route("**/increment", async (route) => {
          keys.push(route.request().headers()["idempotency-key"]);
          if (keys.length > 1) return route.continue();
          await route.fetch(); // it is counted, and nobody hears of it
          return route.abort("connectionreset");
        }),
    });
    await visitor.press("increment");
    await visitor.settled();
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
    assert.equal(await server.value(), 1);
    await visitor.shows(1);
  });

  test("while the page is reloaded: what was open is asked again, not pressed anew", async () => {
    const visitor = await visit("desktop");
    await server.end("SIGKILL");
    await away(visitor);
    await visitor.press("increment");
    await visitor.press("increment");
    const open = await visitor.page.evaluate(() => ({ ...sessionStorage }));
    await server.launch();
    await visitor.live(40_000);
    await visitor.settled();
    // As if the answers had never come: the same presses again, from a tab reloaded.
    await visitor.page.evaluate((kept) => Object.assign(sessionStorage, kept), open);
    await visitor.page.reload();
    await visitor.live();
    await visitor.settled();
    assert.equal(await server.value(), 2);
    await visitor.shows(2);
  });

  test("for longer than a minute: what was given up is said until it is seen", async () => {
    const lost = JSON.stringify([{ key: "old-enough", verb: "increment", madeAt: 0, maybe: true }]);
    const visitor = await visit("phone", {
      prepare: (page) =>
        page.addInitScript((kept) => {
          sessionStorage.setItem("pixel-battle.open /api/counter", kept);
        }, lost),
    });
    const notice = visitor.testId("lost");
    assert.match(await notice.textContent(), /1 press may not have been counted/);
    await visitor.screenshot("counter-lost");
    await notice.getByRole("button").tap();
    await notice.waitFor({ state: "detached" });
    assert.equal((await visitor.state()).unconfirmed, 0);
    assert.equal(await server.value(), 0);
  });

  test("and answers with errors: the stream that gave up is tried again", async () => {
    let errors = 0;
    const visitor = await visit("desktop", {
      prepare: (page) =>
        page.route("**/events", (route) => {
          errors += 1;
          return errors > 2 ? route.continue() : route.fulfill({ status: 503, body: "" });
        }),
    });
    await visitor.shows(0);
    assert.ok(errors > 2);
  });
});

test("nineteen digits fit a small phone, to the last one", async () => {
  const body = `retry: 60000\n\ndata: {"value":${LARGEST}}\n\n`;
  const headers = { "Content-Type": "text/event-stream" };
  for (const [device, viewport] of [
    ["phone", { width: 320, height: 568 }],
    ["desktop", { width: 1280, height: 800 }],
  ]) {
    const visitor = await visit(device, {
      prepare: (page) => page.route("**/events", (route) => route.fulfill({ headers, body })),
      live: false,
      viewport,
    });
    await visitor.shows(LARGEST);
    assert.equal(await visitor.drawn(), "9,223,372,036,854,775,807");
    const { x, width, height } = await visitor.testId("number").boundingBox();
    assert.ok(x >= 0 && x + width <= viewport.width, `${x} + ${width}`);
    assert.ok(width > 0.85 * viewport.width && height >= 18, `fills the width: ${width}`);
    const wide = await visitor.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= viewport.width, "nothing sticks out");
    await visitor.screenshot("counter-nineteen-digits");
  }
});

test("every control is named, and a finger finds each of them, also on a small phone", async () => {
  for (const locale of ["en-GB", "ru-RU"]) {
    const visitor = await visit("phone", { locale, viewport: { width: 320, height: 568 } });
    for (const ask of [false, true]) {
      if (ask) await visitor.testId("reset").tap();
      const controls = await visitor.page.$$eval("button", (buttons) =>
        buttons.map((button) => {
          const { x, width, height } = button.getBoundingClientRect();
          const name = button.getAttribute("aria-label") ?? button.textContent;
          return { name: name.trim(), x, width, height };
        }),
      );
      assert.ok(controls.length >= 4);
      for (const { name, x, width, height } of controls) {
        assert.notEqual(name, "");
        assert.ok(Math.min(width, height) >= TOUCH_TARGET_MIN, `${name}: ${width} × ${height}`);
        assert.ok(x >= 0 && x + width <= 320, `${name} sticks out`);
      }
    }
    await visitor.screenshot(`counter-small-${locale}`);
  }
});

test("language and theme are chosen as in Pixel Battle, and remembered", async () => {
  const visitor = await visit("phone", { locale: "ru-RU", colorScheme: "light" });
  const root = () =>
    visitor.page.evaluate(() => {
      const { lang, dataset } = document.documentElement;
      return [lang, dataset.theme];
    });
  assert.deepEqual(await root(), ["ru", "light"]);
  assert.match(await visitor.testId("connection-pill").textContent(), /На связи/);
  await visitor.testId("language").tap();
  await visitor.testId("theme").tap();
  assert.deepEqual(await root(), ["en", "dark"]);
  await visitor.page.reload();
  await visitor.live();
  assert.deepEqual(await root(), ["en", "dark"]);
});

test("a digit that changes rolls, but not for those who want less movement", async () => {
  for (const reducedMotion of ["no-preference", "reduce"]) {
    const visitor = await visit("desktop", { reducedMotion });
    await visitor.press("increment");
    const digit = visitor.page.locator("[data-testid=number] .come");
    const seconds = await digit.evaluate((span) => {
      return parseFloat(getComputedStyle(span).animationDuration);
    });
    assert.equal(seconds > 0.01, reducedMotion === "no-preference", `${seconds} s`);
    await visitor.settled();
  }
});

describe("axe finds nothing", () => {
  async function audit(visitor, where) {
    await visitor.still();
    await visitor.page.evaluate(axe);
    const violations = await visitor.page.evaluate(async () => {
      const found = await window.axe.run(document, { resultTypes: ["violations"] });
      return found.violations.map(({ id, impact, nodes }) => {
        return { id, impact, nodes: nodes.map(({ html }) => html) };
      });
    });
    assert.deepEqual(violations, [], where);
  }

  for (const device of Object.keys(DEVICES)) {
    for (const colorScheme of ["dark", "light"]) {
      for (const locale of ["en-GB", "ru-RU"]) {
        const name = `${device}, ${colorScheme}, ${locale}`;
        test(name, async () => {
          const visitor = await visit(device, { colorScheme, locale });
          await audit(visitor, "at first");
          await visitor.press("decrement");
          await visitor.testId("toast").waitFor();
          await audit(visitor, "a refusal");
          for (let n = 0; n < 12; n += 1) await visitor.press("increment");
          await visitor.settled();
          await visitor.screenshot(`counter-${colorScheme}-${locale}`);
          await visitor.press("reset");
          await audit(visitor, "the question");
          await visitor.press("reset-no");
          await server.end("SIGTERM");
          await eventually("it is lost", async () => !(await visitor.state()).live);
          await visitor.press("increment");
          await visitor.testId("unconfirmed").waitFor();
          await audit(visitor, "without a server");
        });
      }
    }
  }

  test("where there is no such counter", async () => {
    const visitor = await visit("phone", { path: "/?counter=%23", live: false });
    await visitor.testId("bad-name").waitFor();
    await audit(visitor, "a bad name");
  });
});
