"""Pods of the tests' own: people who use what is tested, from inside the cluster."""

import json
import pathlib
import shlex

import manifests
from cluster import eventually, image

HERE = pathlib.Path(__file__).parent
BLACKBOX = HERE.parent / "blackbox"
LOAD_LIMIT_S = 300


def pod(name, command, files):
    """A pod with these files {name: path} in /load, and what they are in."""
    keys = {where: where.replace("/", "-") for where in files}
    return (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
         "data": {keys[where]: path.read_text(encoding="utf-8") for where, path in files.items()}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "containers": [{
                "name": "load", "image": image("locustio/locust:latest"),
                "imagePullPolicy": "IfNotPresent", "command": command, "workingDir": "/load",
                "resources": {"limits": {"memory": "512Mi"}},
                "securityContext": {"runAsUser": 0},  # who may listen on port 80
                "volumeMounts": [{"name": "code", "mountPath": "/load"}]}],
            "volumes": [{"name": "code", "configMap": {"name": name, "items": [
                {"key": key, "path": where} for where, key in keys.items()]}}]}})


class Load:
    """load.py in a pod."""

    MODULES = ("client.py", "codec.py", "web.py", "ws.py")

    def __init__(self, cluster, what, host, port):
        self.cluster, self.name = cluster, f"load-{what}"
        self.command = ["python3", "-B", "load.py", what, host, str(port), "/tmp"]

    def start(self):
        files = {name: BLACKBOX / name for name in self.MODULES}
        files |= {name: HERE / name for name in ("load.py", "relay.py")}
        self.cluster.apply(*pod(self.name, self.command, files))
        self.until(lambda now: now["accepted"] > 0, "the load to begin")
        return self

    def now(self):
        """The newest line of its account; None before the first."""
        done = self.cluster.run(f"kubectl logs {self.name} --tail=5", check=False)
        lines = done.stdout.splitlines()
        if not lines or not lines[-1].startswith("{"):
            pod = self.cluster.get(f"pod {self.name}")["status"]
            assert pod["phase"] in ("Pending", "Running"), f"the load has ended: {lines}"
            return None
        return json.loads(lines[-1])

    def until(self, holds, what):
        return eventually(lambda: (now := self.now()) and holds(now) and now,
                          lambda: f"{what}: {self.now()}")

    def goes_on(self, more=100):
        """Waits until so much more was acknowledged; the account then."""
        accepted = self.now()["accepted"]
        return self.until(lambda now: now["accepted"] >= accepted + more, "more acknowledgements")

    def end(self):
        """The result, when everything is settled."""
        self.cluster.run(f"kubectl exec {self.name} -- touch /tmp/stop")

        def look():
            found = self.cluster.run(f"kubectl exec {self.name} -- cat /tmp/result.json",
                                     check=False)
            return found.returncode == 0 and found.stdout
        result = json.loads(eventually(look, lambda: f"everything to settle: {self.now()}"))
        self.cluster.run(f"kubectl delete pod {self.name}")
        return result


class Locust:
    """Locust in a pod whose http://localhost is the service, as k3s makes it on a node."""

    NAME = "locust"

    def __init__(self, cluster, host, port):
        self.cluster = cluster
        self.command = ["python3", "-B", "relay.py", host, str(port), "80"]

    def start(self):
        files = {path.relative_to(manifests.ROOT).as_posix(): path for path in (
            manifests.ROOT / "locustfile.py", *(manifests.ROOT / "loadtest").glob("*.*"))}
        self.cluster.apply(*pod(self.NAME, self.command, files | {"relay.py": HERE / "relay.py"}))
        self.cluster.run(f"kubectl wait --for=condition=Ready pod/{self.NAME} --timeout=120s")
        return self

    def _inside(self, command):
        return f"kubectl exec {self.NAME} -- " + shlex.join(shlex.split(command))

    def run(self, command):
        """The row of its table that has everything; Locust's account must hold."""
        done = self.cluster.run(self._inside(command), check=False, timeout=LOAD_LIMIT_S)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return next(line for line in said.splitlines()[::-1] if "Aggregated" in line)

    def follow(self, command, until):
        self.cluster.follow(self._inside(command), until)

    def close(self):
        self.cluster.run(f"kubectl delete pod {self.NAME}")


class Crowd:
    """Many clients of the canvas, by pixel-battle's own load test, who keep account."""

    NAME = "crowd"
    SIZE = ("--clients", "1500", "--ramp", "100", "--painters", "100", "--rate", "200",
            "--duration", "60s")

    def __init__(self, cluster, host, port):
        self.cluster = cluster
        self.command = ["pixel-battle", "loadtest", "--host", f"http://{host}:{port}", *self.SIZE]

    def start(self):
        self.cluster.apply({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.NAME}, "spec": {
                "restartPolicy": "Never", "automountServiceAccountToken": False,
                "containers": [{
                    "name": "crowd", "image": image("pixel-battle-backend:latest"),
                    "imagePullPolicy": "IfNotPresent", "command": self.command}]}})
        return self

    def end(self):
        """What it says when its time is over; nothing may be wrong with its account."""
        phase = eventually(lambda: (now := self._phase()) in ("Succeeded", "Failed") and now,
                           self._said)
        said = self._said()
        assert phase == "Succeeded", said
        self.cluster.run(f"kubectl delete pod {self.NAME}")
        return said

    def _phase(self):
        return self.cluster.get(f"pod {self.NAME}")["status"]["phase"]

    def _said(self):
        return self.cluster.run(f"kubectl logs {self.NAME} --tail=40", check=False).stdout
