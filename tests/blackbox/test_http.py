"""The HTTP interface as docs/api.md describes it."""

import re
import shutil
import subprocess
import time
import zlib

import journal
import png
import pytest
import server as servers
import web

METRICS = servers.ROOT / "tests/blackbox/metrics.txt"
SIZE = 64


@pytest.fixture(scope="module")
def painted(start_shared_server):
    """(server, token, guest): a picture of a hundred pixels by one guest."""
    server = start_shared_server(CANVAS_NAME="Холст 🎨", COOLDOWN_MS=0, CHARGES_MAX=7)
    guest = web.guest(server.port)
    for n in range(100):
        answer = paced_place(server, guest["token"], n % SIZE, n // SIZE * 3, n % 32)
        assert answer.status == 201
    return server, guest["token"], guest["user"]


def paced_place(server, token, x, y, color):
    """Waits when the rate of one person is exceeded, which is not what is tested here."""
    while (answer := web.place(server.port, token, x, y, color)).status == 429:
        assert answer.code() == "rate_limited", answer
        time.sleep(0.05)
    return answer


# --- Health and metrics -------------------------------------------------------------------------


def test_health(shared):
    answer = web.get(shared.port, "/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["content-type"].startswith("application/json")


def test_readiness_has_a_line_for_each_dependency(shared):
    answer = web.get(shared.port, "/health/ready")
    assert answer.status == 200
    assert answer.json()["status"] == "ready"
    assert answer.json()["checks"]["journal"] == "ok"


def test_health_is_never_cached(shared):
    for path in ("/health", "/health/ready", "/metrics", "/api/canvas"):
        assert "no-store" in web.get(shared.port, path).headers["cache-control"], path


def metrics(server):
    answer = web.get(server.port, "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    line = re.compile(r'([a-zA-Z_:][\w:]*)(\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? (\S+)')
    values = {}
    for row in text.splitlines():
        if row and not row.startswith("#"):
            match = line.fullmatch(row)
            assert match, f"not a sample: {row}"
            values[match[1] + (match[2] or "")] = float(match[3])
    return text, values


def test_the_names_of_the_metrics_are_those_on_the_list(painted):
    """They are an interface: dashboards and alarms are written against them."""
    text, _ = metrics(painted[0])
    found = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    expected = [tuple(line.split()) for line in METRICS.read_text().splitlines()]
    assert sorted(found) == sorted(expected)


def test_the_metrics_count_what_happened(painted):
    server, token, _ = painted
    before = metrics(server)[1]
    offset = paced_place(server, token, 0, 63, 1).json()["offset"]
    assert paced_place(server, token, 64, 0, 1).status == 400
    after = metrics(server)[1]
    refused = 'pixel_battle_placements_refused_total{reason="outside"}'
    assert after["pixel_battle_placements_accepted_total"] \
        == before["pixel_battle_placements_accepted_total"] + 1
    assert after[refused] == before.get(refused, 0) + 1
    assert after["pixel_battle_journal_offset"] == offset
    assert after["pixel_battle_journal_writable"] == 1
    assert after["pixel_battle_ready"] == 1


# --- Every answer -------------------------------------------------------------------------------

EVERYWHERE = ["/health", "/health/ready", "/metrics", "/api/canvas", "/api/canvas/snapshot",
              "/api/canvas.png", "/api/pixels/1/1", "/api/me", "/api/pixels", "/nothing", "/ws",
              "/api/pixels/999/999"]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_says_who_served_it_and_is_safe_to_show(shared, method, path):
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
    answer = web.exchange(shared.port, head, head=method == "HEAD")
    assert answer.headers["x-served-by"] == "black-box"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert "server" not in answer.headers or "/" not in answer.headers["server"], "no version"
    if answer.status >= 400 and method != "HEAD":
        error = answer.json()["error"]
        assert re.fullmatch("[a-z_]+", error["code"]) and error["message"]


def test_head_is_get_without_the_body(painted):
    server = painted[0]
    for path in ("/api/canvas/snapshot", "/api/canvas.png", "/health"):
        get = web.get(server.port, path)
        request = f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        head = web.exchange(server.port, request, head=True)
        assert (head.status, head.headers.get("etag")) == (200, get.headers.get("etag"))
        assert int(head.headers["content-length"]) == len(get.body)


def test_a_connection_serves_many_requests_and_closes_when_asked(shared):
    with web.Raw(shared.port) as raw:
        for _ in range(100):
            raw.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            assert raw.response().status == 200
        raw.send(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert raw.response().status == 200
        assert raw.is_closed()
    with web.Raw(shared.port, b"GET /health HTTP/1.0\r\n\r\n") as raw:
        assert raw.response().status == 200
        assert raw.is_closed(), "HTTP/1.0 closes"


# --- The canvas ---------------------------------------------------------------------------------


def test_the_canvas(painted):
    server = painted[0]
    canvas = web.get(server.port, "/api/canvas").json()
    assert set(canvas) == {
        "name", "width", "height", "palette", "color_bits", "cooldown_ms", "charges_max", "frozen",
        "guests", "telegram", "epoch", "offset", "digest", "online", "served_by", "version",
        "time_ms"}
    assert (canvas["name"], canvas["width"], canvas["height"]) == ("Холст 🎨", SIZE, SIZE)
    assert len(canvas["palette"]) == 32 and canvas["palette"][0] == "#6D001A"
    assert all(re.fullmatch("#[0-9A-F]{6}", color) for color in canvas["palette"])
    assert (canvas["color_bits"], canvas["cooldown_ms"], canvas["charges_max"]) == (5, 0, 7)
    assert (canvas["frozen"], canvas["guests"], canvas["telegram"]) == (False, True, False)
    taken = web.snapshot(server.port, min_offset=int(canvas["offset"]))
    assert str(canvas["epoch"]) == str(taken.epoch)
    assert re.fullmatch("[0-9a-f]{16}", canvas["digest"])
    assert canvas["served_by"] == "black-box"
    assert abs(canvas["time_ms"] - time.time() * 1000) < 5000


def test_the_snapshot_is_the_journal_replayed(painted):
    server = painted[0]
    entries = journal.entries_of(server.data_dir)
    journal.check_chain(entries)
    taken = web.snapshot(server.port, min_offset=len(entries))
    assert taken.offset == len(entries)
    journal.check_snapshot(entries, taken)


def test_a_snapshot_is_at_most_a_second_behind(painted):
    server, token, _ = painted
    offset = int(paced_place(server, token, 5, 50, 5).json()["offset"])
    assert web.snapshot(server.port, min_offset=offset).offset >= offset, "as new as asked for"
    offset = int(paced_place(server, token, 6, 50, 5).json()["offset"])
    end = time.monotonic() + 1.5
    while web.snapshot(server.port).offset < offset:
        assert time.monotonic() < end, "after 1.5 s the snapshot still lags"
        time.sleep(0.02)


def test_asking_for_a_snapshot_newer_than_the_journal_gives_the_newest(painted):
    server, token, _ = painted
    offset = int(paced_place(server, token, 6, 51, 5).json()["offset"])
    web.snapshot(server.port, min_offset=offset)
    answer = web.get(server.port, "/api/canvas/snapshot?min_offset=99999999")
    assert (answer.status, int(answer.headers["x-canvas-offset"])) == (200, offset)


def unpack(encoding, body):
    if encoding == "gzip":
        return zlib.decompress(body, wbits=31)
    tool = {"br": "brotli", "zstd": "zstd"}[encoding]
    assert shutil.which(tool), f"this test needs the program {tool}"
    return subprocess.run([tool, "-d", "-c"], input=body, capture_output=True, check=True).stdout


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_compressed_snapshot_is_the_same_and_smaller(painted, encoding):
    server = painted[0]
    plain = web.get(server.port, "/api/canvas/snapshot")
    assert "content-encoding" not in plain.headers, "nobody asked for compression"
    packed = web.get(server.port, "/api/canvas/snapshot", {"Accept-Encoding": encoding})
    assert packed.headers["content-encoding"] == encoding
    assert packed.headers["x-canvas-digest"] == plain.headers["x-canvas-digest"]
    assert unpack(encoding, packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("accepts, expected", [
    ("gzip, deflate, br, zstd", {"br", "zstd"}), ("gzip;q=0", {None}), ("identity", {None}),
    ("br;q=0, gzip", {"gzip"}), ("*", {"br", "zstd", "gzip", None}), ("gzip;q=0.5", {"gzip"}),
    ("GZIP", {"gzip"}), ("x-unknown", {None}), ("", {None}), ("gzipped", {None}),
    ("zstd;q=0.000, br;q=0.0, gzip;q=1.0", {"gzip"})])
def test_only_what_the_client_accepts_is_sent(painted, accepts, expected):
    answer = web.get(painted[0].port, "/api/canvas/snapshot", {"Accept-Encoding": accepts})
    assert answer.status == 200
    assert answer.headers.get("content-encoding") in expected


@pytest.mark.parametrize("path", ["/api/canvas/snapshot", "/api/canvas.png"])
def test_an_unchanged_picture_is_not_sent_again(painted, path):
    server, token, _ = painted
    offset = int(paced_place(server, token, 1, 60, 1).json()["offset"])
    web.snapshot(server.port, min_offset=offset)
    tag = settled_etag(server, path)
    assert re.fullmatch(r'(W/)?"[^"]+"', tag)
    for value in (tag, f'"other", {tag}', "*", tag if tag.startswith("W/") else f"W/{tag}"):
        answer = web.get(server.port, path, {"If-None-Match": value})
        assert (answer.status, answer.body) == (304, b""), f"If-None-Match: {value}"
        assert answer.headers["etag"] == tag
    answer = web.get(server.port, path, {"If-None-Match": '"other"'})
    assert answer.status == 200 and answer.headers["etag"] == tag

    color = 2 if web.snapshot(server.port).board[60 * SIZE + 1] == 1 else 1
    offset = int(paced_place(server, token, 1, 60, color).json()["offset"])
    web.snapshot(server.port, min_offset=offset)
    end = time.monotonic() + 3
    while web.get(server.port, path, {"If-None-Match": tag}).status == 304:
        assert time.monotonic() < end, "the picture has changed, but its ETag has not"
        time.sleep(0.02)


def settled_etag(server, path):
    """The ETag once the second of lag is over."""
    end, tag = time.monotonic() + 1.2, None
    while time.monotonic() < end:
        now = web.get(server.port, path).headers["etag"]
        end, tag = (end, tag) if now == tag else (time.monotonic() + 1.2, now)
        time.sleep(0.1)
    return tag


def test_variants_of_the_snapshot_have_etags_of_their_own(painted):
    tags = [web.get(painted[0].port, "/api/canvas/snapshot", {"Accept-Encoding": encoding})
            .headers["etag"] for encoding in ("identity", "gzip", "br", "zstd")]
    assert len(set(tags)) == 4 or all(tag.startswith("W/") for tag in tags), \
        "a strong ETag stands for the same bytes (RFC 9110, 8.8.3)"


def test_the_picture_decodes_to_the_board(painted):
    server, token, _ = painted
    offset = int(paced_place(server, token, 63, 63, 0).json()["offset"])
    taken = web.snapshot(server.port, min_offset=offset)
    palette = web.get(server.port, "/api/canvas").json()["palette"]
    expected = [[palette[color] for color in taken.board[y * SIZE : (y + 1) * SIZE]]
                for y in range(SIZE)]
    end = time.monotonic() + 3
    while True:
        answer = web.get(server.port, "/api/canvas.png")
        assert answer.headers["content-type"] == "image/png"
        width, height, rows = png.decode(answer.body)
        assert (width, height) == (SIZE, SIZE)
        if rows == expected:
            return
        assert time.monotonic() < end, "the picture is not the board, even 3 s later"
        time.sleep(0.05)


# --- Placing and looking ------------------------------------------------------------------------


def test_a_placement_answers_where_it_stands(painted):
    server, token, _ = painted
    before = len(journal.entries_of(server.data_dir))
    answer = paced_place(server, token, 10, 40, 3)
    assert answer.status == 201
    canvas = web.get(server.port, "/api/canvas").json()
    assert answer.json() == {"epoch": canvas["epoch"], "offset": type(canvas["offset"])(before + 1),
                             "charges": 7, "next_charge_ms": 0}


def test_acknowledged_means_on_disk(server):
    token = web.guest(server.port)["token"]
    for n in range(15):
        offset = int(web.place(server.port, token, n, n, n).json()["offset"])
        last = journal.entries_of(server.data_dir)[-1]
        assert (last.offset, last.x, last.y, last.color) == (offset, n, n, n)


def test_the_history_of_a_pixel(server):
    anna, boris = web.guest(server.port), web.guest(server.port)
    started_ms = time.time() * 1000
    offsets = [int(web.place(server.port, who["token"], 7, 9, color).json()["offset"])
               for color, who in ((1, anna), (2, boris), (1, anna), (0, boris))]
    web.place(server.port, anna["token"], 9, 7, 30)
    pixel = web.get(server.port, "/api/pixels/7/9").json()
    assert (pixel["x"], pixel["y"], pixel["color"]) == (7, 9, 0)
    placements = pixel["placements"]
    assert [int(one["offset"]) for one in placements] == offsets[::-1], "newest first"
    assert [one["color"] for one in placements] == [0, 1, 2, 1]
    assert [one["user"] for one in placements] == \
        [who["user"] for who in (boris, anna, boris, anna)]
    assert all(started_ms - 5000 < one["time_ms"] < started_ms + 60_000 for one in placements)

    two = web.get(server.port, "/api/pixels/7/9?limit=2").json()["placements"]
    assert two == placements[:2]
    untouched = web.get(server.port, "/api/pixels/0/0").json()
    assert untouched == {"x": 0, "y": 0, "color": journal.BLANK, "placements": []}


def test_twenty_placements_are_shown_unless_more_are_asked_for(painted):
    server, token, _ = painted
    for n in range(30):
        paced_place(server, token, 33, 33, n)
    assert len(web.get(server.port, "/api/pixels/33/33").json()["placements"]) == 20
    assert len(web.get(server.port, "/api/pixels/33/33?limit=100").json()["placements"]) == 30


def test_the_history_survives_a_restart(server):
    guest = web.guest(server.port)
    web.place(server.port, guest["token"], 3, 4, 5)
    before = web.get(server.port, "/api/pixels/3/4").json()
    server.restart()
    assert web.get(server.port, "/api/pixels/3/4").json() == before
    assert before["placements"][0]["user"] == guest["user"]


def test_me(painted):
    server, token, user = painted
    answer = web.get(server.port, "/api/me", web.bearer(token)).json()
    assert answer == {"user": user, "charges": 7, "next_charge_ms": 0}


def test_a_frozen_canvas_is_for_looking_only(start_server):
    server = start_server()
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 1, 1, 1).status == 201
    server.restart(CANVAS_FROZEN="on")
    answer = web.place(server.port, token, 2, 2, 2)
    assert (answer.status, answer.code()) == (403, "frozen")
    assert web.get(server.port, "/api/canvas").json()["frozen"] is True
    assert web.snapshot(server.port).offset == 1
    server.restart(CANVAS_FROZEN="off")
    assert web.place(server.port, token, 2, 2, 2).status == 201
