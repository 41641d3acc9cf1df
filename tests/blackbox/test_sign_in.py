"""Who may play: guests, Telegram, our tokens and their keys, and what stops the start."""

import asyncio
import base64
import re
import time

import client
import pytest
import server as servers
import telegram
import web

ANNA = {"id": 7342037359, "first_name": "Анна", "last_name": "Петрова", "username": "anna"}
KEY_A, KEY_B = "the first key of two", "the second key of two"


@pytest.fixture(scope="module")
def with_telegram(start_shared_server):
    return start_shared_server(TELEGRAM_BOT_TOKEN=telegram.BOT_TOKEN)


def sign_in(server, init_data):
    return web.post(server.port, "/api/auth/telegram", {"init_data": init_data})


def me(server, token):
    return web.get(server.port, "/api/me", web.bearer(token))


def check_error(answer, status, code):
    assert (answer.status, answer.code()) == (status, code), \
        f"expected {status} {code}, got {answer.status} {answer.body[:200]}"


# --- Guests -------------------------------------------------------------------------------------


def test_a_guest_gets_a_token_and_a_name(shared):
    before_ms = time.time() * 1000
    guest = web.guest(shared.port)
    assert set(guest) == {"token", "expires_at_ms", "user"}
    assert abs(guest["expires_at_ms"] - before_ms - 2_592_000_000) < 60_000, "30 days"
    assert re.fullmatch(r"-[1-9]\d*", guest["user"]["id"]), "guests are negative, ids are strings"
    assert guest["user"]["name"].startswith("Guest ")
    answer = me(shared, guest["token"])
    assert answer.status == 200 and answer.json()["user"] == guest["user"]


@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_the_body_of_a_guest_sign_in_is_empty_or_an_empty_object(shared, body):
    headers = {"Content-Type": "application/json"} if body else {}
    answer = web.request(shared.port, "POST", "/api/auth/guest", body, headers)
    assert answer.status == 200


def test_guests_are_all_different(shared):
    assert len({web.guest(shared.port)["user"]["id"] for _ in range(50)}) == 50


def test_guests_can_be_switched_off_and_old_guests_stay(start_server):
    server = start_server()
    token = web.guest(server.port)["token"]
    server.restart(GUESTS="off")
    check_error(web.post(server.port, "/api/auth/guest", {}), 403, "guests_disabled")
    assert web.get(server.port, "/api/canvas").json()["guests"] is False
    assert me(server, token).status == 200, "who has a token keeps it"

    async def flags():
        player = await client.Player(server.port).connect()
        await player.close()
        return player.welcome.flags

    assert asyncio.run(flags()) & 2 == 0, "welcome says so too"


# --- Telegram -----------------------------------------------------------------------------------


def test_init_data_gives_a_token_of_that_person(with_telegram):
    answer = sign_in(with_telegram, telegram.init_data(ANNA))
    assert answer.status == 200, answer
    assert answer.json()["user"] == {"id": "7342037359", "name": "Анна Петрова"}
    assert me(with_telegram, answer.json()["token"]).json()["user"]["id"] == "7342037359"


@pytest.mark.parametrize("user, name", [
    ({"id": 1, "first_name": "Only"}, "Only"),
    ({"id": 2, "first_name": "", "username": "nick"}, "nick"),
    ({"id": 3, "first_name": ""}, "Telegram 3"),
    ({"id": 4, "first_name": "🦊 Лис"}, "🦊 Лис"),
    ({"id": 5, "first_name": "я" * 100}, "я" * 32),
    ({"id": 2**53 - 1, "first_name": 'Quote " \\ <b>'}, 'Quote " \\ <b>'),
])
def test_the_name_shown_is_the_persons(with_telegram, user, name):
    answer = sign_in(with_telegram, telegram.init_data(user))
    assert answer.json()["user"] == {"id": str(user["id"]), "name": name}


@pytest.mark.parametrize("fields", [
    {}, {"query_id": "AAHdF6IQAAAAAN0XohDhrOrc"}, {"signature": "zL-ucjNyREiHDE8aihFwpfR9aggP2x"},
    {"chat_instance": "-3788475317572404878", "chat_type": "private", "start_param": "1,2,3"},
    {"something_new": "a=b&c d"}])
def test_any_fields_that_telegram_signs_are_accepted(with_telegram, fields):
    assert sign_in(with_telegram, telegram.init_data(ANNA, fields=fields)).status == 200


