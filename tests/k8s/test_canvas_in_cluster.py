"""Pixel Battle in a real cluster: every kubectl command of the documents, with people beside.

They draw from the first test on to the last but one, which looks at their account: nothing that
was acknowledged is lost, no request failed, and whoever was sent away came back where they were.
The tests are one story and run in this order.
"""

import json
import os
import re
import shlex
import subprocess
import types

import pytest

import cluster as clusters
import manifests
import pods
from test_crash import check_against_journal

BACKEND, REDIS = "pixel-battle-backend", "pixel-battle-redis-0"
PASSWORD = "only for this test"
SECRET = ("postgresql+asyncpg://pixel_battle:only%20for%20this%20test@pixel-battle-postgres:5432/"
          "pixel_battle", "", "a key that only this test knows")
# A load from one address, without waiting.
OPEN = ("COOLDOWN_MS=0 RATE_LIMIT_PER_ADDRESS=0 GUEST_LIMIT_PER_ADDRESS=0 "
        "CONNECTIONS_PER_ADDRESS_MAX=0")


@pytest.fixture(scope="module")
def people(cluster):
    """Who draw; begins when the servers serve."""
    return pods.Load(cluster, "canvas", BACKEND, 8000).start()


def check_unharmed(people):
    """Everybody is live, and nobody was refused or failed."""
    now = people.until(lambda now: now["live"] == 20, "everybody to be live again")
    now = people.goes_on()
    assert now["failed"] == 0 and now["refused"] == 0, now
    assert now["reloaded"] == 0, f"whoever was sent away resumes: {now}"
    return now


def image_of(pod):
    return pod["spec"]["containers"][0]["image"]


def fill_in(command, *values):
    """In place of the dots."""
    for value in values:
        assert '="' in command and "..." in command
        command = re.sub(r'"[^"]*\.\.\."', lambda _: shlex.quote(value), command, count=1)
    return command


def test_secret_and_apply(cluster, commands):
    create, apply = commands["PostgreSQL to try it out"]
    cluster.run(fill_in(create, PASSWORD))
    cluster.run(apply)
    [create] = commands["Secret"]
    cluster.run(fill_in(create, *SECRET))
    for line in commands["Manifests"]:
        cluster.run(line)
    *wait, current = commands["Waiting until it serves"]
    for line in wait:
        cluster.run(line)
    assert "0002 (head)" in cluster.run(current)
    cluster.until_ready(BACKEND, 2)  # the autoscaler's least


def test_applying_again_changes_nothing(cluster, commands):
    before = cluster.revisions()
    for line in commands["Manifests"]:
        cluster.run(line)
    assert cluster.revisions() == before


def test_looking(cluster, commands):
    show, logs, use = commands["Looking at it"]
    assert cluster.run(show).count(BACKEND) == 2
    cluster.follow(logs, '"serving"')
    clusters.eventually(lambda: BACKEND in cluster.run(use, check=False).stdout,
                        "what the pods use")
    cluster.run(f"kubectl set env deployment/{BACKEND} {OPEN}")
    cluster.until_rolled_out(f"deployment/{BACKEND}")


def test_scaling_under_load(cluster, commands, people):
    """The autoscaler would take away at once what is idle; so it is told to leave five."""
    [scale] = commands["Scaling"]
    five, two = commands["Bounds of the autoscaler"]
    cluster.run(scale)
    cluster.run(five)
    ready = clusters.eventually(lambda: len(now := cluster.ready(BACKEND)) == 5 and now,
                                lambda: cluster.described(BACKEND))
    people.until(lambda now: ready <= set(now["served_by"]), "every new one to get traffic")
    check_unharmed(people)
    cluster.run(two)
    clusters.eventually(lambda: len(cluster.ready(BACKEND)) < 5,
                        "the autoscaler to take away what is idle", 900)
    check_unharmed(people)


def test_restart_under_load(cluster, commands, people):
    before = cluster.ready(BACKEND)
    [command] = commands["Restart"]
    cluster.run(command)
    cluster.until_rolled_out(f"deployment/{BACKEND}")
    clusters.eventually(lambda: not before & {pod["metadata"]["name"]
                                              for pod in cluster.pods(BACKEND)}, "the old to go")
    assert check_unharmed(people)["resumed"] >= 20, "everyone was sent away at least once"


def test_update_under_load(cluster, commands, people):
    [command] = commands["Update"]
    cluster.run(command)
    cluster.until_rolled_out(f"deployment/{BACKEND}")
    new = clusters.image("pixel-battle-backend:new-version")
    assert {image_of(pod) for pod in cluster.pods(BACKEND)
            if "deletionTimestamp" not in pod["metadata"]} == {new}
    check_unharmed(people)


@pytest.mark.parametrize("bad", ["pixel-battle-backend:there-is-none", "redis:7"])
def test_a_bad_image_replaces_nobody(cluster, commands, people, bad):
    """One that cannot be pulled, and one that does not hold a server."""
    clusters.eventually(lambda: len(cluster.pods(BACKEND)) == len(cluster.ready(BACKEND)), "calm")
    good = cluster.ready(BACKEND)
    cluster.run(f"kubectl set image deployment/{BACKEND} backend={bad}")

    def is_stuck():
        states = [one.get("state", {}) for pod in cluster.pods(BACKEND)
                  if image_of(pod) == clusters.with_image(f"x={bad}")[2:]
                  for one in pod["status"].get("containerStatuses", [])]
        return any(state.get("waiting", {}).get("reason") in
                   ("ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff") for state in states)

    clusters.eventually(is_stuck, lambda: cluster.described(BACKEND))
    check_unharmed(people)
    assert good <= cluster.ready(BACKEND)
    [undo] = commands["Going back"]
    cluster.run(undo)
    cluster.until_rolled_out(f"deployment/{BACKEND}")
    assert good <= cluster.ready(BACKEND)
    check_unharmed(people)


