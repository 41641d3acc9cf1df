"""What the manifests must say, beyond being valid: the rules that keep players unharmed.

Every rule takes the objects of all files and yields one line a problem; RULES names them all.
"""

import re

WORKLOADS = ("Deployment", "StatefulSet")
DATABASES = {"redis", "postgres"}  # containers that hold the work, one pod each
# What a pod that is done with its work still needs to end, beyond preStop and the drain.
SLACK_S = 5
PROBES = {"backend": ("/health", "/health/ready"), "counter-app": ("/health", "/health/ready")}


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def called(one):
    return f"{one['kind']} {one['metadata']['name']}"


def pods(objects):
    """(what it is called, its object, the pod's spec) of every workload."""
    for one in of_kind(objects, *WORKLOADS):
        yield called(one), one, one["spec"]["template"]["spec"]


def containers(objects):
    """(what it is called, the pod's spec, the container)"""
    for name, _, pod in pods(objects):
        for container in pod["containers"] + pod.get("initContainers", []):
            yield f"{name}, container {container['name']}", pod, container


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def selected(objects, selector):
    """The workloads whose pods a selector finds."""
    return [one for one in of_kind(objects, *WORKLOADS) if selector.items() <= labels(one).items()]


def setting(container, name, default):
    values = [one["value"] for one in container.get("env", []) if one["name"] == name]
    return values[0] if values else default


# --- Pods ---------------------------------------------------------------------------------------


def probes(objects):
    """Alive and ready are asked for, where the program answers."""
    for name, _, container in containers(objects):
        for probe, path in zip(("livenessProbe", "readinessProbe"),
                               PROBES.get(container["name"], (None, None))):
            if probe not in container:
                yield f"{name}: has no {probe}"
            elif path and container[probe].get("httpGet", {}).get("path") != path:
                yield f"{name}: its {probe} must ask for {path}"


def limits(objects):
    for name, _, container in containers(objects):
        for side in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if what not in container.get("resources", {}).get(side, {}):
                    yield f"{name}: has no {side}.{what}"


def unprivileged(objects):
    for name, _, pod in pods(objects):
        context = pod.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{name}: may run as root"
        if "seccompProfile" not in context:
            yield f"{name}: has no seccompProfile"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name}: gets a token for the cluster"
    for name, _, container in containers(objects):
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{name}: may gain privileges"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{name}: may write to its image"
        if context.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{name}: keeps capabilities"


def service_links(objects):
    """A service called redis would set REDIS_PORT to tcp://…, which stops the start."""
    for name, _, pod in pods(objects):
        if pod.get("enableServiceLinks") is not False:
            yield f"{name}: gets a variable for every service beside it"


def pull_policy(objects):
    """An imported image is used; what :latest means by default would ask a registry for it."""
    for name, _, container in containers(objects):
        if container.get("imagePullPolicy") != "IfNotPresent":
            yield f"{name}: imagePullPolicy must be IfNotPresent"


def graceful_end(objects):
    """preStop, the program's own drain and some slack fit into the grace; nobody is killed."""
    for name, pod, container in containers(objects):
        if container["name"] in DATABASES:
            if pod.get("terminationGracePeriodSeconds", 30) < 60:
                yield f"{name}: a database needs 60 s to end"
            continue
        hook = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
        if not hook or hook[0] != "sleep":
            yield f"{name}: goes before the balancers know"
            continue
        drain_ms = 10_000
        if container["name"] in PROBES:
            drain_ms = sum(int(setting(container, *one)) for one in
                           (("DRAIN_UNREADY_MS", "0"), ("DRAIN_LIMIT_MS", "10000")))
        needed_s = int(hook[1]) + drain_ms / 1000 + SLACK_S
        if pod.get("terminationGracePeriodSeconds", 30) < needed_s:
            yield f"{name}: needs {needed_s:.0f} s of grace"


def threads(objects):
    """A program that may use two cores of 64 must not have 64 threads."""
    for name, _, container in containers(objects):
        if container["name"] in PROBES and not any(
                one["name"] == "THREADS" for one in container.get("env", [])):
            yield f"{name}: THREADS is not what it may use"


