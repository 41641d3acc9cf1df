"""What survives: kill -9 with the AOF always, a restart, a replica, another version beside it."""

import random
import subprocess
import threading
import time

import pytest
import redis

import formats
import redis_server
from formats import Operation
from hot_journal import FAR_MS, HotJournal

LIMIT_S = 30


def until(holds):
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def load(client, text=None, replace=True):
    words = ["FUNCTION", "LOAD"] + (["REPLACE"] if replace else [])
    return client.execute_command(*words, text or formats.library())


def chain_of(journal):
    """The log's records, checked to be one history from the beginning."""
    log = journal.log()
    digest, base, board = log[0][1].digest, log[0][1].base, bytearray(b"\x1f") * (64 * 64)
    for name, record in log[1:]:
        assert (record.base, record.base_digest) == (base, digest)
        assert record == formats.chained(1, base, digest, record.time_ms, record.operations)
        assert name == record.stream_id()
        digest, base = record.digest, record.last
        for op in record.operations:
            board[op.y * 64 + op.x] = op.color
    assert journal.snapshot() == ((1, base, digest), bytes(board))
    return [record for _, record in log[1:]]


def test_nothing_acknowledged_is_lost_and_nothing_happens_twice_across_kills(start_redis):
    """Callers send batches, and send what was not answered again, while Redis is killed."""
    server = start_redis(appendfsync="always")
    load(server.client())
    HotJournal(server.client()).open()
    acknowledged, stop, problems = {}, threading.Event(), []

    def caller(person):
        random_, sequence, waiting, journal = random.Random(person), 0, [], None
        while waiting or not stop.is_set():
            if not waiting:
                waiting = [Operation(person, person, sequence + i, random_.randrange(64),
                                     random_.randrange(64), random_.randrange(32))
                           for i in range(1, random_.randint(2, 8))]
                sequence += len(waiting)
            try:
                journal = journal or HotJournal(server.client())
                for op, answer in zip(waiting, journal.append(*waiting)[0]):
                    acknowledged[person, op.sequence] = answer
                waiting = []
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                journal = None
                time.sleep(0.005)
            except Exception as problem:
                problems.append(problem)
                return

    threads = [threading.Thread(target=caller, args=(person,)) for person in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        seen = len(acknowledged)
        until(lambda: len(acknowledged) > seen + 150 or problems)
        server.kill()
        server.start()
    stop.set()
    for thread in threads:
        thread.join()
    assert not problems

    journal = HotJournal(server.client())
    found = {}
    for record in chain_of(journal):
        for offset, op in enumerate(record.operations, record.base + 1):
            assert (op.person, op.sequence) not in found, "it happened twice"
            found[op.person, op.sequence] = offset
    assert {who: answer.offset for who, answer in acknowledged.items()} == found
    assert {answer.status for answer in acknowledged.values()} == {0}


def test_the_library_windows_and_buckets_survive_a_restart(start_redis):
    server = start_redis()
    load(server.client())
    journal = HotJournal(server.client())
    journal.open(cooldown_ms=3_600_000, charges_max=2)
    journal.set_time(FAR_MS)
    op = Operation(5, 2**64 - 1, 1, 1, 1)
    first = journal.append(op)[0]
    kept = journal.everything()
    for end in (server.kill, server.stop):
        end()
        server.start()
        journal = HotJournal(server.client())
        assert journal.everything() == kept
        assert journal.append(op) == (first, None)
        assert journal.charges(5) == (1, 3_600_000)
        kept = journal.everything()


@pytest.fixture(scope="module")
def pair(start_redis):
    master = start_redis()
    load(master.client())
    replica = start_redis(replicaof=f"127.0.0.1 {master.port}")
    until(lambda: replica.client().info("replication")["master_link_status"] == "up")
    return master, replica


def test_a_replica_holds_the_same_and_goes_on_after_its_promotion(pair):
    master, replica = pair
    journal, copy = HotJournal(master.client()), HotJournal(replica.client())
    state = journal.open(cooldown_ms=1000, charges_max=4)
    random_ = random.Random(7)
    for n in range(1, 60):
        journal.append(*(Operation(person, person, n, random_.randrange(64), random_.randrange(64))
                         for person in range(1, 12)))
    last = Operation(700, 99, 1, 0, 0)
    first = journal.append(last)[0]
    assert journal.client.execute_command("WAIT", 1, 10_000) == 1
    assert copy.everything() == journal.everything()
    assert copy.snapshot() == journal.snapshot()

    for call in (copy.state, lambda: copy.append(last), copy.open):
        with pytest.raises(redis.exceptions.ResponseError):
            call()
    with pytest.raises(redis.exceptions.ReadOnlyError):
        copy.state()

    master.kill()
    copy.client.execute_command("REPLICAOF", "NO", "ONE")
    now = copy.state()
    assert now.replid != state.replid, "who compares it sees that the master is another"
    assert copy.append(last) == (first, None)
    assert copy.append(Operation(500, 1, 1, 0, 0))[1].base == now.offset


def test_a_master_that_lost_its_replicas_applies_nothing(start_redis):
    server = start_redis()
    load(server.client())
    journal = HotJournal(server.client())
    journal.open()
    server.client().config_set("min-replicas-to-write", 1)
    kept = journal.everything()
    with pytest.raises(redis.exceptions.ResponseError, match="NOREPLICAS"):
        journal.append(Operation(1, 1, 1, 0, 0))
    assert journal.everything() == kept


def test_without_memory_nothing_is_applied_but_the_log_can_be_trimmed(start_redis):
    server = start_redis()
    load(server.client())
    journal = HotJournal(server.client())
    journal.open()
    journal.append(Operation(1, 1, 1, 0, 0))
    server.client().config_set("maxmemory", 1)
    kept = journal.everything()
    with pytest.raises(redis.exceptions.ResponseError):
        journal.append(Operation(1, 1, 2, 0, 0))
    assert journal.everything() == kept
    assert journal.snapshot()[0][1] == 1
    assert journal.trim(1, 1) == 2


def test_a_node_of_a_cluster_takes_it(start_redis):
    server = start_redis(cluster_enabled="yes", cluster_port=redis_server.free_port())
    client = server.client()
    client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    until(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
    load(client)
    journal = HotJournal(client)
    journal.open(cooldown_ms=1000)
    first = journal.append(Operation(1, 1, 1, 0, 0))[0]
    assert journal.append(Operation(1, 1, 1, 0, 0)) == (first, None)
    assert journal.rules(2000, 3) == 2 and journal.charges(1)[0] == 2
    assert journal.settings(4000, 3) == 3 and journal.ban(-7) == 1 and journal.bans() == [-7]
    assert journal.append(Operation(-7, 1, 1, 0, 0))[0][0].status == 9
    assert journal.end_epoch(1, 7, "0" * 16) == ("ended", 2) and journal.trim(1, 0) == 1
    client.delete(journal.key("board"))
    assert journal.offer("a", 1, 1) == ("wait",)
    until(lambda: journal.offer("a", 1, 1, wait_ms=50) == ("adopt",))
    assert journal.adopt("a", (1, 1, "0" * 16), b"x" * 4096) == ("adopted", 3)
    slots = {client.execute_command("CLUSTER", "KEYSLOT", key) for key in client.keys("*")}
    assert len(slots) == 1


def test_it_loads_twice_and_next_to_another_version(journal):
    client = journal.client
    assert load(client) == load(client) == b"pixel_battle_v1"
    with pytest.raises(redis.exceptions.ResponseError, match="already exists"):
        load(client, replace=False)
    text = formats.library().replace("name=pixel_battle_v1", "name=pixel_battle_v2")
    try:
        assert load(client, text.replace("'pb1_", "'pb2_")) == b"pixel_battle_v2"
        later = HotJournal(client, names="pb2_")
        journal.open()
        first = journal.append(Operation(1, 1, 1, 0, 0))[0]
        assert later.append(Operation(1, 1, 1, 0, 0)) == (first, None)
        assert later.append(Operation(1, 1, 2, 0, 0))[0][0].offset == 2
        assert journal.append(Operation(1, 1, 3, 0, 0))[0][0].offset == 3
    finally:
        client.execute_command("FUNCTION", "DELETE", "pixel_battle_v2")


def test_every_function_of_the_specification_is_registered(journal):
    listed = journal.client.execute_command("FUNCTION", "LIST", "LIBRARYNAME", "pixel_battle_v1")
    fields = dict(zip(listed[0][::2], listed[0][1::2]))
    functions = {f[1].decode(): {flag.decode() for flag in f[5]} for f in fields[b"functions"]}
    table = (formats.ROOT / "docs/redis.md").read_text(encoding="utf-8")
    specified = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `pb1_")}
    assert set(functions) == specified
    reading = {"pb1_state", "pb1_snapshot", "pb1_charges", "pb1_bans"}
    assert {name for name, flags in functions.items() if "no-writes" in flags} == reading


def test_redis_itself_finds_the_aof_sound(start_redis):
    server = start_redis()
    load(server.client())
    journal = HotJournal(server.client())
    journal.open()
    journal.append(Operation(1, 1, 1, 0, 0))
    server.kill()
    manifest = next(server.folder.glob("appendonlydir/*.manifest"))
    checked = subprocess.run(["redis-check-aof", manifest], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
