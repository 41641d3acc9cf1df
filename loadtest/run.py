"""One run of the load: which application it is for, what its users report, and the account."""

import json
import logging
import pathlib
import random
import time

import gevent.event
from locust.exception import StopUser

from loadtest import canvas, counter
from loadtest.answers import Answer, application_at, lower
from loadtest.record import Record
from loadtest.verdict import Verdict

APPLICATIONS = {"counter": counter, "canvas": canvas}
log = logging.getLogger("load")


class Run:
    """Begins with the test. When no application answers, `application` is None."""

    def __init__(self, environment, alone):
        """`alone`: this process makes all the load; otherwise each sees only its part."""
        self._alone, self.stopping = alone, gevent.event.Event()
        self.environment, self.options = environment, environment.parsed_options
        self.host = environment.host
        name, problem = application_at(self.host)
        self.application, self.account = APPLICATIONS.get(name), None
        self.record = Record(time.monotonic, lambda: environment.runner.user_count)
        if self.application is None:
            log.error(problem)
            self.report("GET", "/api/counter or /api/canvas", 0, problem)
            return
        log.info("The load is for the %s at %s", name, self.host)
        self.account = self.application.open_account(self)

    def think_s(self):
        """How long a person waits between two actions: half to one and a half of the mean."""
        mean_ms = self.options.think_ms or self.application.THINK_MS
        return mean_ms / 1000 * random.uniform(0.5, 1.5)

    def pause(self, seconds):
        """For users who have to wait; raises StopUser when the test stops meanwhile."""
        if self.stopping.wait(seconds):
            raise StopUser()

    # --- What users report ----------------------------------------------------------------------

    def ask(self, client, method, path, name=None, headers=None, fine=("200",)):
        """An Answer by the user's own HTTP client, which keeps its connection.

        It is reported as a failure unless its status and code are among `fine`. 429 is none, but
        told apart: the server asks to wait, and the user does.
        """
        began_s = time.perf_counter()
        answer = answer_by(client, method, path, headers)
        time_ms = (time.perf_counter() - began_s) * 1000
        name = name or path
        if answer.served_by:
            self.served_by(answer.served_by, time_ms)
        if answer.status == 429:
            self.record.wait_asked()
            self.beside("429", f"{method} {name}", time_ms)
            self.pause(answer.retry_after_s)
        else:
            failure = None if str(answer) in fine else str(answer)
            self.report(method, name, time_ms, failure, len(answer.body))
        return answer

    def report(self, kind, name, time_ms, failure=None, length=0):
        """A row of Locust's statistics that counts in the totals."""
        self.record.answer(kind, name, time_ms, failure)
        self.environment.events.request.fire(
            request_type=kind, name=name, response_time=time_ms, response_length=length,
            exception=None if failure is None else LoadError(failure), context={})

    def beside(self, kind, name, time_ms):
        """A row that does not count in the totals, because its requests are there already."""
        self.record.answer_beside(kind, name, time_ms)
        self.environment.stats.get(name, kind).log(time_ms, 0)

    def served_by(self, replica, time_ms):
        self.record.served_by(replica)
        self.beside("replica", replica, time_ms)

    # --- The end --------------------------------------------------------------------------------

    def close(self):
        """Prints the verdict and the shares; True if the account holds."""
        if self.application is None:
            return False
        self.record.end()
        verdict = Verdict(True, ["No account was kept, because other processes took part"])
        if self._alone:
            verdict = self.application.close_account(self)
        say = log.info if verdict.holds else log.error
        for line in verdict.lines:
            say(line)
        for line in shares(self.record.replicas):
            log.info(line)
        if self.record.limited:
            log.warning("%d answers were 429: the server's limits held the load back, not its "
                        "speed; RATE_LIMIT_PER_ADDRESS=0 and GUEST_LIMIT_PER_ADDRESS=0 lift them",
                        self.record.limited)
        if self.options.record:
            result = self.record.result(
                application=self.application.NAME, host=self.host,
                users=self.environment.runner.target_user_count,
                verdict={"holds": verdict.holds, "lines": verdict.lines})
            pathlib.Path(self.options.record).write_text(json.dumps(result), encoding="utf-8")
        return verdict.holds


def answer_by(client, method, path, headers):
    headers = dict(headers or {})
    if method == "POST":
        headers["Content-Type"] = "application/json"
    # Locust reports nothing by itself, because what it returns is not used as a context.
    found = client.request(method, path, headers=headers, catch_response=True)
    try:
        if found.status_code:
            return Answer(found.status_code, lower(found.headers.items()),
                          bytes(found.content or b""))
        problem = getattr(found, "error", None)
    except Exception as error:  # the body breaks off; the parser's own exceptions are not public
        problem = error
    return Answer(0, failure=f"no answer: {type(problem).__name__}")


class LoadError(Exception):
    """What Locust shows as a failure."""


def shares(replicas):
    """Lines that say how much each replica has answered."""
    total = sum(replicas.values())
    return [f"{name} served {count} answers, {100 * count / total:.1f} %"
            for name, count in sorted(replicas.items())]
