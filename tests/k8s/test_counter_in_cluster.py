"""The counter in a real cluster: every kubectl command of the documents, with pressers beside."""

import os

import pytest

import cluster as clusters
import pods


@pytest.fixture(scope="module")
def people(cluster):
    return pods.Load(cluster, "counter", "counter-app-service", 80).start()


def check_unharmed(people):
    now = people.goes_on()
    assert now["failed"] == 0 and now["refused"] == 0, now


def test_apply_and_look(cluster, commands):
    apply, *look = commands["Counter"]
    cluster.run(apply)
    cluster.until_rolled_out("deployment/redis")
    cluster.until_rolled_out("deployment/counter-app")
    cluster.until_ready("counter-app", 4)
    for line in look:
        if " -f " in line:
            cluster.follow(line, "serving")
        else:
            assert "counter-app" in cluster.run(line)
    before = cluster.revisions()
    cluster.run(apply)
    assert cluster.revisions() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may listen on port 80")
def test_port_forward(cluster, commands):
    [command] = commands["Counter without a load balancer"]
    cluster.follow(command, "Forwarding from")


def test_scaling_under_load(cluster, commands, people):
    four, one = commands["Scaling the counter"]
    check_unharmed(people)
    cluster.run(one)
    cluster.until_ready("counter-app", 1)
    check_unharmed(people)
    cluster.run(four)
    ready = cluster.until_ready("counter-app", 4)
    people.until(lambda now: ready <= set(now["served_by"]), "every one of the four to answer")
    check_unharmed(people)


def test_redis_killed_loses_nothing(cluster, people):
    pod = next(iter(cluster.ready("counter-redis")))
    cluster.run(f"kubectl delete pod {pod} --grace-period=0 --force")
    cluster.until_rolled_out("deployment/redis")
    now = people.goes_on(500)
    assert now["failed"] == 0, f"an outage is told as 503 with Retry-After: {now}"


def test_the_account_of_all_of_it(cluster, people):
    result = people.end()
    count = len(result["values"])
    assert result["values"] == list(range(1, count + 1)), "each once, without a gap"
    assert result["shown"] == count


def test_load(cluster, commands):
    """Locust, who finds the counter at its own http://localhost, as on a node of k3s."""
    pod = pods.Locust(cluster, "counter-app-service", 80).start()
    for command in commands["Load on the counter"]:
        if command.startswith("kubectl"):
            cluster.run(command)
            cluster.until_ready("counter-app", int(command[-1]))
        elif "--headless" in command:
            print(pod.run(command))
        else:
            pod.follow(command, "Starting web interface at http://")
    pod.close()


def test_delete(cluster, commands):
    [delete] = commands["Deleting the counter"]
    cluster.run(delete)
    clusters.eventually(lambda: not cluster.pods("counter-app"), "the pods to go")
    clusters.eventually(lambda: not cluster.get("persistentvolumeclaims")["items"],
                        "the volume to go")


def test_delete_one_by_one(cluster, commands):
    cluster.run(commands["Counter"][0])
    cluster.until_rolled_out("deployment/redis")
    for line in commands["Deleting the counter one by one"]:
        said = cluster.run(line)
    clusters.eventually(lambda: not cluster.pods("counter-app"), "the pods to go")
    assert "deployment" not in said
    cluster.run(commands["Deleting the counter"][0] + " --ignore-not-found")