def migrations(objects):
    """They run in the container whose image an update changes, before the server."""
    for name, _, container in containers(objects):
        if container["name"] == "backend" and not re.search(
                r"alembic upgrade head.*exec pixel-battle\s*$",
                " ".join(container.get("command", [])), re.DOTALL):
            yield f"{name}: serves without migrating first"


def mounts(objects):
    for name, one, pod in pods(objects):
        there = {volume["name"] for volume in pod.get("volumes", [])}
        there |= {claim["metadata"]["name"]
                  for claim in one["spec"].get("volumeClaimTemplates", [])}
        used = {mount["name"] for container in pod["containers"]
                for mount in container.get("volumeMounts", [])}
        for volume in sorted(there ^ used):
            yield f"{name}: volume {volume} is not both there and used"
        claims = {claim["metadata"]["name"]
                  for claim in of_kind(objects, "PersistentVolumeClaim")}
        for volume in pod.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and claim not in claims:
                yield f"{name}: there is no claim {claim}"


# --- Keeping and replacing ----------------------------------------------------------------------


def durable(objects):
    """Acknowledged is on a volume: Redis syncs every write and forgets nothing."""
    wanted = {"--appendonly": "yes", "--appendfsync": "always", "--maxmemory-policy": "noeviction"}
    for name, _, container in containers(objects):
        if container["name"] not in DATABASES:
            continue
        if not {"/data", "/var/lib/postgresql/data"} & {
                mount["mountPath"] for mount in container.get("volumeMounts", [])}:
            yield f"{name}: keeps its data in the container"
        if container["name"] == "redis":
            command = container.get("command", [])
            said = dict(zip(command, command[1:]))
            for option, value in wanted.items():
                if said.get(option) != value:
                    yield f"{name}: {option} must be {value}"


def alone(objects):
    """Never two of a database on one volume."""
    for name, one, pod in pods(objects):
        if not DATABASES & {container["name"] for container in pod["containers"]}:
            continue
        if one["spec"].get("replicas") != 1:
            yield f"{name}: must be one"
        if one["kind"] == "Deployment" and one["spec"].get("strategy") != {"type": "Recreate"}:
            yield f"{name}: two at once during an update"


def replaceable(objects):
    """A new pod serves before an old one goes; no node and no drain takes all of them."""
    budgets = of_kind(objects, "PodDisruptionBudget")
    for name, one, pod in pods(objects):
        if DATABASES & {container["name"] for container in pod["containers"]}:
            continue
        rolling = one["spec"].get("strategy", {}).get("rollingUpdate", {})
        if rolling.get("maxUnavailable") != 0 or rolling.get("maxSurge", 0) < 1:
            yield f"{name}: an update takes one away first"
        if "progressDeadlineSeconds" not in one["spec"]:
            yield f"{name}: nobody is told when an update does not succeed"
        spreads = pod.get("topologySpreadConstraints", [])
        if not spreads or any(
                not spread["labelSelector"]["matchLabels"].items() <= labels(one).items()
                for spread in spreads):
            yield f"{name}: is not spread over the nodes"
        if not any(one in selected(objects, budget["spec"]["selector"]["matchLabels"])
                   for budget in budgets):
            yield f"{name}: has no disruption budget"


def autoscaler(objects):
    """It has something to scale, which does not say its size itself; and as documented."""
    for one in of_kind(objects, "HorizontalPodAutoscaler"):
        spec, name = one["spec"], called(one)
        target = [each for each in of_kind(objects, spec["scaleTargetRef"]["kind"])
                  if each["metadata"]["name"] == spec["scaleTargetRef"]["name"]]
        if not target:
            yield f"{name}: there is no {spec['scaleTargetRef']['name']}"
        elif "replicas" in target[0]["spec"]:
            yield f"{name}: applying {called(target[0])} again would undo what it chose"
        if (spec["minReplicas"], spec["maxReplicas"]) != (2, 10):
            yield f"{name}: must keep 2 to 10"
        targets = {metric["resource"]["name"]: metric["resource"]["target"]["averageUtilization"]
                   for metric in spec["metrics"]}
        if targets != {"cpu": 70, "memory": 80}:
            yield f"{name}: must aim at 70 % of the CPU and 80 % of the memory"
        for way, share, seconds in (("scaleUp", 100, 15), ("scaleDown", 50, 60)):
            wanted = [{"type": "Percent", "value": share, "periodSeconds": seconds}]
            if spec.get("behavior", {}).get(way, {}).get("policies") != wanted:
                yield f"{name}: {way} must be {share} % in {seconds} s"


