"""A Redis that will not do: one clear line, alive but not ready, quiet, ready once it is mended."""

import re
import socket
import subprocess
import threading
import time

import pytest

import hot
import web
from sentinels import Node
from server import FAST, run
from waiting import eventually

LINES_MAX = 4  # in QUIET_S, of warnings and errors
QUIET_S = 5
READY_S = 30 if FAST else 10
SETTINGS = {"CANVAS_WIDTH": 64, "CANVAS_HEIGHT": 64, "REPLICA_NAME": "replica-0"}


@pytest.fixture
def start_node(tmp_path):
    """start_node(setting=…) → a redis-server."""
    started = []

    def start(**settings):
        started.append(Node(tmp_path / f"redis-{len(started)}", **settings).start())
        return started[-1]

    yield start
    for node in started:
        node.end()


@pytest.fixture
def start_on(start_server):
    """start_on(url, …) → a server that does not have to become ready."""
    return lambda url, **settings: start_server(ready=False, REDIS_URL=url, **SETTINGS | settings)


def complaints(server):
    return [line for line in server.log().splitlines()
            if re.search(r" (warning|error) ", line) and "DATABASE_URL" not in line]


def until_serving(server):
    eventually(lambda: web.get(server.port, "/health").status == 200, "it is alive")


def check_not_ready(server, *words):
    """Alive, unready with a line that says why, and not noisy; for QUIET_S."""
    until_serving(server)
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end:
        assert web.get(server.port, "/health").status == 200
        ready = web.get(server.port, "/health/ready")
        assert ready.status == 503, f"must not be ready: {ready}"
        assert web.get(server.port, "/api/canvas/snapshot").status == 503
        assert server.process.poll() is None, server.log()[-3000:]
        time.sleep(0.2)
    why = ready.json()["checks"]["journal"]
    for word in words:
        assert word.lower() in why.lower(), f"/health/ready must say {word!r}: {why}"
    assert "\n" not in why and len(why) < 400
    token = web.guest(server.port)["token"]
    refused = web.place(server.port, token, 1, 1, 1)
    assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1, refused
    lines = complaints(server)
    assert 1 <= len(lines) <= LINES_MAX, "\n".join([f"{len(lines)} lines:", *lines[:20]])
    told = [line for line in lines if all(word.lower() in line.lower() for word in words)]
    assert told, "\n".join([f"no line says {words}:", *lines])


def check_becomes_ready(server):
    eventually(lambda: web.get(server.port, "/health/ready").status == 200,
               f"it is ready:\n{server.log()[-2000:]}", READY_S)
    token = web.guest(server.port)["token"]
    answer = web.place(server.port, token, 1, 1, 1)
    assert answer.status == 201, answer
    assert web.snapshot(server.port, min_offset=1).board[65] == 1


def test_a_wrong_password(start_node, start_on):
    node = start_node()
    with node.client() as operator:
        operator.config_set("requirepass", "right")
        server = start_on(f"redis://:wrong-and-secret@127.0.0.1:{node.port}")
        check_not_ready(server, "WRONGPASS")
        assert "wrong-and-secret" not in server.log(), "passwords stay out of the log"
        operator.config_set("requirepass", "wrong-and-secret")
    check_becomes_ready(server)


def test_no_password_where_one_is_wanted(start_node, start_on):
    node = start_node()
    with node.client() as operator:
        operator.config_set("requirepass", "right")
        server = start_on(hot.url(node))
        check_not_ready(server, "NOAUTH")
        operator.config_set("requirepass", "")
    check_becomes_ready(server)


def test_a_replica(start_node, start_on):
    master = start_node()
    replica = start_node(replicaof=f"127.0.0.1 {master.port}")
    eventually(lambda: replica.replication()["master_link_status"] == "up", "it is a replica")
    server = start_on(hot.url(replica))
    check_not_ready(server, "replica")
    replica.ask("REPLICAOF", "NO", "ONE")
    check_becomes_ready(server)


