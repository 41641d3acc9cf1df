"""The images: small, without root, unchangeable, and over when they are told to end."""

import json
import time

import pytest

import engine

MIB = 1 << 20
HARDENED = "--read-only --cap-drop ALL --security-opt no-new-privileges"
NAMES = ("pixel-battle-", "localhost:5000/")
IMAGES = {"pixel-battle-backend": 120 * MIB, "localhost:5000/counter-app": 120 * MIB}


@pytest.fixture(scope="module", autouse=True)
def images(project, commands):
    for command in commands["Images"]:
        engine.run(command, project, 3600)


@pytest.fixture
def container():
    """container("options image …") → the id of a container that is gone after the test."""
    started = []

    def start(what):
        started.append(engine.run(f"docker run -d {what}").split()[-1])
        return started[-1]

    yield start
    engine.run("docker rm -f -v " + " ".join(started))


def inspect(what):
    return json.loads(engine.run(f"docker inspect {what}"))[0]


def healthy(container):
    state = inspect(container)["State"]
    assert state["Running"], engine.run(f"docker logs {container}")
    return state["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("image", IMAGES)
def test_small_without_root_and_labelled(image):
    about = inspect(image)
    assert about["Size"] <= IMAGES[image], f"{about['Size'] / MIB:.0f} MiB"
    assert int(about["Config"]["User"].split(":")[0]) > 0
    assert about["Config"]["Healthcheck"]["Test"][0] == "CMD", "exec form"
    labels = about["Config"]["Labels"]
    assert all(labels[f"org.opencontainers.image.{name}"]
               for name in ("title", "description", "licenses", "version"))


@pytest.mark.parametrize("image", IMAGES)
def test_runs_on_a_read_only_root_and_ends_when_told(image, container):
    server = container(f"{HARDENED} -v /data {image}")
    engine.eventually(lambda: healthy(server), "it is healthy")
    since = time.monotonic()
    engine.run(f"docker stop -t 60 {server}")
    state = inspect(server)["State"]
    assert state["ExitCode"] == 0, "SIGTERM did not arrive, or it did not end well"
    assert time.monotonic() - since < 30, "it was killed"
    assert "draining" in engine.run(f"docker logs {server}")


@pytest.mark.parametrize("image", IMAGES)
def test_never_ready_is_never_healthy(image, container):
    server = container(f"-e REDIS_URL=redis://127.0.0.1:1 --health-start-period=1s "
                       f"--health-interval=1s --health-retries=2 {image}")
    engine.eventually(lambda: inspect(server)["State"]["Health"]["Status"] == "unhealthy",
                      "it is unhealthy")


def test_the_front_end_serves_the_page_with_its_headers(container):
    server = container(f"{HARDENED} --tmpfs /tmp pixel-battle-frontend")
    address = inspect(server)["NetworkSettings"]["IPAddress"]
    ask = f"curl -si --compressed http://{address}:8080/"
    head = engine.eventually(lambda: engine.run(ask, check=False), "it answers")
    assert "200 OK" in head and "<title>" in head and "Content-Security-Policy" in head
    assert "Content-Encoding: gzip" in head
    assert inspect("pixel-battle-frontend")["Config"]["User"].split(":")[0] != "0"
    engine.run(f"docker stop {server}")
    assert inspect(server)["State"]["ExitCode"] == 0


def test_alembic_is_there():
    said = engine.run("docker run --rm --entrypoint alembic pixel-battle-backend upgrade head",
                      check=False)
    assert "DATABASE_URL must be set" in said


def test_images_for_another_machine(project, commands):
    for command in commands["Images for another machine"]:
        engine.run(command, project)
        archive = project / command.split()[-1]
        held = json.loads(engine.run(f"tar -xOf {archive} manifest.json"))
        tags = {tag for one in held for tag in one["RepoTags"] or []}
        assert {word if ":" in word else word + ":latest"
                for word in command.split() if word.startswith(NAMES)} <= tags
        archive.unlink()


def test_a_build_after_an_edit_compiles_little(project):
    """The compiler's cache of one build serves the next; nothing else is compiled."""
    engine.run("docker build --target build -t pixel-battle-build .", project, 3600)
    before = cache_figures("pixel-battle-build")
    source = project / "src/base/text.cpp"
    source.write_text(source.read_text() + "// edited\n")
    since = time.monotonic()
    said = engine.run("docker build --build-arg CCACHE_FROM=pixel-battle-build --target build "
                      "-t pixel-battle-build:edited .", project, 3600)
    print(f"built again in {time.monotonic() - since:.0f} s")
    assert "Successfully" in said or "naming to" in said
    after = cache_figures("pixel-battle-build:edited")
    engine.run("docker rmi pixel-battle-build:edited")
    hits, misses = (after[name] - before[name] for name in ("direct_cache_hit", "cache_miss"))
    assert hits > 100 and misses <= 1, (before, after)


def cache_figures(image):
    said = engine.run(f"docker run --rm {image} ccache --print-stats")
    return {name: int(value) for name, value in (line.split("\t") for line in said.splitlines())}
