"""Disk full: placing is refused clearly, nothing acknowledged is lost, and it goes on later."""

import asyncio
import contextlib
import os
import pathlib
import subprocess
import time

import client
import codec
import journal
import pytest
import server as servers
import web

SIZE = 64
UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


class SmallDisk:
    """A tmpfs of a few MB in a mount namespace of its own, where a server can be started."""

    def __init__(self, folder, mb=6):
        script = f"mount -t tmpfs -o size={mb}m tmpfs '{folder}' && echo mounted && exec sleep 600"
        self.holder = subprocess.Popen([*UNSHARE, "sh", "-c", script], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.mounted = self.holder.stdout.readline() == "mounted\n"
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-m", *user, "--"]
        self.seen_from_here = pathlib.Path(f"/proc/{self.holder.pid}/root{folder}")

    def fill(self):
        """Takes all that is left, to the last byte."""
        with open(self.seen_from_here / "filler", "ab", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while filler.write(b"f" * size) == size:
                        pass
                except OSError:
                    pass

    def free(self):
        (self.seen_from_here / "filler").unlink()

    def close(self):
        self.holder.kill()
        self.holder.communicate()


@contextlib.contextmanager
def on_a_small_disk(tmp_path, **how):
    """(disk, server): a server whose data folder is the disk."""
    data = tmp_path / "data"
    data.mkdir()
    disk = SmallDisk(data)
    if not disk.mounted:
        disk.close()
        pytest.skip("no mount namespaces here")
    server = servers.Server(tmp_path, wrap=disk.enter, **how)
    server.start()
    yield disk, server
    try:
        server.close()
    finally:
        disk.close()


@pytest.fixture
def disk_and_server(tmp_path):
    with on_a_small_disk(tmp_path, CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE) as both:
        yield both


def entries_of(disk):
    return journal.entries_of(disk.seen_from_here)


def check_nothing_lost(disk, player):
    entries = entries_of(disk)
    journal.check_chain(entries)
    placed = {entry.offset: (entry.x, entry.y, entry.color) for entry in entries}
    for placement in player.accepted:
        what = (placement.x, placement.y, placement.color)
        assert placed.get(placement.answer.offset) == what, f"acknowledged, but lost: {placement}"
    return entries


async def fill_while_placing(disk, player, work):
    """Placements go on while the disk fills up, until one is refused; that refusal."""
    for _ in range(5):
        assert (await player.place(*next(work))).message == "accepted"
    end = time.monotonic() + 30
    await asyncio.to_thread(disk.fill)
    while (answer := await place_patiently(player, work)).message == "accepted":
        assert time.monotonic() < end, "the disk is full for 30 s and placements are still accepted"
        await asyncio.to_thread(disk.fill)
    return answer


async def place_patiently(player, work):
    """Waits when the rate of one person is exceeded, which is not what is tested here."""
    while (answer := await player.place(*next(work))).message == "refused" \
            and answer.reason == codec.REASON["busy"]:
        await asyncio.sleep(max(0.01, answer.wait_ms / 1000))
    return answer


async def until_accepted(player, work, limit_s=15):
    end = time.monotonic() + limit_s
    while (answer := await place_patiently(player, work)).message != "accepted":
        assert time.monotonic() < end, f"there is room for {limit_s} s, but it answers {answer}"
        await asyncio.sleep(min(1, max(0.05, answer.wait_ms / 1000)))
    return answer


def test_placing_on_a_full_disk_is_refused_and_goes_on_when_there_is_room(disk_and_server):
    disk, server = disk_and_server
    token = web.guest(server.port)["token"]
    work = client.operations(size=SIZE)

    async def story():
        player = await client.Player(server.port, token).connect()
        await player.go_live()
        refused = await fill_while_placing(disk, player, work)
        assert refused.reason == codec.REASON["unavailable"], f"expected unavailable, got {refused}"
        assert refused.wait_ms > 0, "a refusal says when to try again"

        answer = await asyncio.to_thread(web.place, server.port, token, 1, 1, 1)
        assert (answer.status, answer.code()) == (503, "unavailable"), answer
        assert int(answer.headers["retry-after"]) >= 1
        taken = await asyncio.to_thread(web.snapshot, server.port, len(player.accepted))
        assert taken.offset == len(player.accepted), "the board stays readable, without what failed"
        assert (await asyncio.to_thread(web.get, server.port, "/health")).status == 200
        ready = await asyncio.to_thread(web.get, server.port, "/health/ready")
        assert ready.json()["checks"]["journal"] != "ok", f"it is full, but readiness: {ready.body}"

        disk.free()
        await until_accepted(player, work)
        await player.until_offset(player.accepted[-1].answer.offset)
        ready = await asyncio.to_thread(web.get, server.port, "/health/ready")
        assert (ready.status, ready.json()["checks"]["journal"]) == (200, "ok"), ready.body
        await player.close()
        client.check_promises([player])
        return player

    player = asyncio.run(story())
    entries = check_nothing_lost(disk, player)
    assert len(entries) == len(player.accepted), "what was refused has left no trace"
    journal.check_snapshot(entries, web.snapshot(server.port, min_offset=len(entries)))


def test_a_kill_on_a_full_disk_loses_nothing(disk_and_server):
    disk, server = disk_and_server
    token = web.guest(server.port)["token"]
    work = client.operations(size=SIZE)

    async def story():
        player = await client.Player(server.port, token).connect()
        await fill_while_placing(disk, player, work)
        server.kill()
        await player.socket.ended()
        disk.free()
        server.start()
        await player.connect()
        await until_accepted(player, work)
        await player.close()
        return player

    player = asyncio.run(story())
    entries = check_nothing_lost(disk, player)
    assert len(entries) == len(player.accepted)
    journal.check_snapshot(entries, web.snapshot(server.port, min_offset=len(entries)))


def test_full_again_and_again(disk_and_server):
    disk, server = disk_and_server
    token = web.guest(server.port)["token"]
    work = client.operations(size=SIZE)

    async def story():
        player = await client.Player(server.port, token).connect()
        for _ in range(3):
            await fill_while_placing(disk, player, work)
            disk.free()
            await until_accepted(player, work)
        await player.close()
        return player

    player = asyncio.run(story())
    assert len(check_nothing_lost(disk, player)) == len(player.accepted)
