"""Disk full: presses are refused clearly, nothing acknowledged is lost, and it goes on later."""

import asyncio
import time

import counter
import pytest
import web
from test_disk_full import on_a_small_disk


@pytest.fixture
def disk_and_server(tmp_path):
    with on_a_small_disk(tmp_path, binary=counter.BINARY) as both:
        yield both


def value_of(server):
    answer = web.get(server.port, "/api/counter")
    assert answer.status == 200, f"the value can always be read, but: {answer}"
    return answer.json()["value"]


def check_of(server):
    """(status, what readiness says about the ledger)"""
    answer = web.get(server.port, "/health/ready")
    return answer.status, answer.json()["checks"]["ledger"]


def press(server, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return web.post(server.port, counter.path(None, "increment"), headers=headers)


def fill_while_pressing(disk, server):
    """Presses go on while the disk fills up, until one is refused: it, and how many were not."""
    end, counted = time.monotonic() + counter.PATIENCE_S, 0
    disk.fill()
    while (answer := press(server)).status == 200:
        assert time.monotonic() < end, "the disk is full, and presses are still acknowledged"
        counted += 1
        disk.fill()
    return answer, counted


def until_counted(server, key=None):
    end = time.monotonic() + counter.PATIENCE_S
    while (answer := press(server, key)).status != 200:
        assert answer.code() == "unavailable", answer
        assert time.monotonic() < end, f"there is room again, but it answers {answer}"
        time.sleep(0.05)
    return answer.json()["value"]


def test_a_press_on_a_full_disk_is_refused_and_counts_when_there_is_room(disk_and_server):
    disk, server = disk_and_server
    assert press(server).json() == {"value": 1}

    async def follow(until):
        stream = await counter.Stream.open(server.port)
        await stream.until_value(until)
        stream.close()
        return stream.values

    for _ in range(3):
        before = value_of(server)
        refused, counted = fill_while_pressing(disk, server)
        assert (refused.status, refused.code()) == (503, "unavailable"), refused
        assert int(refused.headers["retry-after"]) >= 1
        assert value_of(server) == before + counted, "readable, and nothing changed"
        assert counter.run(follow(before + counted)) == [before + counted]
        assert web.get(server.port, "/health").status == 200
        status, check = check_of(server)
        assert status == 200 and check != "ok", f"it is full, but readiness says {check}"
        for _ in range(3):
            assert press(server, key=f"full-{before}").code() == "unavailable"

        disk.free()
        assert until_counted(server, key=f"full-{before}") == before + counted + 1, \
            "being refused is not remembered: the press counts now, once"
        assert press(server, key=f"full-{before}").json() == {"value": before + counted + 1}
        assert check_of(server) == (200, "ok")


def test_a_kill_on_a_full_disk_loses_nothing(disk_and_server):
    disk, server = disk_and_server
    counted = sum(press(server).status == 200 for _ in range(5))
    counted += fill_while_pressing(disk, server)[1]
    server.kill()
    disk.free()
    server.start()
    assert value_of(server) == counted
    assert until_counted(server) == counted + 1


def test_many_at_once_on_a_disk_that_fills_up_are_told_the_truth(disk_and_server):
    disk, server = disk_and_server
    people = [counter.Presser(server.port) for _ in range(30)]

    async def press_until_refused(person):
        while not person.refused:
            assert await person.press() is not None, "every press is answered"
        person.close()

    async def story():
        pressing = [asyncio.create_task(press_until_refused(person)) for person in people]
        while not all(task.done() for task in pressing):
            await asyncio.to_thread(disk.fill)
            await asyncio.sleep(0.05)
        await asyncio.gather(*pressing)

    counter.run(story())
    assert {code for person in people for code in person.refused} == {"unavailable"}
    values = sorted(value for person in people for value in person.values)
    assert values == list(range(1, value_of(server) + 1)), "distinct, without a gap"
    disk.free()
    assert until_counted(server) == len(values) + 1
    server.restart()
    assert value_of(server) == len(values) + 1
