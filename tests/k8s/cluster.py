"""A namespace of its own in a real cluster, and what the tests do there with kubectl.

KUBECTL names the command (with options, as in "kubectl --context=kind"); without it nothing is
touched: the current context might be anybody's. The images are those that the manifests name,
unless K8S_IMAGE_BACKEND, …_BACKEND_NEW, …_FRONTEND, …_COUNTER, …_REDIS, …_POSTGRES or …_LOCUST
name others; they must be in the cluster already, or be pulled from where their names say.
"""

import contextlib
import json
import os
import re
import shlex
import subprocess
import time

import formats
import journal
import manifests

KUBECTL = shlex.split(os.environ.get("KUBECTL", ""))
PATIENCE_S = 300
BOARD = formats.PREFIX + "board"
IMAGES = {  # as in the manifests and the documents → as in this cluster
    "pixel-battle-backend:latest": "BACKEND",
    "pixel-battle-backend:new-version": "BACKEND_NEW",
    "pixel-battle-frontend:latest": "FRONTEND",
    "localhost:5000/counter-app:latest": "COUNTER",
    "redis:7": "REDIS",
    "postgres:15": "POSTGRES",
    "locustio/locust:latest": "LOCUST",  # also for other tests' load
}
VOLUMES, VOLUME_FOLDER = 6, "/tmp/pixel-battle-volumes"


def image(name):
    return os.environ.get(f"K8S_IMAGE_{IMAGES[name]}", name)


def with_image(word):
    """CONTAINER=IMAGE with this cluster's image; other words as they are."""
    name, _, value = word.partition("=")
    return f"{name}={image(value)}" if value in IMAGES else word


