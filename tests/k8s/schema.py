"""What the manifests may say: the kinds and fields of Kubernetes that the project uses.

A description is a type, a pattern for text, a set of allowed values, [of the items], {"*": of
every value}, {field: description} where a field ending in "!" must be there, or a tuple of
alternatives. A field that is not described is an error: Kubernetes itself would drop it silently.
"""

import re

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
IMAGE = re.compile(r"[a-z0-9][a-z0-9.:/_-]*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
PATH = re.compile(r"/.*")
PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")

LABELS = {"*": LABEL}
PORT = (int, PORT_NAME)
METADATA = {"name!": NAME, "labels": LABELS, "annotations": {"*": str}}
SELECTOR = {"matchLabels!": LABELS}
AMOUNTS = {"cpu": QUANTITY, "memory": QUANTITY, "storage": QUANTITY}
EXEC = {"command!": [str]}

TIMES = {"initialDelaySeconds": int, "periodSeconds": int, "timeoutSeconds": int,
         "failureThreshold": int, "successThreshold": int}
PROBE = (TIMES | {"httpGet!": {"path!": PATH, "port!": PORT}}, TIMES | {"exec!": EXEC},
         TIMES | {"tcpSocket!": {"port!": PORT}})

ENV = ({"name!": str, "value!": str},
       {"name!": str, "valueFrom!": {"resourceFieldRef!": {"resource!": {"limits.cpu"}}}})

CONTAINER = {
    "name!": NAME, "image!": IMAGE, "imagePullPolicy": {"IfNotPresent", "Always", "Never"},
    "command": [str], "args": [str],
    "ports": [{"name": PORT_NAME, "containerPort!": int, "protocol": {"TCP", "UDP"}}],
    "env": [ENV],
    "startupProbe": PROBE, "livenessProbe": PROBE, "readinessProbe": PROBE,
    "lifecycle": {"preStop!": {"exec!": EXEC}},
    "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
    "securityContext": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool,
                        "capabilities": {"add": [str], "drop": [str]}},
    "volumeMounts": [{"name!": NAME, "mountPath!": PATH, "readOnly": bool}],
}

VOLUME = (
    {"name!": NAME, "secret!": {"secretName!": NAME, "defaultMode": int}},
    {"name!": NAME, "emptyDir!": {"sizeLimit": QUANTITY}},
    {"name!": NAME, "persistentVolumeClaim!": {"claimName!": NAME}},
)

POD = {
    "metadata!": {"labels!": LABELS, "annotations": {"*": str}},
    "spec!": {
        "automountServiceAccountToken": bool, "enableServiceLinks": bool,
        "terminationGracePeriodSeconds": int,
        "securityContext": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int,
                            "fsGroup": int, "seccompProfile": {"type!": {"RuntimeDefault"}}},
        "topologySpreadConstraints": [{
            "maxSkew!": int, "topologyKey!": str,
            "whenUnsatisfiable!": {"ScheduleAnyway", "DoNotSchedule"},
            "labelSelector!": SELECTOR}],
        "containers!": [CONTAINER], "initContainers": [CONTAINER], "volumes": [VOLUME],
    },
}

CLAIM = {"accessModes!": [{"ReadWriteOnce"}], "storageClassName": str,
         "resources!": {"requests!": {"storage!": QUANTITY}}}
METRIC = {"type!": {"Resource"},
          "resource!": {"name!": {"cpu", "memory"},
                        "target!": {"type!": {"Utilization"}, "averageUtilization!": int}}}
SCALING = {"stabilizationWindowSeconds": int, "selectPolicy": {"Max", "Min", "Disabled"},
           "policies!": [{"type!": {"Percent", "Pods"}, "value!": int, "periodSeconds!": int}]}
BACKEND = {"service!": {"name!": NAME, "port!": ({"name!": PORT_NAME}, {"number!": int})}}

