"""The live value: every stream is told the newest value, whatever else goes on."""

import asyncio
import resource
import time

import counter
import pytest
import web
from counter import Stream
from server import FAST

STREAMS = 200 if FAST else 2000
PRESSES = 500 if FAST else 2000
STALLED = 20
TOPICS_MAX = 2000
RSS_GROWTH_KB_MAX = 200_000 if FAST else 16_000
# Answers that wait in the socket of one who does not read: more than it may hold for a stream.
UNREAD = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 60


async def press(counters, count=1, verb="increment", name=None):
    """One after the other; the last value."""
    person = await counter.Presser(counters.port, name).connect()
    await person.press_often([verb] * count)
    return person.values[-1]


async def press_at_once(counters, count, name=None):
    """As fast as 50 can; the value when all were counted."""
    people = counter.pressers(counters, 50, name)
    await asyncio.gather(*(person.press_often(["increment"] * (count // 50)) for person in people))
    return max(person.values[-1] for person in people)


async def open_all(counters, count, name=None):
    streams = []
    while len(streams) < count:
        some = range(len(streams), min(count, len(streams) + 100))
        streams += await asyncio.gather(*(Stream.open(counters.port_of(number), name)
                                          for number in some))
    return streams


async def all_told(streams, value):
    await asyncio.gather(*(stream.until_value(value) for stream in streams))


def close_all(streams):
    for stream in streams:
        stream.close()


def check_forward(stream):
    """While it is only incremented, no value comes twice and none after a higher one."""
    values = stream.values
    assert all(one < next_one for one, next_one in zip(values, values[1:])), values


# --- What is told -------------------------------------------------------------------------------


def test_a_stream_begins_with_the_value_as_it_is(counters):
    counters = counters()

    async def story():
        for expected in (0, 1, 2):
            for number, port in enumerate(counters.ports):
                stream = await Stream.open(port)
                await stream.until_value(expected)
                assert stream.values == [expected]
                assert stream.status == 200
                assert stream.headers["content-type"].startswith("text/event-stream")
                assert "no-store" in stream.headers["cache-control"]
                assert stream.headers["x-served-by"] == f"replica-{number}"
                assert "retry: 1000" in stream.fields
                stream.close()
            await press(counters)

    counter.run(story())


def test_every_change_is_told_to_everybody_in_order(counters):
    counters = counters()
    verbs = ["increment", "increment", "decrement", "increment", "increment", "reset", "increment",
             "decrement", "increment"]

    async def story():
        streams = await open_all(counters, 10)
        await all_told(streams, 0)
        told = [0]
        for verb in verbs:
            told.append(await press(counters, verb=verb))
            await all_told(streams, told[-1])
        for stream in streams:
            assert stream.values == told
        close_all(streams)

    counter.run(story())


def test_a_press_that_changes_nothing_is_not_told(counters):
    counters = counters()

    async def story():
        stream = await Stream.open(counters.port)
        await stream.until_value(0)
        for verb, key in (("reset", None), ("decrement", None), ("increment", "k"),
                          ("increment", "k"), ("increment", "k")):
            await asyncio.to_thread(counters.post, verb, None, key)
        await press(counters)
        await stream.until_value(2)
        assert stream.values in ([0, 1, 2], [0, 2]), "2 may come with 1 in one event"
        stream.close()

    counter.run(story())


def test_quick_changes_are_told_as_one_and_the_newest_always(counters):
    counters = counters()

    async def story():
        streams = await open_all(counters, 20)
        await all_told(streams, 0)
        value = await press_at_once(counters, PRESSES)
        assert value == PRESSES
        await all_told(streams, value)
        for stream in streams:
            check_forward(stream)
            assert len(stream.values) < PRESSES, "an event for every single press"
        close_all(streams)

    counter.run(story())


def test_streams_that_come_and_go_under_load_are_told_the_newest(counters):
    counters = counters()
    pressing = True

    async def come_and_go(number):
        met = []
        while pressing:
            met.append(await Stream.open(counters.port_of(number)))
            await met[-1].until(lambda: len(met[-1].values) >= 1 + len(met) % 4, "some events")
            check_forward(met[-1])
            met[-1].close()
        assert met

    async def story():
        nonlocal pressing
        staying = await open_all(counters, 20)
        passing = [asyncio.create_task(come_and_go(number)) for number in range(20)]
        value = await press_at_once(counters, PRESSES)
        pressing = False
        await press(counters, 10)  # for those who wait for one more event
        await all_told(staying, value + 10)
        for task in passing:
            task.cancel()
        for ended in await asyncio.gather(*passing, return_exceptions=True):
            assert ended is None or isinstance(ended, asyncio.CancelledError), ended
        for stream in staying:
            check_forward(stream)
        close_all(staying)

    counter.run(story())


def test_each_counter_has_a_stream_of_its_own(counters):
    counters = counters()

    async def story():
        names = ["a", "b", "c", None]
        streams = [await Stream.open(counters.port, name) for name in names]
        default = await Stream.open(counters.port, "default")
        for number, name in enumerate(names):
            await press(counters, number + 1, name=name)
        for number, stream in enumerate(streams):
            await stream.until_value(number + 1)
            assert set(stream.values) <= set(range(number + 2))
        await default.until_value(4)
        before = [list(stream.values) for stream in streams[1:]]
        await press(counters, 5, name="a")
        await streams[0].until_value(6)
        assert [stream.values for stream in streams[1:]] == before, "nobody else hears of it"
        close_all([*streams, default])

    counter.run(story())


def test_2000_streams_at_once_are_all_told_the_newest(counters):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 3 * STREAMS)), hard))
    counters = counters()

    async def story():
        streams = await open_all(counters, STREAMS)
        await all_told(streams, 0)
        value = await press_at_once(counters, 500)
        await all_told(streams, value)
        for stream in streams:
            check_forward(stream)
        close_all(streams)

    counter.run(story())
    assert counters.press() == 501


