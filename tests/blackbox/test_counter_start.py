"""counter-app starts, or says in one line why it cannot."""

import re
import signal
import sqlite3

import counter
import pytest
import server as servers


def run(folder, *arguments, **settings):
    return servers.run(folder, *arguments, binary=counter.BINARY, **settings)


def told_once(ended, what):
    """It has ended with 1 and one line for people."""
    assert ended.returncode == 1, ended
    lines = [line for line in (ended.stdout + ended.stderr).splitlines()
             if "error" in line or line.startswith("counter-app: ")]
    assert len(lines) == 1 and what in lines[0], f"expected one line about {what!r}, got {ended}"


# --- Configuration ------------------------------------------------------------------------------

BAD_SETTINGS = [
    ({"REDIS_PASSWORD": "secret"}, "REDIS_HOST"),
    ({"REDIS_HOST": "a", "REDIS_URL": "redis://b"}, "REDIS_URL"),
    ({"REDIS_HOST": "two words"}, "REDIS_HOST"), ({"REDIS_HOST": "a/b"}, "REDIS_HOST"),
    ({"REDIS_HOST": "a", "REDIS_PORT": 0}, "REDIS_PORT"),
    ({"REDIS_HOST": "a", "REDIS_PORT": 65536}, "REDIS_PORT"),
    ({"REDIS_HOST": "a", "REDIS_PORT": "x"}, "REDIS_PORT"),
    ({"REDIS_HOST": "a", "REDIS_DB": -1}, "REDIS_DB"),
    ({"REDIS_HOST": "a", "REDIS_DB": "9" * 60}, "REDIS_DB"),
    ({"PORT": 65536}, "PORT"), ({"PORT": "8000x"}, "PORT"), ({"PORT": "9" * 60}, "PORT"),
    ({"HOST": "nowhere"}, "HOST"), ({"THREADS": 0}, "THREADS"), ({"THREADS": 65}, "THREADS"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"), ({"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
    ({"REPLICA_NAME": "x" * 65}, "REPLICA_NAME"), ({"REPLICA_NAME": "a\nb"}, "REPLICA_NAME"),
    ({"TICK_MS_MAX": 19}, "TICK_MS_MAX"), ({"TICK_MS_MAX": 5001}, "TICK_MS_MAX"),
    ({"CONNECTIONS_MAX": 9}, "CONNECTIONS_MAX"), ({"TRUSTED_PROXIES": "x"}, "TRUSTED_PROXIES"),
    ({"RATE_LIMIT_PER_ADDRESS": -1}, "RATE_LIMIT_PER_ADDRESS"),
    ({"CONNECTIONS_PER_ADDRESS_MAX": "many"}, "CONNECTIONS_PER_ADDRESS_MAX"),
    ({"DRAIN_LIMIT_MS": 99}, "DRAIN_LIMIT_MS"),
    ({"DRAIN_UNREADY_MS": 5000, "DRAIN_LIMIT_MS": 5000}, "DRAIN_UNREADY_MS"),
    ({"WEB_DIR": "no/such/folder"}, "no/such/folder"),
    ({"REDIS_HOST": "a", "REDIS_PASSWORD_FILE": "no/such/file"}, "REDIS_PASSWORD_FILE"),
]  # fmt: skip


@pytest.mark.parametrize("settings, what", BAD_SETTINGS,
                         ids=[" ".join(f"{k}={str(v)[:9]}" for k, v in row[0].items())
                              for row in BAD_SETTINGS])
def test_a_bad_setting_is_named_in_one_line(tmp_path, settings, what):
    told_once(run(tmp_path, PORT=settings.pop("PORT", servers.free_port()), DATA_DIR=tmp_path / "d",
                  **settings), what)


@pytest.mark.parametrize("arguments, what", [
    (["--port", "x"], "PORT"), (["--redis-password", "secret"], "REDIS_HOST"),
    (["--canvas-width", "64"], "--canvas-width"), (["--no-such-flag"], "--no-such-flag"),
    (["nonsense"], "--help"), (["--port"], "--port")])
def test_a_bad_flag_is_named_in_one_line(tmp_path, arguments, what):
    told_once(run(tmp_path, *arguments), what)


def test_a_secret_is_never_shown(tmp_path):
    for ended in (run(tmp_path, REDIS_PASSWORD="hush-hush"),
                  run(tmp_path, "--redis-password=hush-hush"),
                  run(tmp_path, REDIS_URL="http://:hush-hush@b", REDIS_HOST="b")):
        assert ended.returncode == 1
        assert "hush" not in ended.stdout + ended.stderr, ended


def test_help_names_every_option_of_the_document(tmp_path):
    document = (servers.ROOT / "docs/configuration.md").read_text()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", document, re.M | re.S))
    tables = sections["Both programs"] + sections["counter-app"]
    expected = re.findall(r"^\| `([A-Z_]+)` \|", tables, re.M)
    ended = run(tmp_path, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.findall(r"^  ([A-Z_]{4,})\s", ended.stdout, re.M) == expected


def test_the_version_is_told(tmp_path):
    ended = run(tmp_path, "--version")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.fullmatch(r"counter-app \d+\.\d+\.\d+\n", ended.stdout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_before_anybody_came_is_a_good_end(counters, number):
    counters = counters()
    for replica in counters.replicas:
        assert replica.stop(number) == 0


# --- The embedded store -------------------------------------------------------------------------


@pytest.fixture
def embedded(tmp_path_factory):
    """A counter-app over its DATA_DIR, pressed twice."""
    store = counter.EmbeddedStore
    for counters in counter.factory(store, tmp_path_factory, start_at_once=True):
        assert [counters.press(), counters.press()] == [1, 2]
        yield counters


def test_two_programs_on_one_data_dir_are_one_too_many(embedded, tmp_path):
    data_dir = embedded.store.data_dir
    ended = run(tmp_path, DATA_DIR=data_dir, PORT=servers.free_port())
    told_once(ended, str(data_dir))
    assert "in use" in ended.stdout + ended.stderr
    assert embedded.press() == 3, "the first goes on"
    embedded.kill()
    embedded.start()
    assert embedded.press() == 4, "a killed one is not in the way"


def test_a_file_that_is_none_of_ours_is_left_alone(embedded, tmp_path):
    embedded.stop()
    path = embedded.store.data_dir / "counter.db"
    ours = path.read_bytes()
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE other (n)")
    database.close()
    for other in ((tmp_path / "other.db").read_bytes(), b"no database" * 1000):
        path.write_bytes(other)
        told_once(run(tmp_path, DATA_DIR=path.parent, PORT=0), str(path.parent))
        assert path.read_bytes() == other, "it must not be written to"
    path.write_bytes(ours)
    embedded.start()
    assert embedded.value() == 2


def test_a_file_of_a_later_version_is_left_alone(embedded, tmp_path):
    embedded.stop()
    path = embedded.store.data_dir / "counter.db"
    for version in (2, 1):
        with sqlite3.connect(path) as database:
            database.execute(f"PRAGMA user_version = {version}")
        database.close()
        if version != 1:
            told_once(run(tmp_path, DATA_DIR=embedded.store.data_dir, PORT=0), "version 2")
    embedded.start()
    assert embedded.value() == 2


def test_a_data_dir_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    told_once(run(tmp_path, DATA_DIR=tmp_path / "file", PORT=0), str(tmp_path / "file"))


def test_a_data_dir_is_made_for_nobody_else_to_read(tmp_path, embedded):
    replica = embedded.replicas[0]
    embedded.stop()
    replica.start(DATA_DIR=tmp_path / "made" / "here")
    assert embedded.value() == 0
    assert (tmp_path / "made" / "here").stat().st_mode & 0o077 == 0
    embedded.stop()
    replica.start(DATA_DIR=embedded.store.data_dir)
    assert embedded.value() == 2
