"""Which replicas answer, by their X-Served-By.

    python3 -m loadtest.replicas HOST COUNT SECONDS

waits until exactly COUNT of them serve, at most SECONDS; otherwise says how many and fails.
"""

import sys
import time

from loadtest.answers import ask

# Behind a balancer that chooses at random, one of four is missed by so many requests once in
# 25 000 times.
ASKED_PER_REPLICA = 10
ASKED_MIN = 20
PAUSE_S = 0.2


def names(host, count):
    """Of those that answer that they are ready, each request on a connection of its own."""
    found = set()
    for _ in range(max(ASKED_MIN, count * ASKED_PER_REPLICA)):
        answer = ask(host, "/health/ready", timeout_s=5)
        if answer.status != 200:
            return found | {f"(GET /health/ready: {answer})"}
        found.add(answer.served_by or "(no X-Served-By)")
        if len(found) > count:
            break
    return found


def main(host, count, seconds):
    count, end_s = int(count), time.monotonic() + float(seconds)
    while True:
        found = names(host.rstrip("/"), count)
        if len(found) == count and not any(name.startswith("(") for name in found):
            return 0
        if time.monotonic() > end_s:
            print(f"{count} replicas were asked for; these answer: {', '.join(sorted(found))}",
                  file=sys.stderr)
            return 1
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