# --- Who does not read --------------------------------------------------------------------------


def sample(counters, name):
    text = web.get(counters.port, "/metrics").body.decode()
    return float(text.partition(f"\n{name} ")[2].split("\n")[0])


async def until_behind(counters, count):
    """Until the server waits for so many of its clients; it is pressed meanwhile."""
    end = time.monotonic() + counter.PATIENCE_S
    while (behind := await asyncio.to_thread(sample, counters, "counter_app_slow_clients")) < count:
        assert time.monotonic() < end, f"{behind} are behind, expected {count}"
        await press(counters)
        await asyncio.sleep(0.05)


def test_who_does_not_read_costs_little_holds_nobody_up_and_gets_the_newest_later(counters):
    counters = counters()

    async def story():
        quick = await open_all(counters, 20)
        await all_told(quick, 0)
        stalled = []
        for _ in range(STALLED):
            stalled.append(await Stream.open(counters.port, before=UNREAD, receive_buffer=4096))
            stalled[-1].pause()
        await until_behind(counters, STALLED)
        before_kb = counters.replicas[0].rss_kb()
        value = await press_at_once(counters, PRESSES)
        await all_told(quick, value)
        grown_kb = counters.replicas[0].rss_kb() - before_kb
        print(f"{STALLED} who do not read cost {grown_kb} KB")
        assert grown_kb < RSS_GROWTH_KB_MAX, f"{STALLED} who do not read cost {grown_kb} KB"
        await until_behind(counters, STALLED)
        for stream in stalled:
            stream.resume()
        value = await press(counters)
        await all_told([*quick, *stalled], value)
        for stream in [*quick, *stalled]:
            check_forward(stream)
        for stream in stalled:
            assert len(stream.values) < 20, f"expected what it missed as one, got {stream.values}"
        close_all([*quick, *stalled])

    counter.run(story())


