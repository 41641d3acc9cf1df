"""The deployment's files, without an engine: understood by the programs that read them, and saying
what keeps users unharmed."""

import os
import pathlib
import re
import signal
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSE = ("docker-compose.yml", "docker-compose.prod.yml")
SWARM = ("docker-compose.swarm.yml", "docker-compose.swarm-replicated.yml")
OURS = {"pixel-battle-backend:latest", "pixel-battle-frontend:latest",
        "localhost:5000/counter-app:latest"}
TIME = re.compile(r"(\d+)(ms|s|m)")
MS = {"ms": 1, "s": 1000, "m": 60_000}


@pytest.fixture(scope="module", autouse=True)
def programs(needed):
    needed("docker-compose", "nginx", "openssl")


def services(file):
    return yaml.safe_load((ROOT / file).read_text("utf-8"))["services"]


def ms(text):
    number, unit = TIME.fullmatch(text).groups()
    return int(number) * MS[unit]


def default(text):
    """What ${NAME:-value} is when nobody sets it."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


# --- Understood ---------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", ["no.env", ROOT / ".env.example"])
@pytest.mark.parametrize("file", COMPOSE + SWARM)
def test_compose_understands(file, settings, tmp_path):
    (tmp_path / "no.env").touch()
    done = subprocess.run(["docker-compose", "--env-file", tmp_path / settings, "-f", file,
                           "config", "-q"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "is not set" not in done.stderr, "what is not set has a default"


def test_every_setting_is_in_the_example():
    used = {name for file in COMPOSE
            for name in re.findall(r"\$\{(\w+)", (ROOT / file).read_text("utf-8"))}
    example = (ROOT / ".env.example").read_text("utf-8")
    listed = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert used == listed - {"COMPOSE_PROJECT_NAME"}


@pytest.fixture
def nginx(tmp_path):
    """nginx's files as they lie in its container, but below a temporary folder."""
    for path in (ROOT / "nginx").iterdir():
        text = path.read_text("utf-8").replace("/tmp/nginx", str(tmp_path))
        for name in ("static.conf", "page-headers.conf", "tls"):
            text = text.replace(f"/etc/nginx/{name}", str(tmp_path / name))
        (tmp_path / path.name).write_text(text.replace("/dev/stdout", "/dev/null"))
    return tmp_path


def understood_by_nginx(folder, file):
    done = subprocess.run(["nginx", "-t", "-p", folder, "-c", folder / file],
                          capture_output=True, text=True)
    assert done.returncode == 0 and "warn" not in done.stderr, done.stderr


def test_nginx_understands_the_page_alone(nginx):
    understood_by_nginx(nginx, "frontend.conf")


@pytest.mark.parametrize("tls", [False, True])
def test_nginx_understands_what_is_before_the_servers(nginx, tls):
    if tls:
        (nginx / "tls").mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                        "-subj", "/CN=localhost", "-keyout", nginx / "tls/privkey.pem",
                        "-out", nginx / "tls/fullchain.pem"], check=True, capture_output=True)
    settings = {"BACKENDS": "localhost", "TRUSTED_PROXIES": "10.0.0.0/8,192.168.1.1"}
    watcher = subprocess.Popen(["bash", nginx / "backends.sh"], env=os.environ | settings,
                               start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        assert watcher.wait(30) == 0
        understood_by_nginx(nginx, "nginx.prod.conf")
    finally:
        os.killpg(watcher.pid, signal.SIGKILL)  # what it has left beside nginx
    assert ("8443 ssl" in (nginx / "listen.conf").read_text()) == tls


# --- What they say ------------------------------------------------------------------------------


def test_images_are_ours_or_have_a_stand_in():
    known = re.search(r"^known=\(([^)]*)\)", (ROOT / "scripts/base-images.sh").read_text("utf-8"),
                      re.MULTILINE)[1].split()
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    used = set(re.findall(r"^ARG \w+=(\S+:\S+)$", dockerfile, re.MULTILINE))
    assert used
    for file in COMPOSE + SWARM:
        used |= {default(one["image"]) for one in services(file).values()}
    assert used - OURS - {"grafana/grafana:latest"} <= set(known)


def test_the_last_target_is_the_counter():
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text("utf-8"),
                        re.MULTILINE)
    assert stages[-1] == "counter-app" and {"backend", "frontend"} <= set(stages)


