"""The deployment scripts in a real cluster: a release, another, one that never serves, and back.

The tests are one story and run in this order.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess

import pytest

import cluster as clusters
import manifests
from test_canvas_in_cluster import BACKEND, PASSWORD, SECRET, fill_in

FIRST, SECOND = "pixel-battle-backend:latest", "pixel-battle-backend:new-version"
LIMIT_S = 600


@pytest.fixture(scope="module")
def run(cluster):
    """run("deploy.sh kubernetes …") → the finished process, in a copy of what the scripts read."""
    for name in ("scripts", "loadtest"):
        shutil.copytree(manifests.ROOT / name, cluster.folder / name)
    # The script puts the image in, and looks for the one that the file names.
    shutil.copy(manifests.ROOT / "k8s/deployment.yaml", cluster.folder / "k8s")
    kubectl = shlex.join([*clusters.KUBECTL, "--namespace", cluster.namespace])

    def run(command):
        return subprocess.run(["bash", "-c", f"scripts/{command}"], cwd=cluster.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S,
                              env=os.environ | {"KUBECTL": kubectl})

    return run


def serving(cluster):
    """The image of the pods that get traffic."""
    [image] = {pod["spec"]["containers"][0]["image"] for pod in cluster.pods(BACKEND)
               if pod["metadata"]["name"] in cluster.ready(BACKEND)}
    return image


def can_be_reached(cluster, pod, port):
    """Whether what kubectl forwards can be reached from here; the health check asks so."""
    forward = subprocess.Popen(cluster.command(f"kubectl port-forward {pod} :{port}"), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        local = int(re.search(r":(\d+) ->", forward.stdout.readline())[1])
        socket.create_connection(("127.0.0.1", local), 5).close()
        return True
    except OSError:
        return False
    finally:
        forward.terminate()
        forward.wait()


def test_a_release(cluster, commands, run):
    create, apply = commands["PostgreSQL to try it out"]
    cluster.run(fill_in(create, PASSWORD))
    cluster.run(apply)
    [create] = commands["Secret"]
    cluster.run(fill_in(create, *SECRET))
    cluster.until_rolled_out("statefulset/pixel-battle-postgres")
    if not can_be_reached(cluster, "pod/pixel-battle-postgres-0", 5432):
        pytest.exit("not run: what kubectl forwards cannot be reached from here", 77)
    done = run(f"deploy.sh kubernetes --image {clusters.image(FIRST)}")
    assert done.returncode == 0, done
    assert serving(cluster) == clusters.image(FIRST)


def test_scaling_and_health(cluster, run):
    done = run("scale-backend.sh 3 kubernetes")
    assert done.returncode == 0, done
    done = run("health-check.sh kubernetes --replicas 2")  # the autoscaler may take the third away
    assert done.returncode == 0, done


def test_another_release(cluster, run):
    done = run(f"deploy.sh kubernetes --image {clusters.image(SECOND)}")
    assert done.returncode == 0, done
    assert serving(cluster) == clusters.image(SECOND)
    assert len(list((cluster.folder / "backups").iterdir())) == 1, "what there was before"


def test_one_that_never_serves_goes_again(cluster, run):
    done = run("deploy.sh kubernetes --image no-such-image:1 --no-backup --wait 20")
    assert done.returncode != 0 and "what ran before serves" in done.stderr, done
    assert serving(cluster) == clusters.image(SECOND)


def test_back_to_the_release_before_and_not_to_the_bad_one(cluster, run):
    done = run("rollback.sh kubernetes --wait 200")
    assert done.returncode == 0, done
    assert serving(cluster) == clusters.image(FIRST)
    assert run("health-check.sh kubernetes").returncode == 0
