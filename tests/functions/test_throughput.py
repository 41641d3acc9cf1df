"""Prints what one connection gets through with appendfsync always; asserts that it is right."""

import random
import time

import pytest

import formats
from formats import Operation
from hot_journal import CHANNEL, HotJournal

OPERATIONS = 20_000
PEOPLE = 50_000


def cpu_s(client):
    used = client.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]


@pytest.mark.parametrize("cooldown_ms", [0, 5000])
@pytest.mark.parametrize("size", [1, 64, 1000, 4096])
def test_throughput(start_redis, capsys, size, cooldown_ms):
    server = start_redis(appendfsync="always")
    client = server.client()
    client.execute_command("FUNCTION", "LOAD", formats.library())
    journal = HotJournal(client)
    journal.open(1000, 1000, cooldown_ms=cooldown_ms, charges_max=1000)
    random_, batches = random.Random(1), max(1, min(OPERATIONS // size, 500))
    data = []
    for batch in range(batches):
        people = [random_.randrange(PEOPLE) for _ in range(size)]
        data.append(formats.operations(
            Operation(person, person * 7919, batch * size + n, random_.randrange(1000),
                      random_.randrange(1000), random_.randrange(32), b"Anna Petrova")
            for n, person in enumerate(people, 1)))
    journal.append(Operation(-1, 1, 1, 0, 0))
    cpu, begin = cpu_s(client), time.perf_counter()
    for operations in data:
        journal.call("append", CHANNEL, operations)
    took_s, cpu = time.perf_counter() - begin, cpu_s(client) - cpu
    done = batches * size
    with capsys.disabled():
        print(f"\n{size:5d} a batch, cooldown {cooldown_ms:4d} ms: {done / took_s:8,.0f} ops/s, "
              f"{cpu / done * 1e6:6.1f} µs of Redis's CPU an operation")
    assert journal.state().offset == done + 1
    server.stop()
