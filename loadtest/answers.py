"""What an HTTP answer says, and how to ask once on a connection of its own. Plain Python."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field

TIMEOUT_S = 15
RETRY_AFTER_MAX_S = 30

# A load test meets servers on the way to their certificate, too.
ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


@dataclass
class Answer:
    status: int  # 0: there was none, and `failure` says why
    headers: dict = field(default_factory=dict)  # lower-case names
    body: bytes = b""
    failure: str = ""

    @property
    def served_by(self):
        """The replica's name, or None."""
        return self.headers.get("x-served-by")

    @property
    def retry_after_s(self):
        """What the server asks to wait; a second if it does not say, or not in seconds."""
        said = self.headers.get("retry-after", "")
        return min(int(said), RETRY_AFTER_MAX_S) if said.isdecimal() else 1

    @property
    def code(self):
        """The `code` of an error answer, or "" when it is not one of ours (a proxy's, say)."""
        error = self.object().get("error") if self.status >= 400 else None
        return str(error.get("code", "")) if isinstance(error, dict) else ""

    def object(self):
        """The JSON object of the body; empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def __str__(self):
        return f"{self.status} {self.code}".strip() if self.status else self.failure


def lower(pairs):
    return {name.lower(): value for name, value in pairs}


def ask(host, path, method="GET", headers=None, timeout_s=TIMEOUT_S, body=b""):
    """The Answer of `host`, such as http://localhost, on a new connection; never raises OSError."""
    request = urllib.request.Request(host + path, method=method, headers=dict(headers or {}),
                                     data=body if method == "POST" else None)
    if method == "POST":
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s, context=ANY_CERTIFICATE) as reply:
            return Answer(reply.status, lower(reply.headers.items()), reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, lower(error.headers.items()), error.read())
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Answer(0, failure=f"no answer: {reason}")


def application_at(host):
    """"counter" or "canvas", whichever answers at the host, and None with a reason if none does."""
    counter = ask(host, "/api/counter")
    if counter.status == 200 and "value" in counter.object():
        return "counter", ""
    canvas = ask(host, "/api/canvas")
    if canvas.status == 200 and "epoch" in canvas.object():
        return "canvas", ""
    return None, (f"neither application answers at {host}: GET /api/counter: {counter}; "
                  f"GET /api/canvas: {canvas}")
