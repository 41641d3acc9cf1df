"""Waiting for an event, with a deadline that says what did not come."""

import contextlib
import time

import redis

PATIENCE_S = 60


def eventually(holds, what, timeout=PATIENCE_S, every=0.02):
    """What `holds` returned when it was true at last; while servers are away it is not."""
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(redis.exceptions.RedisError, OSError):
            if found := holds():
                return found
        assert time.monotonic() < end, f"waited {timeout} s until {what}"
        time.sleep(every)