def test_who_stops_reading_for_good_does_not_hold_up_a_stop(counters):
    counters = counters()

    async def story():
        stalled = await Stream.open(counters.port, before=UNREAD, receive_buffer=4096)
        stalled.pause()
        await until_behind(counters, 1)
        await asyncio.to_thread(counters.stop)
        stalled.close()

    counter.run(story())


# --- The end of a stream ------------------------------------------------------------------------


def test_a_stop_ends_the_streams_and_who_comes_back_is_told_what_was_missed(counters):
    counters = counters()

    async def story():
        streams = await open_all(counters, 50)
        value = await press(counters, 3)
        await all_told(streams, value)
        await asyncio.to_thread(counters.stop)  # exit code 0
        for stream in streams:
            await stream.ended()
        await asyncio.to_thread(counters.start)
        await press(counters)
        streams = await open_all(counters, 50)
        await all_told(streams, value + 1)
        for stream in streams:
            assert stream.values == [value + 1]
        close_all(streams)

    counter.run(story())


def test_what_was_counted_before_a_stop_was_told_before_the_end_of_the_stream_or_after(counters):
    counters = counters()

    async def story():
        stream = await Stream.open(counters.port)
        await stream.until_value(0)
        people = counter.pressers(counters, 20)
        pressing = [asyncio.create_task(person.press_until_gone()) for person in people]
        await stream.until(lambda: stream.newest >= 20, "some presses")
        await asyncio.to_thread(counters.stop)
        await asyncio.gather(*pressing)
        await stream.ended()
        check_forward(stream)
        await asyncio.to_thread(counters.start)
        value = sum(len(person.counted) for person in people)
        assert stream.newest <= value, "a value that was told is there after the stop"
        again = await Stream.open(counters.port)
        await again.until_value(value)
        again.close()

    counter.run(story())


def test_clients_that_leave_without_a_word_leave_nothing_behind(counters):
    counters = counters()

    async def story():
        for _ in range(5):
            streams = await open_all(counters, 50, counter.fresh_name())
            await all_told(streams, 0)
            close_all(streams)
        end = time.monotonic() + counter.PATIENCE_S
        open_streams = 'counter_app_connections{kind="stream"}'
        while (left := await asyncio.to_thread(sample, counters, open_streams)) > 0:
            assert time.monotonic() < end, f"{left} streams are still open"
            await asyncio.sleep(0.05)

    counter.run(story())


# --- What is no stream --------------------------------------------------------------------------


def test_a_stream_that_is_refused_says_why(counters):
    counters = counters()

    async def story():
        stream = await Stream.open(counters.port, "no%20name")
        await stream.until(lambda: stream.status, "an answer")
        assert (stream.status, b"bad_name" in stream.body) == (400, True)
        stream.close()

    counter.run(story())


@pytest.mark.parametrize("name", [None, "default", "fresh"])
def test_head_of_a_stream_is_its_head_and_no_more(shared_counters, name):
    request = f"HEAD {counter.path(name, 'events')} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with web.Raw(shared_counters.port, request) as raw:
        answer = raw.response(head=True)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        raw.send(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        following = raw.response()
        assert following is None or following.status == 200, "nothing of a stream comes after it"


def test_names_that_were_followed_once_are_in_nobodys_way(counters):
    """Whoever asks for streams of names that nobody presses must not shut the others out."""
    counters = counters()

    async def story():
        await press(counters, 1, name="pressed")
        for first in range(0, TOPICS_MAX, 100):
            streams = await asyncio.gather(*(Stream.open(counters.port, f"n{number}")
                                             for number in range(first, first + 100)))
            await asyncio.gather(*(stream.until(lambda s=stream: s.status, "an answer")
                                   for stream in streams))
            close_all(streams)
        for name in ("pressed", None, "fresh"):
            stream = await Stream.open(counters.port, name)
            await stream.until(lambda: stream.status, "an answer")
            assert stream.status == 200, f"the counter {name}: {stream.body}"
            stream.close()

    counter.run(story())
