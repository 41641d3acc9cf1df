"""The counter in a real cluster: every kubectl command of the documents, with pressers beside."""

import os

import pytest

import cluster as clusters

REASON = clusters.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

# Every line with kubectl in the documents' part about the counter. `docker` and `k3s` make the
# image and bring it into the cluster, which has it here; Locust has tests of its own.
DOCUMENTED = """
kubectl apply -f k8s-deployment.yaml
kubectl get deployments
kubectl get pods
kubectl get services
kubectl describe pods -l app=counter-app
kubectl logs -f deployment/counter-app
kubectl scale deployment counter-app --replicas=4
kubectl scale deployment counter-app --replicas=1
kubectl get pods -l app=counter-app
kubectl get service counter-app-service
kubectl port-forward service/counter-app-service 80:80
kubectl delete -f k8s-deployment.yaml
kubectl delete deployment counter-app
kubectl delete deployment redis
kubectl delete service counter-app-service
kubectl delete service redis-service
kubectl get all
""".strip().splitlines()
APPLY, DELETE = DOCUMENTED[0], DOCUMENTED[11]
FOUR, ONE = DOCUMENTED[6:8]


@pytest.fixture(scope="module")
def people(cluster):
    return clusters.Load(cluster, "counter", "counter-app-service", 80).start()


def check_unharmed(people):
    now = people.goes_on()
    assert now["failed"] == 0 and now["refused"] == 0, now


def test_apply_and_look(cluster):
    cluster.run(APPLY)
    cluster.until_rolled_out("deployment/redis")
    cluster.until_rolled_out("deployment/counter-app")
    cluster.until_ready("counter-app", 4)
    for line in DOCUMENTED[1:5] + DOCUMENTED[8:10]:
        assert "counter-app" in cluster.run(line)
    cluster.follow(DOCUMENTED[5], "serving")
    before = cluster.revisions()
    cluster.run(APPLY)
    assert cluster.revisions() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may listen on port 80")
def test_port_forward(cluster):
    cluster.follow(DOCUMENTED[10], "Forwarding from")


def test_scaling_under_load(cluster, people):
    check_unharmed(people)
    cluster.run(ONE)
    cluster.until_ready("counter-app", 1)
    check_unharmed(people)
    cluster.run(FOUR)
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


def test_delete(cluster):
    cluster.run(DELETE)
    clusters.eventually(lambda: not cluster.pods("counter-app"), "the pods to go")
    clusters.eventually(lambda: not cluster.get("persistentvolumeclaims")["items"],
                        "the volume to go")


def test_delete_one_by_one(cluster):
    cluster.run(APPLY)
    cluster.until_rolled_out("deployment/redis")
    for line in DOCUMENTED[12:]:
        said = cluster.run(line)
    clusters.eventually(lambda: not cluster.pods("counter-app"), "the pods to go")
    assert "deployment" not in said
    cluster.run(DELETE + " --ignore-not-found")


def test_every_documented_command_was_run(cluster):
    left = set(DOCUMENTED) - cluster.done
    assert not left or (left == {DOCUMENTED[10]} and os.geteuid() != 0)