def test_a_drain_respects_the_budget(cluster, people):
    """All pods of a node are asked to go at once; one goes, and the next when that is replaced."""
    clusters.eventually(lambda: len(cluster.pods(BACKEND)) == len(cluster.ready(BACKEND)), "calm")
    there = cluster.pods(BACKEND)
    node, least = there[0]["spec"]["nodeName"], len(there) - 1
    drain = subprocess.Popen(
        cluster.command(f"kubectl drain {node} --pod-selector=app={BACKEND} --ignore-daemonsets "
                        "--delete-emptydir-data --timeout=40s"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    try:
        clusters.eventually(lambda: any("deletionTimestamp" in pod["metadata"]
                                        for pod in cluster.pods(BACKEND)), "one to go")
        while drain.poll() is None:
            assert len(cluster.ready(BACKEND)) >= least
    finally:
        said = drain.communicate()[0]
        cluster.run(f"kubectl uncordon {node}")
    assert drain.returncode == 0 or "disruption budget" in said, said
    clusters.eventually(lambda: len(cluster.ready(BACKEND)) > least, "a replacement")
    check_unharmed(people)


def test_the_autoscaler_follows_the_load(cluster, commands, people):
    [look] = commands["Looking at the autoscaler"]
    cluster.until_ready(BACKEND, 2)
    crowd = pods.Crowd(cluster, BACKEND, 8000).start()
    most = clusters.eventually(lambda: len(now := cluster.ready(BACKEND)) > 2 and len(now),
                               lambda: cluster.run(look))
    print(f"\n{most} servers:\n{cluster.run(look)}{crowd.end()}")
    check_unharmed(people)
    clusters.eventually(lambda: len(cluster.ready(BACKEND)) == 2,
                        lambda: cluster.run(look), 900)
    check_unharmed(people)


def test_redis_killed_loses_nothing(cluster, people):
    before = people.now()
    cluster.run(f"kubectl delete pod {REDIS} --grace-period=0 --force")
    cluster.until_rolled_out("statefulset/pixel-battle-redis")
    people.until(lambda now: now["live"] == 20, "everybody to be live again")
    now = people.goes_on()
    assert now["failed"] == 0, f"an outage is told as 503 with Retry-After: {now}"
    assert now["reloaded"] == before["reloaded"], "nothing was lost, so the epoch stays"


def test_the_account_of_all_of_it(cluster, commands, people):
    result = people.end()
    print({name: value for name, value in result.items() if name != "players"})
    problems = [problem for player in result["players"] for problem in player["problems"]]
    assert not problems, problems[:5]
    players = [types.SimpleNamespace(person=player["person"], accepted=[
        types.SimpleNamespace(x=x, y=y, color=color, answer=types.SimpleNamespace(offset=offset))
        for x, y, color, offset in player["accepted"]]) for player in result["players"]]
    accepted = [one.answer.offset for player in players for one in player.accepted]
    entries = clusters.history(cluster, max(accepted))
    ours = {player.person for player in players}
    landed = [entry.offset for entry in entries if entry.person in ours]
    assert landed == sorted(accepted), "something landed that nobody was told of"
    check_against_journal(players, entries)
    boards = {player["board"] for player in result["players"] if player["board"]}
    assert boards == {clusters.board_sha1(cluster)}, "everybody sees what Redis holds"
    [verify] = commands["Checking the history"]
    assert "the live board is the same" in cluster.run(verify)


def test_backup_and_restore(cluster, commands, tmp_path):
    environment = os.environ | {"KUBECTL": " ".join([*clusters.KUBECTL, "--namespace",
                                                     cluster.namespace])}

    def script(command, *more):
        done = subprocess.run([*shlex.split(command), *more], cwd=manifests.ROOT, text=True,
                              capture_output=True, env=environment, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    board = clusters.board_sha1(cluster)
    [backup] = commands["Backup"]
    folder = script(backup, "--to", str(tmp_path))
    stop, restore, start = commands["Restoring"]
    cluster.run(stop)
    clusters.eventually(lambda: not cluster.pods(BACKEND), "the servers to end")
    cluster.run(f"kubectl exec {REDIS} -- redis-cli flushall")
    script(restore.replace("FOLDER", folder))
    assert clusters.board_sha1(cluster) == board
    cluster.run(start)
    cluster.until_ready(BACKEND, 2)
    [verify] = commands["Checking the history"]
    assert "the live board is the same" in cluster.run(verify)


def test_deleting_keeps_the_volumes(cluster, commands):
    for line in commands["Deleting Pixel Battle"]:
        cluster.run(line + " --ignore-not-found")
    claims = json.loads(cluster.run("kubectl get persistentvolumeclaims -o json"))["items"]
    assert len(claims) == 2
