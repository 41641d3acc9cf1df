"""A Swarm of one machine, and stacks on it also where the kernel has no IPVS."""

import contextlib
import shutil

import yaml

import engine
import web

PORT = 80
STACKS = ("counter_", "counter-replicated_")


def fit_to_kernel(project, file):
    """Without IPVS neither virtual addresses nor the routing mesh answer: the same stack then has
    its servers found by name, behind one published proxy. The file itself stays in the project;
    only this copy is changed, so that the commands work as written."""
    if engine.has_ipvs():
        return
    path = project / file
    stack = yaml.safe_load(path.read_text("utf-8"))
    if "proxy" in stack["services"]:
        return
    app = stack["services"]["app"]
    app["deploy"]["endpoint_mode"] = "dnsrr"
    assert app.pop("ports") == ["80:8000"]
    shutil.copy(engine.HERE / "swarm-proxy.conf", project)
    stack.setdefault("configs", {})["swarm-proxy"] = {"file": "./swarm-proxy.conf"}
    stack["services"]["proxy"] = {
        "image": "nginx:stable", "networks": app["networks"],
        "configs": [{"source": "swarm-proxy", "target": "/etc/nginx/nginx.conf"}],
        "ports": [{"target": 80, "published": PORT, "mode": "host"}]}
    path.write_text(yaml.safe_dump(stack, sort_keys=False))


def volumes():
    return set(engine.run("docker volume ls -q").split())


@contextlib.contextmanager
def left_at_the_end():
    """Whatever happens, this machine is in no Swarm afterwards, and has the volumes that it had."""
    before = volumes()
    try:
        yield
    finally:
        until_left("docker swarm leave --force")
        engine.eventually(lambda: remove(volumes() - before), "the volumes are removed", every=0.5)


def remove(names):
    """Whether none of the stacks' volumes is left."""
    ours = [name for name in names if name.startswith(STACKS)]
    if ours:
        engine.run("docker volume rm " + " ".join(ours), check=False)
    return not ours


def here(command):
    """The command for a machine with several addresses, none of which matters, and with networks of
    other people's."""
    return command.replace("swarm init", "swarm init --advertise-addr 127.0.0.1").replace(
        "network prune -f", "network prune -f --filter label=com.docker.stack.namespace")


def tasks(service):
    """The containers of a service that run, as Swarm sees them."""
    listed = engine.run(f"docker service ps --filter desired-state=running "
                        f"--format '{{{{.CurrentState}}}}' {service}")
    return [state for state in listed.splitlines() if state.startswith("Running")]


def task_ids(stack):
    return set(engine.run(f"docker stack ps -q --filter desired-state=running {stack}").split())


def container_of(service):
    """One of the containers of a service."""
    found = engine.run(f"docker ps -q --filter label=com.docker.swarm.service.name={service}")
    if not found:
        raise ConnectionError(f"{service} has no container now")
    return found.split()[0]


def whole_master(stack):
    """The service that is the Redis master, as soon as both others follow it."""

    def whole():
        sentinel = container_of(f"{stack}_sentinel")
        said = engine.run(f"docker exec {sentinel} redis-cli -p 26379 "
                          "sentinel get-master-addr-by-name counter", check=False)
        name, _, _ = said.partition("\n")
        master = f"{stack}_{name}"
        state = engine.run(f"docker exec {container_of(master)} redis-cli info replication",
                           check=False)
        return state.count("state=online") == 2 and master

    return engine.eventually(whole, "two replicas follow the master", every=1)


def until_running(service, count):
    engine.eventually(lambda: len(tasks(service)) == count, f"{count} tasks of {service} run",
                      timeout=240, every=0.5)


def until_served_by(count):
    """Requests go to exactly so many servers."""

    def served():
        answers = [web.get(PORT, "/api/counter") for _ in range(6 * count)]
        names = {answer.headers.get("x-served-by") for answer in answers}
        return all(answer.status == 200 for answer in answers) and len(names) == count

    engine.eventually(served, f"{count} servers answer on port {PORT}", timeout=180, every=0.5)


def until_gone(stack):
    mine = f"--filter label=com.docker.stack.namespace={stack}"
    engine.eventually(
        lambda: not engine.run(f"docker ps -aq {mine}; docker network ls -q {mine}"),
        f"the containers and networks of {stack} are gone", every=0.5)


def until_left(command):
    """The engine itself gives up waiting sometimes, and leaves when it is told again."""

    def left():
        engine.run(command, check=False)
        return is_left()

    engine.eventually(left, "the Swarm is left", every=1)


def is_left():
    return engine.run("docker info --format '{{.Swarm.LocalNodeState}}'").strip() == "inactive"
