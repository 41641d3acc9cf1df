"""Charges: no way of asking, in parallel, again, elsewhere or later, gives more than the rules."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import client
import codec
import journal
import pytest
import telegram
import web

HOUR_MS = 3_600_000
ANNA = {"id": 7342037359, "first_name": "Анна", "last_name": "Петрова"}


def in_parallel(functions):
    """Runs all of them at one instant; their results."""
    gate = threading.Barrier(len(functions))

    def run(function):
        gate.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def telegram_token(port, user=ANNA):
    answer = web.post(port, "/api/auth/telegram", {"init_data": telegram.init_data(user)})
    assert answer.status == 200, f"Telegram sign-in: expected 200, got {answer}"
    return answer.json()["token"]


@pytest.fixture
def hourly(start_server):
    """A charge an hour, five at most: whatever is spent stays spent for the test."""
    return start_server(COOLDOWN_MS=HOUR_MS, CHARGES_MAX=5,
                        TELEGRAM_BOT_TOKEN=telegram.BOT_TOKEN)


def test_a_hundred_parallel_posts_spend_exactly_the_charges(hourly):
    token = web.guest(hourly.port)["token"]
    answers = in_parallel([lambda n=n: web.place(hourly.port, token, n % 64, n // 64, 1, timeout=60)
                           for n in range(100)])
    accepted = [answer for answer in answers if answer.status == 201]
    others = {(answer.status, answer.code()) for answer in answers if answer.status != 201}
    assert len(accepted) == 5, f"expected 5 accepted of 100, got {len(accepted)}"
    assert others <= {(429, "cooldown"), (429, "rate_limited"), (503, "busy")}, others
    assert sorted(answer.json()["charges"] for answer in accepted) == [0, 1, 2, 3, 4]
    assert len(journal.entries_of(hourly.data_dir)) == 5, "the journal holds what was accepted"


def test_a_refusal_says_how_long_to_wait(hourly):
    token = web.guest(hourly.port)["token"]
    for n in range(5):
        answer = web.place(hourly.port, token, n, 0, 1)
        assert answer.status == 201
        assert 0 < answer.json()["next_charge_ms"] <= HOUR_MS
    refused = web.place(hourly.port, token, 9, 0, 1)
    assert (refused.status, refused.code()) == (429, "cooldown")
    error = refused.json()["error"]
    assert error["charges"] == 0
    assert HOUR_MS - 60_000 < error["wait_ms"] <= HOUR_MS, "the first charge comes back in an hour"
    assert abs(int(refused.headers["retry-after"]) * 1000 - error["wait_ms"]) <= 1000
    me = web.get(hourly.port, "/api/me", web.bearer(token)).json()
    assert me["charges"] == 0 and 0 < me["next_charge_ms"] <= HOUR_MS


def test_charges_are_each_persons_own(hourly):
    tokens = [web.guest(hourly.port)["token"] for _ in range(4)]
    answers = in_parallel([lambda t=t, n=n: web.place(hourly.port, t, n, 0, 1)
                           for t in tokens for n in range(6)])
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [201] * 20 + [429] * 4, "expected 5 of 6 accepted for each of 4 persons"


def test_reconnecting_and_other_tokens_gain_nothing(hourly):
    async def place_once(token, n):
        player = await client.Player(hourly.port, token).connect()
        answer = await player.place(n, 1, 1)
        await player.close()
        return answer

    async def story():
        answers = []
        for n in range(12):  # twelve connections, twelve tokens, twelve producers, one person
            token = await asyncio.to_thread(telegram_token, hourly.port)
            answers.append(await place_once(token, n))
        return answers

    answers = asyncio.run(story())
    assert [answer.message for answer in answers] == ["accepted"] * 5 + ["refused"] * 7
    assert {answer.reason for answer in answers[5:]} == {codec.REASON["cooldown"]}
    assert all(0 < answer.wait_ms <= HOUR_MS and answer.charges == 0 for answer in answers[5:])


def test_http_and_many_sockets_at_once_share_the_charges(hourly):
    tokens = [telegram_token(hourly.port) for _ in range(2)]

    async def story():
        players = await asyncio.gather(
            *(client.Player(hourly.port, tokens[n % 2]).connect() for n in range(10)))
        over_http = [asyncio.to_thread(web.place, hourly.port, tokens[n % 2], n, 2, 1)
                     for n in range(10)]
        over_sockets = [player.place(n, 3, 1) for n, player in enumerate(players)]
        answers = await asyncio.gather(*over_sockets, *over_http)
        await client.close_all(players)
        return answers

    answers = asyncio.run(story())
    over_sockets = sum(answer.message == "accepted" for answer in answers[:10])
    over_http = sum(answer.status == 201 for answer in answers[10:])
    assert over_sockets + over_http == 5, \
        f"expected 5 accepted in all, got {over_sockets} by socket and {over_http} by HTTP"
    assert len(journal.entries_of(hourly.data_dir)) == 5


@pytest.mark.parametrize("end", ["restart", "kill -9"])
def test_what_is_spent_stays_spent_after(end, hourly):
    token = web.guest(hourly.port)["token"]
    for n in range(4):
        assert web.place(hourly.port, token, n, 0, 1).status == 201
    if end == "restart":
        hourly.restart()
    else:
        hourly.kill()
        hourly.start()
    me = web.get(hourly.port, "/api/me", web.bearer(token)).json()
    assert me["charges"] == 1, "expected the one charge that was left"
    assert web.place(hourly.port, token, 8, 0, 1).status == 201
    assert web.place(hourly.port, token, 9, 0, 1).status == 429


def test_charges_come_back_one_by_one_after_the_cooldown(start_server):
    cooldown_ms = 600
    server = start_server(COOLDOWN_MS=cooldown_ms, CHARGES_MAX=3)
    token = web.guest(server.port)["token"]

    async def story():
        player = await client.Player(server.port, token).connect()
        started = time.monotonic()
        accepted = 0
        while time.monotonic() < started + 3:
            answer = await player.place(accepted % 64, 0, 1)
            if answer.message == "accepted":
                accepted += 1
            else:
                assert 0 < answer.wait_ms <= cooldown_ms
                await asyncio.sleep(answer.wait_ms / 1000)  # the server's own word
        took_ms = (time.monotonic() - started) * 1000
        await player.close()
        return accepted, took_ms

    accepted, took_ms = asyncio.run(story())
    most = 3 + int(took_ms // cooldown_ms)
    assert most - 2 <= accepted <= most, f"expected about {most} accepted in {took_ms:.0f} ms"


def test_all_charges_come_back_and_no_more_than_all(start_server):
    server = start_server(COOLDOWN_MS=100, CHARGES_MAX=3)
    token = web.guest(server.port)["token"]
    for n in range(3):
        assert web.place(server.port, token, n, 0, 1).status == 201
    end = time.monotonic() + 10
    while (me := web.get(server.port, "/api/me", web.bearer(token)).json())["next_charge_ms"]:
        assert time.monotonic() < end, "the charges do not come back"
        time.sleep(me["next_charge_ms"] / 1000)  # the server's own word
    assert me["charges"] == 3, "expected all charges and no more"


def test_no_cooldown_means_all_charges_always(server):
    token = web.guest(server.port)["token"]
    for n in range(10):
        answer = web.place(server.port, token, n, 0, 1)
        assert (answer.status, answer.json()["next_charge_ms"]) == (201, 0)
        assert answer.json()["charges"] == 5


def test_a_refused_placement_changes_nothing(hourly):
    token = web.guest(hourly.port)["token"]
    assert web.place(hourly.port, token, 64, 0, 1).status == 400
    assert web.place(hourly.port, token, 0, 0, 32).status == 400
    me = web.get(hourly.port, "/api/me", web.bearer(token)).json()
    assert me["charges"] == 5, "a refused placement costs no charge"
    assert web.snapshot(hourly.port).offset == 0


# --- Exactly once -------------------------------------------------------------------------------


def test_one_idempotency_key_in_parallel_is_one_placement(hourly):
    token = web.guest(hourly.port)["token"]
    answers = in_parallel([lambda: web.place(hourly.port, token, 7, 7, 7, key="the-same")
                           for _ in range(12)])
    assert {answer.status for answer in answers} == {201}, "every repeat gets the first answer"
    assert {answer.json()["offset"] for answer in answers} == {1}
    me = web.get(hourly.port, "/api/me", web.bearer(token)).json()
    assert me["charges"] == 4, "expected one charge spent by twelve repeats"


def test_the_first_answer_is_given_whatever_is_asked_again(hourly):
    token = web.guest(hourly.port)["token"]
    first = web.place(hourly.port, token, 1, 1, 1, key="k").json()
    again = web.place(hourly.port, token, 2, 2, 2, key="k").json()
    assert (again["epoch"], again["offset"]) == (first["epoch"], first["offset"])
    board = web.snapshot(hourly.port, min_offset=1).board
    assert board[1 * 64 + 1] == 1 and board[2 * 64 + 2] == journal.BLANK


def test_a_key_is_the_persons_own(hourly):
    for expected in (1, 2):
        token = web.guest(hourly.port)["token"]
        assert web.place(hourly.port, token, 0, 0, 1, key="k").json()["offset"] == expected


def test_a_key_answers_even_when_no_charge_is_left(hourly):
    token = web.guest(hourly.port)["token"]
    for n in range(5):
        assert web.place(hourly.port, token, n, 0, 1, key=f"k{n}").status == 201
    again = web.place(hourly.port, token, 0, 0, 1, key="k0")
    assert (again.status, again.json()["offset"]) == (201, 1)
    hourly.restart()
    again = web.place(hourly.port, token, 4, 0, 1, key="k4")
    assert (again.status, again.json()["offset"]) == (201, 5), "also after a restart"


def test_a_refusal_is_not_remembered_under_its_key(start_server):
    server = start_server(COOLDOWN_MS=300, CHARGES_MAX=1)
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 0, 0, 1).status == 201
    refused = web.place(server.port, token, 1, 0, 1, key="later")
    assert refused.status == 429
    time.sleep(refused.json()["error"]["wait_ms"] / 1000)  # the server's own word
    assert web.place(server.port, token, 1, 0, 1, key="later").status == 201


def test_a_repeated_sequence_gets_its_first_answer_and_an_old_one_is_stale(server):
    async def story():
        token = web.guest(server.port)["token"]
        player = await client.Player(server.port, token).connect()
        first = [await player.place(n, 0, 1) for n in range(12)]
        assert [answer.offset for answer in first] == list(range(1, 13))

        async def ask(sequence, x):
            player.unanswered[sequence] = client.Placement(sequence, x, 5, 2)
            player.send("place", sequence=sequence, x=x, y=5, color=2)
            return await player.expect("accepted", "refused")

        player.inbox.clear()
        for sequence in range(5, 13):  # the last eight are remembered
            answer = await ask(sequence, 1)
            assert (answer.message, answer.sequence) == ("accepted", sequence), answer
            assert answer.offset == sequence, "expected the first answer"
        for sequence in (1, 4):
            answer = await ask(sequence, 1)
            assert (answer.message, getattr(answer, "reason", None)) == \
                ("refused", codec.REASON["stale"]), f"sequence {sequence}: {answer}"
        assert (await ask(20, 1)).offset == 13, "sequences may skip"
        assert (await ask(19, 1)).reason == codec.REASON["stale"], "but never go back"
        await player.close()

    asyncio.run(story())
    assert len(journal.entries_of(server.data_dir)) == 13, "expected repeats to write nothing"
