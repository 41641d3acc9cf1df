"""People who press the counter, and the account of their presses."""

import random
import time
import uuid

import gevent
import gevent.pool

from loadtest import answers
from loadtest.counter_account import CounterAccount
from loadtest.verdict import Verdict

NAME = "counter"
THINK_MS = 300

# Of a hundred things that people do; resets only when they are asked for, because they would
# hide what was lost before them.
HABITS = {"increment": 70, "decrement": 15, "read": 14, "page": 1}
RESETS = {"reset": 1}

NOTHING_CHANGED = ("unavailable", "busy", "draining")
SETTLE_LIMIT_S = 20
SETTLE_AT_ONCE = 20
CALM_LIMIT_S = 5
READ_EVERY_S = 0.1


def path_of(options):
    name = options.counter
    return f"/api/counters/{name}" if name else "/api/counter"


def changed_nothing(answer):
    """Whether the server has said so; otherwise a press that was not acknowledged may count."""
    return (answer.status == 503 and answer.code in NOTHING_CHANGED
            or 400 <= answer.status < 500 and answer.status != 408 and answer.code != "")


class User:
    """One person with a tab of the page open."""

    def __init__(self, client, run):
        self._client, self._run = client, run
        self._path = path_of(run.options)
        self._unknown = None  # (key, verb) of a press whose outcome is to be asked for
        habits = HABITS | (RESETS if run.options.resets else {})
        self._deeds, self._weights = list(habits), list(habits.values())

    def start(self):
        if self._run.has_page:
            self._run.ask(self._client, "GET", "/")

    def wait_s(self):
        return self._run.think_s()

    def turn(self):
        if self._unknown:
            return self._press(*self._unknown)
        deed = random.choices(self._deeds, self._weights)[0]
        if deed == "read":
            return self._run.ask(self._client, "GET", self._path)
        if deed == "page":
            return self.start()
        if deed == "reset":
            return self._run.ask(self._client, "POST", f"{self._path}/reset")
        key = uuid.uuid4().hex
        self._run.account.asked(key, deed)
        return self._press(key, deed)

    def _press(self, key, verb):
        """An unknown outcome is asked for with the same key, which counts once."""
        self._unknown = key, verb
        answer = self._run.ask(self._client, "POST", f"{self._path}/{verb}",
                               headers={"Idempotency-Key": key},
                               fine=("200", "400 at_zero"))
        if settle(self._run.account, key, answer):
            self._unknown = None
        elif answer.status == 503:
            self._run.pause(answer.retry_after_s)

    def stop(self):
        pass


def settle(account, key, answer):
    """Whether the outcome of the press is known now."""
    if answer.status == 200 and isinstance(answer.object().get("value"), int):
        account.acknowledged(key, answer.object()["value"])
    elif changed_nothing(answer):
        account.refused(key)
    else:
        return False
    return True


# --- The account --------------------------------------------------------------------------------


def open_account(run):
    run.has_page = answers.ask(run.host, "/").status == 200
    return CounterAccount(calm_value(run))


def read(run):
    return answers.ask(run.host, path_of(run.options)).object().get("value")


def calm_value(run):
    """Replicas follow each other within milliseconds: the value that some reads agree on."""
    agreed, value, end_s = 0, read(run), time.monotonic() + CALM_LIMIT_S
    while agreed < 3 and time.monotonic() < end_s:
        gevent.sleep(READ_EVERY_S)
        last, value = value, read(run)
        agreed = agreed + 1 if value == last else 0
    return value


def close_account(run):
    """Asks for the outcomes that are not known yet; then the verdict on the value that is read."""
    account, end_s = run.account, time.monotonic() + SETTLE_LIMIT_S
    if run.options.resets:
        return Verdict(True, ["No account was kept, because there were resets"])

    def ask_again(press):
        key, verb = press
        while time.monotonic() < end_s:
            answer = answers.ask(run.host, f"{path_of(run.options)}/{verb}", "POST",
                                 {"Idempotency-Key": key})
            if settle(account, key, answer):
                return
            gevent.sleep(answer.retry_after_s)

    gevent.pool.Pool(SETTLE_AT_ONCE).map(ask_again, list(account.open.items()))
    verdict, end_s = None, time.monotonic() + CALM_LIMIT_S
    while verdict is None or not verdict.holds and time.monotonic() < end_s:
        value = read(run)
        if value is None:
            verdict = Verdict(False, ["THE ACCOUNT DOES NOT HOLD", "the counter does not answer"])
        else:
            verdict = account.verdict(value)
        gevent.sleep(0 if verdict.holds else READ_EVERY_S)
    return verdict