@pytest.mark.parametrize("init_data, code", [
    (lambda: telegram.init_data(ANNA, age_s=3700), "expired_init_data"),
    (lambda: telegram.init_data(ANNA, age_s=-300), "bad_init_data"),
    (lambda: telegram.init_data(ANNA, bot_token="1:another"), "bad_init_data"),
    (lambda: telegram.init_data(ANNA).replace("7342037359", "7342037358"), "bad_init_data"),
    (lambda: telegram.init_data(ANNA) + "&x=1", "bad_init_data"),
    (lambda: telegram.init_data(ANNA) + "&auth_date=1", "bad_init_data"),
    (lambda: telegram.init_data(ANNA).rpartition("&")[0], "bad_init_data"),
    (lambda: telegram.init_data({"first_name": "No id"}), "bad_init_data"),
    (lambda: telegram.init_data({"id": -1, "first_name": "Negative"}), "bad_init_data"),
    (lambda: "", "bad_init_data"),
    (lambda: "hash=00", "bad_init_data"),
    (lambda: "%zz", "bad_init_data"),
], ids=["stale", "future", "another bot", "changed", "added", "twice", "no hash", "no id",
        "negative id", "empty", "hash only", "broken escape"])
def test_anything_else_is_refused(with_telegram, init_data, code):
    check_error(sign_in(with_telegram, init_data()), 401, code)


@pytest.mark.parametrize("body", [{}, {"init_data": 1}, {"init_data": None}, [], "x",
                                  {"init_data": "", "more": 1}])
def test_a_bad_body_is_refused(with_telegram, body):
    answer = web.post(with_telegram.port, "/api/auth/telegram", body)
    check_error(answer, 400, "bad_request")


def test_the_age_of_init_data_is_configured(start_server):
    server = start_server(TELEGRAM_BOT_TOKEN=telegram.BOT_TOKEN, TELEGRAM_AUTH_AGE_S=60)
    assert sign_in(server, telegram.init_data(ANNA, age_s=50)).status == 200
    check_error(sign_in(server, telegram.init_data(ANNA, age_s=70)), 401, "expired_init_data")


def test_without_a_bot_token_telegram_is_off(shared, with_telegram):
    check_error(sign_in(shared, telegram.init_data(ANNA)), 403, "telegram_disabled")
    assert web.get(shared.port, "/api/canvas").json()["telegram"] is False
    assert web.get(with_telegram.port, "/api/canvas").json()["telegram"] is True


# --- Tokens -------------------------------------------------------------------------------------


def test_every_character_of_a_token_counts(shared):
    token = web.guest(shared.port)["token"]
    for at in range(len(token)):
        tampered = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert me(shared, tampered).status == 401, f"character {at} may be changed"
    for tampered in (token[:-1], token + "A", token + ".", token.upper(), token.replace("v1", "v2"),
                     token.rpartition(".")[0], token + "=", token.replace(".", "..", 1)):
        check_error(me(shared, tampered), 401, "bad_token")


def test_a_token_cannot_be_made_for_someone_else(shared):
    mine, other = (web.guest(shared.port)["token"].split(".") for _ in range(2))
    check_error(me(shared, ".".join([mine[0], other[1], mine[2]])), 401, "bad_token")
    body = base64.urlsafe_b64decode(mine[1] + "==")
    richer = body[:8] + (2**62).to_bytes(8, "little") + body[16:]
    forged = base64.urlsafe_b64encode(richer).decode().rstrip("=")
    check_error(me(shared, ".".join([mine[0], forged, mine[2]])), 401, "bad_token")


@pytest.mark.skipif(servers.FAST, reason="waits for the shortest life of a token, a minute")
def test_an_expired_token_is_refused_as_such(start_server):
    server = start_server(SESSION_TTL_S=60)
    guest = web.guest(server.port)
    assert me(server, guest["token"]).status == 200
    time.sleep(max(0, guest["expires_at_ms"] / 1000 - time.time()) + 0.5)
    check_error(me(server, guest["token"]), 401, "expired_token")

    async def over_a_socket():
        player = await client.Player(server.port).connect()
        player.token = guest["token"]
        answer = await player.sign_in()
        await player.close()
        return answer

    answer = asyncio.run(over_a_socket())
    assert (answer.message, answer.reason) == ("sign_in_refused", 2), answer


def test_keys_are_rotated_without_signing_anyone_out(start_server):
    server = start_server(APP_SECRET_KEY=KEY_A)
    by_a = web.guest(server.port)["token"]
    server.restart(APP_SECRET_KEY=f"{KEY_B},{KEY_A}")
    by_b = web.guest(server.port)["token"]
    assert me(server, by_a).status == 200, "the old key still verifies"
    server.restart(APP_SECRET_KEY=KEY_B)
    assert me(server, by_b).status == 200, "the first key signs"
    check_error(me(server, by_a), 401, "bad_token")


