"""The manifests are valid, keep every rule of policy.py, and have the names that are documented.

That the checks see anything at all is shown by breaking a copy of the manifests, once a rule.
"""

import pytest
import yaml

import manifests
import policy
import schema


def test_all_files_are_checked():
    found = {str(path.relative_to(manifests.ROOT)) for path in manifests.ROOT.glob("k8s/*.yaml")}
    assert found | {"k8s-deployment.yaml"} == set(manifests.FILES)


@pytest.mark.parametrize("file", manifests.FILES)
def test_every_field_is_known(file):
    wrong = [problem for one in manifests.objects(file)
             for problem in schema.problems_of_manifest(one)]
    assert not wrong, "\n".join(wrong)


def test_every_rule_is_kept():
    wrong = policy.problems(manifests.objects())
    assert not wrong, "\n".join(f"{rule}: {problem}" for rule, problem in wrong)


# --- What the documents name --------------------------------------------------------------------


def test_documented_names():
    """kubectl's commands of the documents find what they name."""
    those = manifests.objects()
    backend = manifests.find(those, "Deployment", "pixel-battle-backend")
    assert policy.labels(backend)["app"] == "pixel-battle-backend"
    container = backend["spec"]["template"]["spec"]["containers"][0]
    assert container["name"] == "backend"
    assert container["image"].split(":")[0] == "pixel-battle-backend"

    counter = manifests.find(those, "Deployment", "counter-app")
    assert policy.labels(counter)["app"] == "counter-app"
    assert counter["spec"]["replicas"] == 4
    image = counter["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "localhost:5000/counter-app:latest"
    service = manifests.find(those, "Service", "counter-app-service")["spec"]
    assert (service["type"], service["ports"][0]["port"]) == ("LoadBalancer", 80)
    manifests.find(those, "Deployment", "redis")
    port = manifests.find(those, "Service", "redis-service")["spec"]["ports"][0]["port"]
    assert port == 6379


def test_documented_secret():
    backend = manifests.find(manifests.objects(), "Deployment", "pixel-battle-backend")
    pod = backend["spec"]["template"]["spec"]
    assert [volume["secret"]["secretName"] for volume in pod["volumes"]] == \
        ["pixel-battle-secrets"]
    folder = pod["containers"][0]["volumeMounts"][0]["mountPath"]
    files = {one["name"]: one["value"] for one in pod["containers"][0]["env"]
             if one["name"].endswith("_FILE")}
    assert files == {"DATABASE_URL_FILE": f"{folder}/database-url",
                     "TELEGRAM_BOT_TOKEN_FILE": f"{folder}/telegram-bot-token",
                     "APP_SECRET_KEY_FILE": f"{folder}/app-secret-key"}


# --- Broken on purpose --------------------------------------------------------------------------


def change(those, where, value):
    """Puts a value where "Kind name.field.0.field" says; None removes the field."""
    whole, _, path = where.partition(".")
    kind, name = whole.split(" ")
    at, steps = manifests.find(those, kind, name), path.split(".")
    steps = [int(step) if step.isdigit() else step for step in steps]
    for step in steps[:-1]:
        at = at[step]
    if value is None:
        del at[steps[-1]]
    else:
        at[steps[-1]] = value


BACKEND = "Deployment pixel-battle-backend.spec"
POD = BACKEND + ".template.spec"
CONTAINER = POD + ".containers.0"
REDIS = "StatefulSet pixel-battle-redis.spec"
COUNTER = "Deployment counter-app.spec.template.spec"
HPA = "HorizontalPodAutoscaler pixel-battle-backend.spec"
INGRESS = "Ingress pixel-battle.spec"
OTHER = {"app": "somebody-else"}

BREAKS_A_RULE = [
    ("probes", CONTAINER + ".readinessProbe", None),
    ("probes", CONTAINER + ".livenessProbe.httpGet.path", "/health/ready"),
    ("probes", REDIS + ".template.spec.containers.0.livenessProbe", None),
    ("limits", COUNTER + ".containers.0.resources.limits.memory", None),
    ("limits", CONTAINER + ".resources.requests.cpu", None),
    ("unprivileged", POD + ".securityContext.runAsNonRoot", None),
    ("unprivileged", POD + ".securityContext.runAsUser", 0),
    ("unprivileged", POD + ".securityContext.seccompProfile", None),
    ("unprivileged", POD + ".automountServiceAccountToken", True),
    ("unprivileged", CONTAINER + ".securityContext.readOnlyRootFilesystem", False),
    ("unprivileged", CONTAINER + ".securityContext.allowPrivilegeEscalation", None),
    ("unprivileged", CONTAINER + ".securityContext.capabilities.drop", ["NET_RAW"]),
    ("service_links", COUNTER + ".enableServiceLinks", None),
    ("pull_policy", COUNTER + ".containers.0.imagePullPolicy", None),
    ("graceful_end", POD + ".terminationGracePeriodSeconds", 29),
    ("graceful_end", COUNTER + ".terminationGracePeriodSeconds", 19),
    ("graceful_end", CONTAINER + ".lifecycle", None),
    ("graceful_end", CONTAINER + ".lifecycle.preStop.exec.command.1", "20"),
    ("graceful_end", REDIS + ".template.spec.terminationGracePeriodSeconds", None),
    ("threads", CONTAINER + ".env", []),
    ("migrations", CONTAINER + ".command", ["pixel-battle"]),
    ("mounts", CONTAINER + ".volumeMounts", []),
    ("mounts", "Deployment redis.spec.template.spec.volumes.0.persistentVolumeClaim.claimName",
     "lost"),
    ("durable", REDIS + ".template.spec.containers.0.volumeMounts.0.mountPath", "/elsewhere"),
    ("durable", REDIS + ".template.spec.containers.0.command", ["redis-server"]),
    ("alone", REDIS + ".replicas", 2),
    ("alone", "Deployment redis.spec.strategy", None),
    ("replaceable", BACKEND + ".strategy.rollingUpdate.maxUnavailable", 1),
    ("replaceable", BACKEND + ".progressDeadlineSeconds", None),
    ("replaceable", POD + ".topologySpreadConstraints", None),
    ("replaceable", POD + ".topologySpreadConstraints.0.labelSelector.matchLabels", OTHER),
    ("replaceable", "PodDisruptionBudget counter-app.spec.selector.matchLabels", OTHER),
    ("autoscaler", HPA + ".scaleTargetRef.name", "frontend"),
    ("autoscaler", BACKEND + ".replicas", 2),
    ("autoscaler", HPA + ".maxReplicas", 20),
    ("autoscaler", HPA + ".metrics.0.resource.target.averageUtilization", 90),
    ("autoscaler", HPA + ".behavior.scaleDown", None),
    ("selectors", BACKEND + ".selector.matchLabels", OTHER),
    ("selectors", "Service counter-app-service.spec.selector", OTHER),
    ("selectors", "PodDisruptionBudget pixel-battle-backend.spec.selector.matchLabels", OTHER),
    ("selectors", "NetworkPolicy counter-redis.spec.ingress.0.from.0.podSelector.matchLabels",
     OTHER),
    ("selectors", "Deployment redis.spec.template.metadata.labels", {"app": "counter-app"}),
    ("ports", "Service pixel-battle-frontend.spec.ports.0.targetPort", "web"),
    ("references", REDIS + ".serviceName", "redis"),
    ("references", INGRESS + ".rules.0.http.paths.0.backend.service.port.name", "api"),
    ("references", COUNTER + ".containers.0.env.0.value", "redis"),
    ("references", CONTAINER + ".env.2.value", "redis://redis:6379/0"),
    ("tls", INGRESS + ".tls", None),
    ("tls", INGRESS + ".rules.0.http.paths.1.backend.service.name", "pixel-battle-frontend"),
    ("told_apart", "Service redis-service.metadata.name", "pixel-battle-redis"),
]


@pytest.mark.parametrize("rule, where, value", BREAKS_A_RULE)
def test_a_broken_rule_is_noticed(rule, where, value):
    those = manifests.objects()
    change(those, where, value)
    assert rule in {name for name, _ in policy.problems(those)}


def test_every_rule_is_broken_once():
    assert {rule for rule, _, _ in BREAKS_A_RULE} == {rule.__name__ for rule in policy.RULES}


BREAKS_THE_SCHEMA = [
    (BACKEND + ".replica", 2, "replica: there is no such field"),
    (CONTAINER + ".readinesProbe", {}, "readinesProbe: there is no such field"),
    (CONTAINER + ".image", None, "image: is missing"),
    (CONTAINER + ".image", "pixel-battle-backend", "is not of the form"),
    (CONTAINER + ".ports.0.containerPort", "8000", "must be int"),
    (CONTAINER + ".env.6.value", 5, "must be str"),
    (CONTAINER + ".readinessProbe.httpGet.path", "health", "is not of the form"),
    (CONTAINER + ".resources.limits.memory", "512MB", "is not of the form"),
    (POD + ".terminationGracePeriodSeconds", True, "must be int"),
    (POD + ".volumes.0.secret.secretname", "x", "secretname: there is no such field"),
    (POD + ".containers", [], "must be a list of something"),
    (BACKEND + ".selector", "app", "must have fields"),
    (HPA + ".metrics.0.resource.target.type", "Percentage", "is none of Utilization"),
    ("Ingress pixel-battle.apiVersion", "extensions/v1beta1", "is none of"),
    ("Ingress pixel-battle.kind", "Ingres", "is not described"),
]


@pytest.mark.parametrize("where, value, said", BREAKS_THE_SCHEMA)
def test_a_wrong_field_is_noticed(where, value, said):
    those = manifests.objects()
    change(those, where, value)
    wrong = [problem for one in those for problem in schema.problems_of_manifest(one)]
    assert any(said in problem for problem in wrong), wrong


def test_a_key_that_is_there_twice_is_noticed():
    with pytest.raises(yaml.YAMLError, match="name is there twice"):
        manifests.parse("metadata:\n  name: a\n  name: b\n")