def test_a_sentinel_taken_for_a_redis(tmp_path, start_node, start_on):
    node = start_node()
    config = tmp_path / "sentinel.conf"
    port = hot.RedisServer(tmp_path / "unused").port
    config.write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
                      f"sentinel monitor mymaster 127.0.0.1 {node.port} 1\n")
    sentinel = subprocess.Popen(["redis-server", config, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        check_not_ready(start_on(f"redis://127.0.0.1:{port}"), "redis+sentinel://")
    finally:
        sentinel.terminate()
        sentinel.wait(20)


# --- TLS ----------------------------------------------------------------------------------------


def openssl(*words, folder):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """ca.pem; right.pem is signed by it for 127.0.0.1, elsewhere.pem for another host, and
    stranger.pem by nobody that is known. All belong to key.pem."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=the authority", "-days", "2", folder=folder)
    openssl("genrsa", "-out", "key.pem", "2048", folder=folder)
    for name, host in (("right", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example")):
        (folder / "extensions").write_text(f"subjectAltName={host}\n")
        openssl("req", "-new", "-key", "key.pem", "-subj", f"/CN={name}", "-out", "request",
                folder=folder)
        openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "extensions", "-out", f"{name}.pem",
                folder=folder)
    openssl("req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=stranger", "-days", "2",
            "-addext", "subjectAltName=IP:127.0.0.1", "-out", "stranger.pem", folder=folder)
    return folder


@pytest.mark.parametrize("wrong", ["elsewhere", "stranger"])
def test_a_wrong_certificate(start_node, start_on, certificates, wrong):
    tls_port = hot.RedisServer(certificates / "unused").port
    node = start_node(tls_port=tls_port, tls_key_file=certificates / "key.pem",
                      tls_cert_file=certificates / f"{wrong}.pem",
                      tls_ca_cert_file=certificates / "ca.pem", tls_auth_clients="no")
    server = start_on(f"rediss://127.0.0.1:{tls_port}?ca={certificates / 'ca.pem'}")
    check_not_ready(server, "certificate")
    node.ask("CONFIG", "SET", "tls-cert-file", str(certificates / "right.pem"))
    check_becomes_ready(server)


def test_a_client_certificate_is_wanted(start_node, start_on, certificates):
    tls_port = hot.RedisServer(certificates / "unused").port
    node = start_node(tls_port=tls_port, tls_key_file=certificates / "key.pem",
                      tls_cert_file=certificates / "right.pem",
                      tls_ca_cert_file=certificates / "ca.pem", tls_auth_clients="yes")
    server = start_on(f"rediss://127.0.0.1:{tls_port}?ca={certificates / 'ca.pem'}")
    check_not_ready(server)  # the server's word of it may be lost when it closes at once
    eventually(lambda: "certificate" in server.log(), "the log says what is wanted")
    node.ask("CONFIG", "SET", "tls-auth-clients", "no")
    check_becomes_ready(server)


# --- Not a Redis 7 ------------------------------------------------------------------------------


class Fake:
    """Speaks as much of Redis's protocol as an old one that has no functions."""

    def __init__(self, port, answer):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port, self.answer = self.listener.getsockname()[1], answer
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        for sock in [self.listener, *self.sockets]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _accept(self):
        try:
            while True:
                sock, _ = self.listener.accept()
                self.sockets.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()
        except OSError:
            pass

    def _serve(self, sock):
        try:
            with sock.makefile("rb") as lines:
                while head := lines.readline():
                    words = []
                    for _ in range(int(head[1:])):
                        size = int(lines.readline()[1:])
                        words.append(lines.read(size + 2)[:-2].decode("latin-1"))
                    sock.sendall(self.answer([words[0].upper(), *words[1:]]))
        except (OSError, ValueError):
            pass


def bulk(text):
    return f"${len(text)}\r\n{text}\r\n".encode()


def redis_6(words):
    name = words[0]
    if name == "HELLO":
        fields = {"server": "redis", "version": "6.0.16", "mode": "standalone", "role": "master"}
        flat = [bulk(text) for pair in fields.items() for text in pair]
        return b"*%d\r\n" % len(flat) + b"".join(flat)
    if name in ("EXISTS", "PUBLISH"):
        return b":0\r\n"
    if name in ("CLIENT", "SELECT", "PING"):
        return b"+OK\r\n"
    if name == "CONFIG":
        return b"*4\r\n" + b"".join(map(bulk, ["appendonly", "yes", "appendfsync", "always"]))
    if name == "INFO":
        return bulk("# Replication\r\nrole:master\r\nconnected_slaves:0\r\n")
    if name == "SUBSCRIBE":
        return b"*3\r\n" + bulk("subscribe") + bulk(words[1]) + b":1\r\n"
    return (f"-ERR unknown command `{name}`, with args beginning with: "
            + "".join(f"`{word[:20]}`, " for word in words[1:2]) + "\r\n").encode()


@pytest.mark.parametrize("what, answer, words", [
    ("a Redis 6", redis_6, ["FUNCTION"]),
    ("no Redis", lambda words: b"HTTP/1.1 400 Bad Request\r\n\r\n", ["not understood"]),
    ("one that says nothing", lambda words: b"", ["no answer in time"]),
    ("always loading", lambda words: b"-LOADING Redis is loading the dataset in memory\r\n",
     ["LOADING"]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_not_a_redis_7(tmp_path, start_on, what, answer, words):
    fake = Fake(0, answer)
    server = start_on(f"redis://127.0.0.1:{fake.port}")
    check_not_ready(server, *words)
    fake.close()
    node = Node(tmp_path / "redis")
    node.port = fake.port
    node.start()
    try:
        check_becomes_ready(server)
    finally:
        node.end()


# --- Not as it should be ------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"appendonly": "no"}, {"appendfsync": "everysec"}],
                         ids=["no AOF", "a second may be lost"])
def test_a_redis_that_may_lose_what_it_said_is_warned_about_once(start_node, start_server,
                                                                 settings):
    server = start_server(REDIS_URL=hot.url(start_node(**settings)), **SETTINGS)
    check_becomes_ready(server)
    time.sleep(2)  # several probes
    warned = [line for line in complaints(server) if "may lose" in line]
    assert len(warned) == 1, "\n".join(complaints(server))
    assert "appendfsync always" in warned[0], "the line says what to do"


def test_a_canvas_of_another_size(start_node, start_server, start_on):
    node = start_node()
    other = start_server(REDIS_URL=hot.url(node), **SETTINGS | {"CANVAS_WIDTH": 32})
    assert other.stop() == 0
    server = start_on(hot.url(node))
    check_not_ready(server, "32 x 64", "CANVAS_WIDTH")
    hot.wipe(node)
    check_becomes_ready(server)
    other.start(ready=False)  # so that the fixture finds it running
    eventually(lambda: "64 x 64" in other.log(), "it says so")


def test_redis_comes_later(tmp_path, start_on):
    node = Node(tmp_path / "redis")
    server = start_on(hot.url(node))
    check_not_ready(server, "refused")
    node.start()
    try:
        check_becomes_ready(server)
    finally:
        node.end()


def test_a_full_redis_refuses_and_recovers(start_node, start_server):
    node = start_node()
    server = start_server(REDIS_URL=hot.url(node), **SETTINGS)
    check_becomes_ready(server)
    node.ask("CONFIG", "SET", "maxmemory", "1mb")
    token = web.guest(server.port)["token"]
    refused = web.place(server.port, token, 2, 2, 2, timeout=30)
    assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1, refused
    assert web.snapshot(server.port).offset == 1, "the board stays readable"
    time.sleep(QUIET_S)
    assert len(complaints(server)) <= LINES_MAX + 2, "\n".join(complaints(server))
    node.ask("CONFIG", "SET", "maxmemory", "0")
    eventually(lambda: web.place(server.port, token, 3, 3, 3).status == 201, "it works again", 10)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "redis://", "redis+sentinel://127.0.0.1"])
def test_a_url_that_is_none_stops_the_start(tmp_path, url):
    done = run(tmp_path, REDIS_URL=url, PORT=0)
    assert done.returncode != 0
    told = [line for line in (done.stdout + done.stderr).splitlines() if "REDIS_URL" in line]
    assert len(told) == 1, done