def test_a_random_key_is_a_visible_warning_and_ends_with_the_process(start_server):
    server = start_server(APP_SECRET_KEY=None)
    token = web.guest(server.port)["token"]
    assert me(server, token).status == 200
    warnings = [line for line in server.log().splitlines() if "APP_SECRET_KEY" in line]
    assert warnings, f"expected a warning that names APP_SECRET_KEY:\n{server.log()}"
    server.restart()
    check_error(me(server, token), 401, "bad_token")


def test_secrets_may_come_from_files(start_server, tmp_path):
    key, bot = tmp_path / "key", tmp_path / "bot"
    key.write_text(KEY_A + "\n")
    bot.write_text(telegram.BOT_TOKEN + "\n")
    server = start_server(APP_SECRET_KEY=None, APP_SECRET_KEY_FILE=key, TELEGRAM_BOT_TOKEN_FILE=bot,
                          APP_ENV="production")
    token = sign_in(server, telegram.init_data(ANNA)).json()["token"]
    server.restart(APP_SECRET_KEY=KEY_A, APP_SECRET_KEY_FILE=None)
    assert me(server, token).status == 200, "the file's last line end is no part of the key"


def test_no_secret_is_ever_in_the_log(start_server):
    server = start_server(APP_SECRET_KEY=f"{KEY_A},{KEY_B}", TELEGRAM_BOT_TOKEN=telegram.BOT_TOKEN,
                          LOG_LEVEL="debug")
    good, bad = telegram.init_data(ANNA), telegram.init_data(ANNA, bot_token="1:x")
    token = sign_in(server, good).json()["token"]
    sign_in(server, bad)
    web.place(server.port, token, 1, 1, 1, key="idempotency-key-1")
    web.place(server.port, token + "x", 1, 1, 1)
    web.get(server.port, f"/api/me?token={token}")

    async def play():
        player = await client.Player(server.port, token).connect()
        await player.place(2, 2, 2)
        player.token = token[:-1]
        await player.sign_in()
        await player.close()

    asyncio.run(play())
    server.restart()
    log = server.log()
    for secret in (KEY_A, KEY_B, telegram.BOT_TOKEN, token, token.split(".")[2], good, bad,
                   re.search("hash=([0-9a-f]+)", good).group(1)):
        assert secret not in log, f"a secret is in the log: {secret[:12]}…"


# --- The start ----------------------------------------------------------------------------------


def test_production_without_a_key_stops_the_start(tmp_path):
    ended = servers.run(tmp_path, APP_ENV="production", APP_SECRET_KEY=None)
    assert ended.returncode not in (0, None) and ended.returncode > 0
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert len(lines) == 1 and "APP_SECRET_KEY" in lines[0], f"expected one clear line: {lines}"


BAD_SETTINGS = [
    ("PORT", "x"), ("PORT", "-1"), ("PORT", "65536"), ("PORT", "80 "),
    ("HOST", "no address"), ("THREADS", "0"), ("THREADS", "65"), ("THREADS", "1.5"),
    ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("APP_ENV", "prod"), ("APP_SECRET_KEY", "short"),
    ("APP_SECRET_KEY", f"{KEY_A},short"), ("SESSION_TTL_S", "59"), ("SESSION_TTL_S", "31536001"),
    ("TELEGRAM_AUTH_AGE_S", "59"), ("TELEGRAM_AUTH_AGE_S", "1h"), ("GUESTS", "maybe"),
    ("REPLICA_NAME", "r" * 65), ("REPLICA_NAME", "line\nbreak"), ("CANVAS_NAME", "n" * 65),
    ("CANVAS_WIDTH", "15"), ("CANVAS_WIDTH", "4097"), ("CANVAS_WIDTH", "100.0"),
    ("CANVAS_HEIGHT", "0"), ("CANVAS_HEIGHT", "99999999999999999999"), ("CANVAS_FROZEN", "2"),
    ("COOLDOWN_MS", "-1"), ("COOLDOWN_MS", "86400001"), ("COOLDOWN_MS", "5s"),
    ("CHARGES_MAX", "0"), ("CHARGES_MAX", "1001"), ("TICK_MS_MAX", "19"), ("TICK_MS_MAX", "5001"),
    ("CONNECTIONS_MAX", "9"), ("CONNECTIONS_MAX", "1000001"), ("CONNECTIONS_PER_ADDRESS_MAX", "-1"),
    ("RATE_LIMIT_PER_ADDRESS", "-1"), ("RATE_LIMIT_PER_ADDRESS", "many"),
    ("TRUSTED_PROXIES", "here"), ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", "10.0.0.1,,"), ("ALLOWED_ORIGINS", "example.org"),
    ("DRAIN_UNREADY_MS", "60001"), ("DRAIN_LIMIT_MS", "99"),
    ("TELEGRAM_BOT_TOKEN_FILE", "/no/such/file"), ("APP_SECRET_KEY_FILE", "/no/such/file"),
]  # fmt: skip


