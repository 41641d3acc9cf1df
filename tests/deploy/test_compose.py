"""The development stack, by its commands: two servers are one canvas, and both restart well."""

import re

import pytest

import engine
import web
from stack import Stack

HARDLY = 1800  # s, for what may have to build the images


@pytest.fixture(scope="module")
def stack(project):
    engine.must_be_free(3000, 8000)
    stack = Stack(project, "docker-compose.yml")
    yield stack
    stack.down()


def test_development(stack, commands):
    copy, up, migrate, ps = commands["Development"]
    for command in (copy, up):
        engine.run(command, stack.folder, HARDLY)
    stack.until_healthy("backend", 1)
    assert "0002" in engine.run(migrate.replace("exec ", "exec -T "), stack.folder)
    said = engine.run(ps, stack.folder)
    for service in ("backend", "backend_1", "frontend", "redis", "postgres"):
        assert re.search(rf"_{service}_1\s", said), said
    stack.until_healthy("backend_1", 1)
    stack.until_healthy("frontend", 1)


def test_the_page_and_both_servers_are_one_canvas(stack):
    page = web.get(3000, "/")
    assert page.status == 200 and b"<title>" in page.body
    token = web.guest(8000)["token"]
    assert web.place(8000, token, 3, 4, 5).status == 201
    names = set()

    def seen_through_both():
        answer = web.get(3000, "/api/pixels/3/4")
        names.add(answer.headers.get("x-served-by"))
        return answer.status == 200 and answer.json()["placements"] and len(names) == 2

    engine.eventually(seen_through_both, "nginx asks both servers, and both know the pixel")


def test_looking_at_it(stack, commands):
    logs, follow, follow_one, stats, config, health = commands["Looking at it"]
    assert "serving" in engine.run(logs, stack.folder)
    engine.run_until(follow, "serving", stack.folder)
    assert "backend_1_1" in engine.run_until(follow_one, "serving", stack.folder)
    engine.run_until(stats, r"MEM USAGE(.|\n)*backend", stack.folder)
    assert "development-postgres" in engine.run(config, stack.folder)
    assert '"status":"ok"' in engine.run(health.replace("curl ", "curl -fsS "))


def test_restart_and_update(stack, commands):
    for command in commands["Restart and update"]:
        engine.run(command, stack.folder, HARDLY)
    stack.until_healthy("backend", 1)
    answer = web.get(8000, "/api/pixels/3/4").json()
    assert answer["color"] == 5 and len(answer["placements"]) == 1
