"""The load test for Locust: people who use whichever application answers at --host.

    locust --host=http://localhost --headless -u 300 -r 30 -t 60s
    locust --host=http://localhost          # with the web interface on port 8089

It finds out itself whether that is the counter or the canvas. In the end it compares what was
acknowledged with what is there; if the account does not hold, the exit code is 1.
docs/load-testing.md says more.
"""

import gevent
from locust import FastHttpUser, events, task
from locust.exception import StopUser
from locust.runners import LocalRunner

from loadtest.run import Run

STOP_LIMIT_S = 15  # for answers that are under way when the time is over

current = None  # the Run, from the start of a test to its end


@events.init_command_line_parser.add_listener
def add_options(parser):
    parser.add_argument("--think-ms", type=int, default=0, metavar="N",
                        help="mean time between two actions of a user "
                             "(default 0: 300 at the counter, 1000 at the canvas)")
    parser.add_argument("--counter", default="", metavar="NAME",
                        help="press the counter of this name instead of the one on the page")
    parser.add_argument("--resets", action="store_true",
                        help="reset the counter now and then; no account can be kept then")
    parser.add_argument("--record", default="", metavar="FILE", include_in_web_ui=False,
                        help="write what the run was like to this file, as JSON")


@events.init.add_listener
def prepare(environment, **_):
    if not environment.stop_timeout:
        environment.stop_timeout = STOP_LIMIT_S


@events.test_start.add_listener
def begin(environment, **_):
    global current
    environment.process_exit_code = None
    environment.host = (environment.host or "").rstrip("/")
    current = Run(environment, alone=isinstance(environment.runner, LocalRunner))
    if current.application is None:  # nothing to do: stop, once the start is over
        runner = environment.runner
        gevent.spawn(runner.quit if environment.web_ui is None else runner.stop)


@events.test_stopping.add_listener
def wake_those_who_wait(**_):
    if current is not None:
        current.stopping.set()


@events.test_stop.add_listener
def end(environment, **_):
    if current is not None and not current.close():
        environment.process_exit_code = 1


@events.quitting.add_listener
def stop_before_the_exit_code_is_decided(environment, **_):
    environment.runner.stop()


class Visitor(FastHttpUser):
    network_timeout = connection_timeout = 15.0

    def on_start(self):
        if current.application is None:
            raise StopUser()
        self.person = current.application.User(self.client, current)
        self.person.start()

    def wait_time(self):
        return self.person.wait_s()

    @task
    def turn(self):
        self.person.turn()

    def on_stop(self):
        if current.application is not None:
            self.person.stop()