@pytest.mark.parametrize("name, value", BAD_SETTINGS)
def test_a_bad_value_stops_the_start_with_one_line_that_names_it(tmp_path, name, value):
    settings = {"PORT": "0", name: value}
    if name.endswith("_FILE"):
        settings[name.removesuffix("_FILE")] = None
    ended = servers.run(tmp_path, **settings)
    assert ended.returncode > 0, f"expected the start to fail, got {ended.returncode}"
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert len(lines) == 1, f"expected one line, got {lines}"
    assert name in lines[0] or "--" + name.lower().replace("_", "-") in lines[0], lines[0]
    if name == "APP_SECRET_KEY":
        assert value not in lines[0] and "short" not in lines[0].split(), "a secret is shown"


@pytest.mark.parametrize("flag, value", [("--port", "x"), ("--cooldown-ms", "-1"),
                                         ("--canvas-width", "15")])
def test_a_bad_flag_stops_the_start_likewise(tmp_path, flag, value):
    ended = servers.run(tmp_path, flag, value)
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert ended.returncode > 0 and len(lines) == 1
    assert flag in lines[0] or flag[2:].replace("-", "_").upper() in lines[0], lines[0]


@pytest.mark.parametrize("argument", ["--no-such-flag", "stray"])
def test_an_unknown_argument_stops_the_start(tmp_path, argument):
    ended = servers.run(tmp_path, argument)
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert ended.returncode > 0 and len(lines) == 1 and "--help" in lines[0], lines


def test_help_prints_every_option_of_the_table(tmp_path):
    table = (servers.ROOT / "docs/configuration.md").read_text().partition("## counter-app")[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|([^|]*)\|", table, re.M)
    assert len(rows) > 25
    ended = servers.run(tmp_path, "--help")
    assert ended.returncode == 0 and ended.stderr == ""
    for name, default, allowed in rows:
        [line] = re.findall(rf"^ *{name}\b.*$", ended.stdout, re.M) or [""]
        assert line, f"--help does not name {name}"
        for number in re.findall(r"\b\d+\b", default + allowed):
            assert number in line, f"the table says {number}, but --help says: {line}"


def test_the_flag_wins_over_the_environment(start_server, tmp_path):
    server = servers.Server(tmp_path, arguments=["--cooldown-ms", "1234", "--charges-max=7"],
                            COOLDOWN_MS=1, CHARGES_MAX=2).start()
    canvas = web.get(server.port, "/api/canvas").json()
    server.close()
    assert (canvas["cooldown_ms"], canvas["charges_max"]) == (1234, 7)


def test_the_canvas_may_grow_and_never_shrinks(start_server):
    server = start_server(CANVAS_WIDTH=64, CANVAS_HEIGHT=32)
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 63, 31, 5).status == 201
    server.restart(CANVAS_WIDTH=100, CANVAS_HEIGHT=40)
    taken = web.snapshot(server.port)
    assert (taken.width, taken.height, taken.board[31 * 100 + 63]) == (100, 40, 5)
    assert taken.board.count(31) == 100 * 40 - 1, "what is new is white"
    assert web.place(server.port, token, 99, 39, 6).status == 201
    assert server.stop() == 0
    ended = servers.run(server.data_dir, CANVAS_WIDTH=64, CANVAS_HEIGHT=40,
                        DATA_DIR=server.data_dir, PORT=0)
    assert ended.returncode > 0, "expected a smaller canvas to stop the start"
    assert "CANVAS_WIDTH" in ended.stderr + ended.stdout or "shrink" in ended.stderr + ended.stdout
    server.start()


def test_one_data_folder_has_one_server(start_server):
    server = start_server()
    ended = servers.run(server.folder, DATA_DIR=server.data_dir, PORT=0)
    assert ended.returncode > 0, "expected the second server on one folder to stop"
    assert web.get(server.port, "/health/ready").status == 200, "and the first to go on"


def test_a_port_in_use_stops_the_start_with_one_line(shared, tmp_path):
    """Another program's port: servers of ours may share one among their threads."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = servers.run(tmp_path, PORT=port)
    assert ended.returncode > 0
    assert str(port) in ended.stderr + ended.stdout


def test_port_0_listens_on_a_free_port_and_prints_it(tmp_path):
    server = servers.Server(tmp_path, PORT="0")
    server.start(ready=False)
    end, found = time.monotonic() + 10, None
    while found is None and time.monotonic() < end:
        for number in set(re.findall(r"(?<![\d.])(\d{4,5})(?![\d.])", server.log())):
            try:
                if web.get(int(number), "/health", timeout=1).headers["x-served-by"] == "black-box":
                    found = int(number)
            except (OSError, KeyError):
                pass
        time.sleep(0.02)
    server.close()
    assert found, f"no port in the log answers:\n{server.log()}"
