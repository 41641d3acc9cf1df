"""The counter's Swarm stacks, by their commands: scaled, updated and rolled back under load, and
one Redis master after the other killed; nothing acknowledged is lost."""

import os
import re
import shutil
import time
import types

import pytest

import counter_crowd
import engine
import swarm
import web

BUILD_LIMIT_S = 3600
CONTINUES_WITHIN_S = 15
KILLS = 10 if os.environ.get("PB_LONG") else 3
REPLICATED = "counter-replicated"
RUN = f"-{os.getpid()}"  # an earlier run's counters may still be there
FRONT = [types.SimpleNamespace(port=swarm.PORT)] * counter_crowd.REPLICAS


@pytest.fixture(autouse=True)
def alone(docker):
    engine.must_be_free(swarm.PORT)
    assert swarm.is_left(), "this machine is in a Swarm: it must not be made to leave it"
    with swarm.left_at_the_end():
        yield


def start(project, commands, stack):
    file, = (word for command in commands for word in command.split() if word.endswith(".yml"))
    swarm.fit_to_kernel(project, file)
    for command in commands:
        said = engine.run(swarm.here(command), project, BUILD_LIMIT_S)
        if "stack services" in command:
            assert f"{stack}_app" in said and re.search(r"\d/4", said), said
        if "service ps" in command:
            assert command.split()[-1] + ".1" in said, said


def deploys(commands):
    command, = (command for command in commands if "stack deploy" in command)
    return command


def leave(project, commands, stack):
    for command in commands:
        if "swarm leave" in command:
            swarm.until_left(command)
            continue
        engine.run(swarm.here(command), project)
        if "stack rm" in command:
            swarm.until_gone(stack)


def press():
    answer = web.post(swarm.PORT, "/api/counter/increment", {})
    return answer.status == 200 and answer.json()["value"]


def update(command, image, expect):
    """Until Swarm says what has become of it."""
    engine.run(command.replace("update ", "update -d ").replace("IMAGE", image))
    engine.eventually(
        lambda: expect == engine.run("docker service inspect --format "
                                     "'{{.UpdateStatus.State}}' counter_app").strip(),
        f"the update is {expect}", timeout=300, every=1)


def test_swarm(project, commands):
    start(project, commands["Swarm"], "counter")
    swarm.until_running("counter_app", 4)
    swarm.until_served_by(4)
    before = swarm.task_ids("counter")
    engine.run(deploys(commands["Swarm"]), project)
    assert swarm.task_ids("counter") == before, "deployed again, nothing changes"

    def scale(count):
        engine.run(f"docker service scale -d counter_app={count}")
        swarm.until_running("counter_app", count)
        swarm.until_served_by(count)

    def disturb(crowd):
        crowd.some_are_counted()
        scale(1)
        scale(4)
        # Another image under the same stack: each server is replaced by a healthy one.
        engine.run("docker tag localhost:5000/counter-app:latest localhost:5000/counter-app:next")
        [command] = commands["Update on Swarm"]
        update(command, "localhost:5000/counter-app:next", "completed")
        # One that never becomes healthy: Swarm takes it back by itself.
        recipe = 'FROM localhost:5000/counter-app:latest\nENTRYPOINT ["sleep", "99"]'
        engine.run(f"echo '{recipe}' | docker build -t localhost:5000/counter-app:bad -")
        update(command, "localhost:5000/counter-app:bad", "rollback_completed")
        assert "next" in engine.run("docker service inspect --format "
                                    "'{{.Spec.TaskTemplate.ContainerSpec.Image}}' counter_app")
        swarm.until_served_by(4)
        crowd.some_are_counted()

    counter_crowd.press_through(FRONT, disturb, RUN)
    leave(project, commands["Leaving Swarm"], "counter")
    engine.run("docker rmi localhost:5000/counter-app:next localhost:5000/counter-app:bad")


def test_load_on_swarm(project, commands):
    if not shutil.which("locust"):
        pytest.skip("this system's packages have no Locust")
    start(project, commands["Swarm"], "counter")
    swarm.until_served_by(4)
    for command in commands["Load on Swarm"]:
        if "--headless" in command:
            assert "Aggregated" in engine.run(command, project)
        elif "load-compare" in command:
            assert "Report: " in engine.run(command, project)
        elif command.startswith("locust"):
            assert "8089" in engine.run_until(command, r"web interface", project)
        else:
            count = int(command[-1])
            engine.run(command.replace("scale ", "scale -d "), project)
            swarm.until_running("counter_app", count)
            swarm.until_served_by(count)
    leave(project, commands["Leaving Swarm"], "counter")


def test_replicated_redis_survives_its_masters(project, commands):
    start(project, commands["Swarm with replicated Redis"], REPLICATED)
    swarm.until_running(f"{REPLICATED}_app", 4)
    swarm.until_served_by(4)
    engine.eventually(press, "the first press counts")
    took_s = []

    def disturb(crowd):
        for _ in range(KILLS):
            master = swarm.whole_master(REPLICATED)
            crowd.some_are_counted()
            engine.run(f"docker kill {swarm.container_of(master)}")
            since = time.monotonic()
            engine.eventually(press, "the counter continues", CONTINUES_WITHIN_S + 30)
            took_s.append(time.monotonic() - since)
            crowd.some_are_counted()
        # The last one comes back, too, and nothing that was pressed meanwhile is gone.
        swarm.whole_master(REPLICATED)
        crowd.some_are_counted()

    counter_crowd.press_through(FRONT, disturb, RUN)
    print("continued after " + ", ".join(f"{took:.1f} s" for took in took_s))
    assert max(took_s) <= CONTINUES_WITHIN_S
    leave(project, commands["Leaving Swarm with replicated Redis"], REPLICATED)


def test_a_port_that_another_stack_has(project, commands):
    """Whoever comes second is told, and whoever was first goes on."""
    start(project, commands["Swarm"], "counter")
    swarm.until_served_by(4)
    before = swarm.task_ids("counter")
    second = commands["Swarm with replicated Redis"]
    if engine.has_ipvs():
        said = engine.run(deploys(second), project, check=False)
        assert "port '80' is already in use by service 'counter_app'" in said, said
    else:
        swarm.fit_to_kernel(project, "docker-compose.swarm-replicated.yml")
        engine.run(deploys(second), project)
        engine.eventually(lambda: "port already in use" in engine.run(
            f"docker service ps --no-trunc {REPLICATED}_proxy"), "Swarm says why it does not start")
    engine.run(f"docker stack rm {REPLICATED}")
    swarm.until_gone(REPLICATED)
    swarm.until_served_by(4)
    assert swarm.task_ids("counter") == before
    leave(project, commands["Leaving Swarm"], "counter")
