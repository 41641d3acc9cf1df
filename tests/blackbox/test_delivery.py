"""The delivery that scripts/health-check.sh makes, over real servers: what it sees, what it leaves
behind, and that it tells what is wrong."""

import re
import subprocess
import sys

import hot
import server as servers
import web


def deliver(*words):
    """(exit code, its lines)."""
    done = subprocess.run([sys.executable, "-B", "-m", "loadtest.delivery", "--limit", "3",
                           *map(str, words)], cwd=servers.ROOT, text=True, timeout=120,
                          capture_output=True)
    print(done.stdout, done.stderr)
    return done.returncode, done.stdout


def address(server):
    return f"http://127.0.0.1:{server.port}"


def fails(why, *words):
    code, said = deliver(*words)
    assert code == 1 and re.search(f"FAILED  delivery: {why}", said)


def test_only_the_history_of_a_pixel_tells_of_it(server):
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 5, 5, 5).status == 201
    board = web.snapshot(server.port).board
    code, said = deliver(address(server), "--names", "black-box")
    assert code == 0 and "acknowledged at offset 2" in said and "came over the socket" in said
    assert web.snapshot(server.port, 2).board == board


def test_reading_only(server):
    code, said = deliver("--read-only", address(server))
    assert code == 0 and "socket is live" in said
    assert web.get(server.port, "/api/canvas").json()["offset"] == 0


def test_where_nothing_can_be_placed(start_server):
    for settings, why in (({"GUESTS": "off"}, "guests are switched off"),
                          ({"CANVAS_FROZEN": "on"}, "the canvas is frozen")):
        code, said = deliver(address(start_server(**settings)))
        assert code == 0 and f"{why}: nothing was placed" in said


def test_servers_of_one_canvas(start_server, redis):
    group = [start_server(REDIS_URL=hot.url(redis), REPLICA_NAME=f"replica-{n}") for n in range(3)]
    code, said = deliver(*map(address, group), "--names", "replica-0", "replica-1", "replica-2")
    assert code == 0 and "socket is live, at replica-2" in said
    redis.stop()
    fails("placing: 503", *map(address, group))
    redis.start()


def test_what_is_wrong_is_told(start_server):
    one, another = start_server(), start_server()
    fails("not at .* offset 1 .*: nobody", address(one), "--names", "black-box", "nobody")
    fails("(not at|the socket|the snapshot)", address(one), address(another))  # two canvases
    assert another.stop() == 0
    fails("the canvas: no answer", address(another))