# kind → (apiVersion, the fields beside apiVersion, kind and metadata)
KINDS = {
    "Service": ("v1", {"spec!": {
        "type": {"ClusterIP", "LoadBalancer", "NodePort"}, "selector!": LABELS,
        "ports!": [{"name": PORT_NAME, "port!": int, "targetPort": PORT}]}}),
    "PersistentVolumeClaim": ("v1", {"spec!": CLAIM}),
    "Deployment": ("apps/v1", {"spec!": {
        "replicas": int, "minReadySeconds": int, "progressDeadlineSeconds": int,
        "revisionHistoryLimit": int,
        "strategy": ({"type!": {"Recreate"}},
                     {"type!": {"RollingUpdate"},
                      "rollingUpdate": {"maxUnavailable": int, "maxSurge": int}}),
        "selector!": SELECTOR, "template!": POD}}),
    "StatefulSet": ("apps/v1", {"spec!": {
        "replicas": int, "serviceName!": NAME, "selector!": SELECTOR, "template!": POD,
        "volumeClaimTemplates": [{"metadata!": {"name!": NAME}, "spec!": CLAIM}]}}),
    "HorizontalPodAutoscaler": ("autoscaling/v2", {"spec!": {
        "scaleTargetRef!": {"apiVersion!": {"apps/v1"}, "kind!": {"Deployment"}, "name!": NAME},
        "minReplicas!": int, "maxReplicas!": int, "metrics!": [METRIC],
        "behavior": {"scaleUp": SCALING, "scaleDown": SCALING}}}),
    "PodDisruptionBudget": ("policy/v1", {"spec!": {
        "maxUnavailable": int, "minAvailable": int, "selector!": SELECTOR}}),
    "NetworkPolicy": ("networking.k8s.io/v1", {"spec!": {
        "podSelector!": SELECTOR, "policyTypes!": [{"Ingress", "Egress"}],
        "ingress": [{"from": [{"podSelector!": SELECTOR}],
                     "ports": [{"protocol!": {"TCP"}, "port!": int}]}]}}),
    "Ingress": ("networking.k8s.io/v1", {"spec!": {
        "ingressClassName": NAME, "tls": [{"hosts!": [str], "secretName!": NAME}],
        "rules!": [{"host!": str, "http!": {"paths!": [{
            "path!": PATH, "pathType!": {"Prefix", "Exact"}, "backend!": BACKEND}]}}]}}),
}


def problems(value, description, at=""):
    """What is wrong with a value, one line each."""
    if isinstance(description, tuple):
        yield from problems_of_alternatives(value, description, at)
    elif isinstance(description, dict):
        yield from problems_of_fields(value, description, at)
    elif isinstance(description, list):
        if not isinstance(value, list) or not value:
            yield f"{at}: must be a list of something, is {value!r}"
            return
        for number, item in enumerate(value):
            yield from problems(item, description[0], f"{at}[{number}]")
    elif isinstance(description, set):
        if not isinstance(value, str) or value not in description:
            yield f"{at}: {value!r} is none of {', '.join(sorted(description))}"
    elif isinstance(description, re.Pattern):
        if not isinstance(value, str) or not description.fullmatch(value):
            yield f"{at}: {value!r} is not of the form {description.pattern}"
    elif type(value) is not description:  # a bool is no int here
        yield f"{at}: {value!r} must be {description.__name__}"


def problems_of_alternatives(value, descriptions, at):
    """None, if it fits one of them; otherwise what is wrong with the one that is nearest."""
    yield from min((list(problems(value, one, at)) for one in descriptions), key=len)


def problems_of_fields(value, fields, at):
    if not isinstance(value, dict):
        yield f"{at}: must have fields, is {value!r}"
        return
    known = {name.rstrip("!"): description for name, description in fields.items()}
    for name, inner in value.items():
        description = known.get(name, fields.get("*"))
        if description is None:
            yield f"{at}.{name}: there is no such field"
        else:
            yield from problems(inner, description, f"{at}.{name}")
    for name in fields:
        if name.endswith("!") and name[:-1] not in value:
            yield f"{at}.{name[:-1]}: is missing"


def problems_of_manifest(manifest):
    """Of one object of a file."""
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    if kind not in KINDS:
        yield f"kind {kind!r}: is not described in tests/k8s/schema.py"
        return
    version, fields = KINDS[kind]
    whole = {"apiVersion!": {version}, "kind!": {kind}, "metadata!": METADATA} | fields
    yield from problems(manifest, whole, kind)