def test_the_build_has_what_it_embeds():
    """Files from outside of src/ and apps/ that become part of a program."""
    copied = re.findall(r"^COPY ([^-\n].*) \S+$", (ROOT / "Dockerfile").read_text("utf-8"),
                        re.MULTILINE)
    there = {path for line in copied for path in line.split()}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for room in (ROOT / "src").glob("**/CMakeLists.txt"):
        for name in re.findall(r"FROM (\.\./\S+)\)", room.read_text("utf-8")):
            path = os.path.relpath(room.parent / name, ROOT)
            assert path in there and f"!{path}" in ignored, f"{path}, for {room}"


@pytest.mark.parametrize("file", SWARM)
def test_swarm_replaces_servers_with_care(file):
    app = services(file)["app"]
    deploy = app["deploy"]
    assert (deploy["replicas"], app["ports"]) == (4, ["80:8000"])
    assert deploy["endpoint_mode"] == "vip", "Swarm's own balancing"
    update = deploy["update_config"]
    assert (update["order"], update["failure_action"]) == ("start-first", "rollback")
    assert deploy["rollback_config"]["order"] == "start-first"
    assert app["read_only"] and app["healthcheck"]["test"] == ["CMD", "healthy"]
    # An update that is not healthy must be seen as such while it is watched.
    check = app["healthcheck"]
    drain_ms = sum(int(app["environment"][name]) for name in ("DRAIN_UNREADY_MS", "DRAIN_LIMIT_MS"))
    assert drain_ms < ms(app["stop_grace_period"])
    assert int(app["environment"]["DRAIN_UNREADY_MS"]) > 0 < ms(check["interval"])


def test_swarm_keeps_what_is_acknowledged():
    alone = services(SWARM[0])["redis"]["command"]
    assert alone[alone.index("--appendfsync") + 1] == "always"
    nodes = {name: one for name, one in services(SWARM[1]).items() if name != "app"}
    assert nodes.keys() == {"redis", "redis-2", "redis-3", "sentinel"}
    kept = [volume for one in nodes.values() for volume in one["volumes"]]
    assert len(set(kept)) == 4, "none shares its data with another"
    assert nodes["sentinel"]["deploy"]["replicas"] == 3
    script = (ROOT / "docker/redis-node.sh").read_text("utf-8")
    for line in ("appendfsync always", "min-replicas-to-write 1", "sentinel resolve-hostnames yes"):
        assert line in script, line
    assert re.search(r"^sentinel monitor \S+ \S+ 6379 2$", script, re.MULTILINE), "two must agree"


def test_production_shows_nothing_but_nginx():
    those = services("docker-compose.prod.yml")
    published = {name for name, one in those.items() for port in one.get("ports", [])
                 if not default(port).startswith("127.0.0.1:")}
    assert published == {"nginx"}
    for name in ("redis", "postgres", "migrate"):
        assert those[name]["networks"] == ["back"], name
    text = (ROOT / "docker-compose.prod.yml").read_text("utf-8")
    assert yaml.safe_load(text)["networks"]["back"] == {"internal": True}


def test_production_services_are_limited_and_come_back():
    for name, one in services("docker-compose.prod.yml").items():
        if name in ("secrets", "migrate", "page"):  # run once
            assert "restart" not in one, name
            continue
        assert one["restart"] == "unless-stopped" and one["mem_limit"], name
        assert "max-size" in one["logging"]["options"], name
        if name != "postgres":
            assert one["read_only"], name
        assert "no-new-privileges:true" in one["security_opt"], name


def test_production_starts_in_order():
    those = services("docker-compose.prod.yml")
    waits = {name: {other: how["condition"] for other, how in one["depends_on"].items()}
             for name, one in those.items() if isinstance(one.get("depends_on"), dict)}
    assert waits["nginx"] == {"backend": "service_healthy",
                              "page": "service_completed_successfully"}
    assert waits["backend"] == {"postgres": "service_healthy", "redis": "service_healthy",
                                "migrate": "service_completed_successfully"}
    assert waits["redis"] == waits["postgres"] == {"secrets": "service_completed_successfully"}
    assert those["backend"]["scale"] >= 2
    settings = those["backend"]["environment"]
    drain_ms = sum(int(default(settings[name])) for name in ("DRAIN_UNREADY_MS", "DRAIN_LIMIT_MS"))
    assert drain_ms < ms(those["backend"]["stop_grace_period"])