def why_not():
    """Why there is no cluster to test with; nothing: there is one."""
    if not KUBECTL:
        return "KUBECTL names no cluster"
    try:
        subprocess.run([*KUBECTL, "get", "--raw", "/readyz", "--request-timeout=20s"], check=True,
                       capture_output=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        return f"there is no cluster: {problem}"
    return None


def eventually(look, what, timeout_s=PATIENCE_S):
    """Waits until look() gives something true: that."""
    end = time.monotonic() + timeout_s
    while not (found := look()):
        said = what() if callable(what) else what
        assert time.monotonic() < end, f"waited {timeout_s} s for {said}"
        time.sleep(0.5)
    return found


class Cluster:
    def __init__(self, folder):
        self.namespace = f"pixel-battle-{os.getpid()}"
        self.folder = folder  # the manifests, with this cluster's images
        for name in manifests.FILES:
            text = (manifests.ROOT / name).read_text(encoding="utf-8")
            text = re.sub(r"image: (\S+)", lambda found: f"image: {image(found[1])}", text)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    # --- kubectl ------------------------------------------------------------------------------

    def command(self, line):
        words = shlex.split(line)
        assert words[0] == "kubectl", line
        return [*KUBECTL, "--namespace", self.namespace, *map(with_image, words[1:])]

    def run(self, line, check=True, stdin=None, timeout=PATIENCE_S):
        """A command as somebody would type it; what it wrote."""
        done = subprocess.run(self.command(line), capture_output=True, text=True, timeout=timeout,
                              cwd=self.folder, **({"input": stdin} if stdin is not None else
                                                  {"stdin": subprocess.DEVNULL}))
        assert not check or done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout if check else done

    def follow(self, line, until, timeout=60):
        """A command that does not end by itself; ended when it has written what is waited for."""
        process = subprocess.Popen(self.command(line), stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        os.set_blocking(process.stdout.fileno(), False)
        said = ""

        def look():
            nonlocal said
            with contextlib.suppress(TypeError):
                said += process.stdout.read() or ""
            return until in said

        try:
            eventually(look, lambda: f"{until} in what {line} says: {said}", timeout)
        finally:
            process.terminate()
            process.wait()

    def apply(self, *objects):
        self.run("kubectl apply -f -", stdin=json.dumps({
            "apiVersion": "v1", "kind": "List", "items": objects}))

    def get(self, what):
        return json.loads(self.run(f"kubectl get {what} -o json"))

    def revisions(self):
        """Changes when the pods of any workload would be made otherwise."""
        made = self.get("controllerrevisions,replicasets")["items"]
        return {one["metadata"]["name"] for one in made}

    # --- Pods ---------------------------------------------------------------------------------

    def pods(self, app):
        return self.get(f"pods -l app={app}")["items"]

    def ready(self, app):
        """The names of the pods that get traffic."""
        return {pod["metadata"]["name"] for pod in self.pods(app)
                if "deletionTimestamp" not in pod["metadata"] and any(
                    one["type"] == "Ready" and one["status"] == "True"
                    for one in pod["status"].get("conditions", []))}

    def until_ready(self, app, count):
        """Exactly so many pods, and all of them ready."""
        def look():
            ready = self.ready(app)
            return len(ready) == count == len(self.pods(app)) and ready
        return eventually(look, lambda: f"{count} pods of {app}: {self.described(app)}")

    def until_rolled_out(self, what):
        self.run(f"kubectl rollout status {what} --timeout={PATIENCE_S}s",
                 timeout=PATIENCE_S + 30)

    def described(self, app):
        return [(pod["metadata"]["name"], pod["status"]["phase"],
                 [one.get("state") for one in pod["status"].get("containerStatuses", [])])
                for pod in self.pods(app)]

    # --- Beginning and end --------------------------------------------------------------------

    def start(self):
        subprocess.run([*KUBECTL, "create", "namespace", self.namespace], check=True,
                       capture_output=True)
        classes = json.loads(self.run("kubectl get storageclass -o json"))["items"]
        if not any(one["metadata"].get("annotations", {}).get(
                "storageclass.kubernetes.io/is-default-class") == "true" for one in classes):
            self._make_volumes()
        return self

    def _make_volumes(self):
        """For a cluster of one node without storage: folders of the node."""
        folder = f"{VOLUME_FOLDER}/{self.namespace}"
        self._on_node(f"mkdir -p {folder}/{{}} && chmod 777 {folder}/{{}}")
        self.apply(*({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": f"{self.namespace}-{number}"},
            "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"],
                     "persistentVolumeReclaimPolicy": "Retain",
                     "hostPath": {"path": f"{folder}/{number}"}},
        } for number in range(VOLUMES)))

    def _on_node(self, command):
        """Runs a shell command for each volume, as root, on the node."""
        each = " && ".join(command.replace("{}", str(number)) for number in range(VOLUMES))
        self.apply({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "volumes"},
            "spec": {
                "restartPolicy": "Never", "automountServiceAccountToken": False,
                "containers": [{
                    "name": "volumes", "image": image("redis:7"),
                    "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", each],
                    "volumeMounts": [{"name": "folder", "mountPath": VOLUME_FOLDER}]}],
                "volumes": [{"name": "folder", "hostPath": {
                    "path": VOLUME_FOLDER, "type": "DirectoryOrCreate"}}]}})
        eventually(lambda: self.get("pod volumes")["status"]["phase"] == "Succeeded",
                   lambda: f"folders on the node: {self.get('pod volumes')['status']}")
        self.run("kubectl delete pod volumes")

    def close(self):
        volumes = [one["metadata"]["name"] for one in self.get("persistentvolumes")["items"]
                   if one["metadata"]["name"].startswith(self.namespace + "-")]
        self.run("kubectl delete all --all --timeout=180s", check=False)
        self.run("kubectl delete pvc --all --timeout=60s", check=False)
        if volumes:
            self._on_node(f"rm -rf {VOLUME_FOLDER}/{self.namespace}")
            self.run("kubectl delete persistentvolume " + " ".join(volumes))
        subprocess.run([*KUBECTL, "delete", "namespace", self.namespace, "--wait=false"],
                       check=True, capture_output=True)


# --- What the canvas has kept ---------------------------------------------------------------------


def history(cluster, offset):
    """All entries in PostgreSQL, when it has come so far."""
    def ask(query):
        return cluster.run("kubectl exec pixel-battle-postgres-0 -- psql -U pixel_battle -XAtF ' ' "
                           f"-c '{query}'").splitlines()
    eventually(lambda: int(ask("SELECT max(entry) FROM entries")[0] or 0) >= offset,
               f"entry {offset} in the history")
    rows = ask("SELECT entry, time_ms, person, x, y, color, digest FROM entries ORDER BY 1")
    numbers = (list(map(int, row.split())) for row in rows)
    return [journal.Entry(*row[:6], f"{row[6] % 2**64:016x}") for row in numbers]


def board_sha1(cluster):
    """Of the board in Redis."""
    script = 'return redis.sha1hex(redis.call("GET", KEYS[1]))'
    return cluster.run("kubectl exec pixel-battle-redis-0 -- redis-cli --raw eval "
                       + shlex.join([script, "1", BOARD])).strip()