# --- Finding each other -------------------------------------------------------------------------


def selectors(objects):
    """Whatever selects pods selects one workload's, and that one its own."""
    for one in of_kind(objects, *WORKLOADS):
        if not one["spec"]["selector"]["matchLabels"].items() <= labels(one).items():
            yield f"{called(one)}: does not select its own pods"
    for one in of_kind(objects, "Service", "PodDisruptionBudget", "NetworkPolicy", *WORKLOADS):
        spec = one["spec"]
        selector = spec.get("podSelector", spec["selector"] if "selector" in spec else None)
        found = selected(objects, selector.get("matchLabels", selector))
        if len(found) != 1:
            yield f"{called(one)}: selects {', '.join(map(called, found)) or 'nothing'}"
    for policy in of_kind(objects, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            for peer in rule["from"]:
                if not selected(objects, peer["podSelector"]["matchLabels"]):
                    yield f"{called(policy)}: lets in nobody that is there"


def ports(objects):
    """A service's port leads to one of the container's, by its name."""
    for service in of_kind(objects, "Service"):
        for one in selected(objects, service["spec"]["selector"]):
            there = {port["name"] for container in one["spec"]["template"]["spec"]["containers"]
                     for port in container["ports"]}
            for port in service["spec"]["ports"]:
                if port.get("targetPort") not in there:
                    yield f"{called(service)}: {called(one)} has no port {port.get('targetPort')}"


def references(objects):
    """Services that an ingress, a stateful set or a setting names are there."""
    services = {one["metadata"]["name"]: {port["name"] for port in one["spec"]["ports"]}
                for one in of_kind(objects, "Service")}
    for one in of_kind(objects, "StatefulSet"):
        if one["spec"]["serviceName"] not in services:
            yield f"{called(one)}: there is no service {one['spec']['serviceName']}"
    for one in of_kind(objects, "Ingress"):
        for path in (path for rule in one["spec"]["rules"] for path in rule["http"]["paths"]):
            service = path["backend"]["service"]
            if service["port"].get("name") not in services.get(service["name"], ()):
                yield f"{called(one)}: {path['path']} leads nowhere"
    for name, _, container in containers(objects):
        url = setting(container, "REDIS_URL", "")
        host = setting(container, "REDIS_HOST", url.partition("//")[2].partition(":")[0])
        if container["name"] in PROBES and host not in services:
            yield f"{name}: there is no service {host}"


def tls(objects):
    for one in of_kind(objects, "Ingress"):
        covered = {host for part in one["spec"].get("tls", []) for host in part["hosts"]}
        for rule in one["spec"]["rules"]:
            if rule["host"] not in covered:
                yield f"{called(one)}: {rule['host']} has no certificate"
            paths = {path["path"]: path["backend"]["service"]["name"]
                     for path in rule["http"]["paths"]}
            for path in ("/api", "/ws"):
                if paths.get(path) != "pixel-battle-backend":
                    yield f"{called(one)}: {path} does not lead to the servers"


def told_apart(objects):
    """All files can be applied to one namespace."""
    names = [called(one) for one in objects]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: is there twice"


RULES = (probes, limits, unprivileged, service_links, pull_policy, graceful_end, threads,
         migrations, mounts, durable, alone, replaceable, autoscaler, selectors, ports, references,
         tls, told_apart)


def problems(objects):
    """(rule, problem)"""
    return [(rule.__name__, problem) for rule in RULES for problem in rule(objects)]
