"""Bad input to the counter gets a clear error, changes nothing, and harms nobody else."""

import counter
import pytest
import web

TEN_MB = 10 * 1024 * 1024
HUGE = "9" * 60


@pytest.fixture(autouse=True)
def nothing_changes_and_the_server_lives(shared_counters):
    before = shared_counters.listed()
    yield
    assert web.get(shared_counters.port, "/health").status == 200
    assert shared_counters.listed() == before, "expected every counter as it was"


@pytest.fixture(scope="module", autouse=True)
def something_to_lose(shared_counters):
    for _ in range(3):
        shared_counters.press()


def check_error(answer, *expected):
    """One of the (status, code) pairs, with a message for people."""
    assert answer is not None, "expected an error answer, but the connection was just closed"
    error = answer.json()["error"]
    assert (answer.status, error["code"]) in set(expected), f"expected {expected}, got {answer}"
    assert error["message"], "an error says something to people"
    assert answer.headers["x-served-by"] == "replica-0"
    assert set(answer.json()) == {"error"}


# --- Names --------------------------------------------------------------------------------------

BAD_NAMES = [".", "..", "x" * 65, "x" * 5000, "%20", "a%20b", "%61", "%00", "%2e", "%2E%2E",
             "a%2Fb", "%", "%zz", "a+b", "a,b", "a:b", "a~b", "a*b", "(a)", "a'b", "a@b", "a=b",
             "a;b=c", "%D0%BA", "%ff", "%F0%9F%8E%A8", "{name}", "<script>", '"', "\\"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused_by_every_verb(shared_counters, name):
    for verb in (None, "events"):
        check_error(web.get(shared_counters.port, counter.path(name, verb)), (400, "bad_name"))
    for verb in counter.VERBS:
        check_error(shared_counters.post(verb, name), (400, "bad_name"))


@pytest.mark.parametrize("name", ["ключ", "\x80", "\xff\xfe"])
def test_bytes_that_are_no_ascii_are_no_name(shared_counters, name):
    head = f"POST {counter.path(name, 'increment')} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
    answer = web.exchange(shared_counters.port, f"{head}\r\n".encode())
    check_error(answer, (400, "bad_name"), (400, "bad_request"))


def test_no_name_at_all_is_no_counter(shared_counters):
    expected = (400, "bad_name"), (404, "not_found")
    check_error(web.get(shared_counters.port, "/api/counters/"), *expected)
    check_error(web.post(shared_counters.port, "/api/counters//increment"), *expected)


# --- Bodies -------------------------------------------------------------------------------------

BODIES = [
    "[]", "null", "0", "1", "-1", "true", '""', "{", "}", "{}{}", "{}x", "x{}", "{,}", "{} {}",
    '{"value":5}', '{"by":-1}', '{"name":"default"}', f'{{"value":{HUGE[:40]}}}', HUGE, f"-{HUGE}",
    '{"value":1e999}', '{"value":9223372036854775808}', '{"":{}}', "\0", "{}\0", "[" * 60, "NaN",
    "\xff", "increment=1", "--boundary", "\ufeff{}",
]  # fmt: skip


@pytest.mark.parametrize("verb", counter.VERBS)
@pytest.mark.parametrize("body", BODIES)
def test_a_body_with_anything_in_it_is_refused(shared_counters, verb, body):
    headers = {"Content-Type": "application/json"}
    answer = shared_counters.post(verb, body=body.encode(), headers=headers)
    check_error(answer, (400, "bad_request"))


@pytest.mark.parametrize("content_type", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/jsonp", "application/json-patch+json", "json", "text/json", "*/*"])
def test_another_content_type_is_refused(shared_counters, content_type):
    answer = shared_counters.post(body=b"{}", headers={"Content-Type": content_type})
    check_error(answer, (415, "not_json"))


@pytest.mark.parametrize("size", [4096, 16_385, TEN_MB])
@pytest.mark.parametrize("fill", [b"[", b" "], ids=["brackets", "spaces"])
def test_a_body_too_large_is_refused(shared_counters, size, fill):
    with web.Raw(shared_counters.port) as raw:
        raw.send(("POST /api/counter/increment HTTP/1.1\r\nHost: a\r\nContent-Length: "
                  f"{size}\r\nContent-Type: application/json\r\n\r\n").encode())
        raw.send(fill * size)
        check_error(raw.response(), (413, "too_large"))


def test_a_body_too_large_is_refused_before_it_is_sent(shared_counters):
    check_error(web.exchange(shared_counters.port, (
        "POST /api/counter/reset HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"Content-Length: {TEN_MB}\r\nExpect: 100-continue\r\n\r\n").encode()), (413, "too_large"))


def test_a_chunked_body_too_large_is_refused(shared_counters):
    with web.Raw(shared_counters.port) as raw:
        raw.send(b"POST /api/counter/increment HTTP/1.1\r\nHost: a\r\n"
                 b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(TEN_MB // 65536):
            if not raw.send(b"10000\r\n" + b"[" * 65536 + b"\r\n"):
                break
        check_error(raw.response(), (413, "too_large"))
        assert raw.is_closed(), "the rest of the body must not be read as a request"


@pytest.mark.parametrize("length", ["-1", "+0", "0x0", "1e3", "18446744073709551616", HUGE, "0, 2",
                                    "two", ""])
def test_a_length_that_is_none_is_refused(shared_counters, length):
    answer = web.exchange(shared_counters.port, (
        "POST /api/counter/increment HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {length}\r\n\r\n").encode())
    check_error(answer, (400, "bad_request"), (413, "too_large"))


# --- Idempotency keys ---------------------------------------------------------------------------

KEYS = ["", "k" * 65, "k" * 5000, "two words", "ключ", "tab\tkey", "é",
        "k\r\nIdempotency-Key: other", "k\r\nIdempotency-Key: k"]


@pytest.mark.parametrize("key", KEYS, ids=[key[:12] for key in KEYS[:-2]] + ["two", "twice"])
@pytest.mark.parametrize("verb", counter.VERBS)
def test_a_bad_idempotency_key_is_refused(shared_counters, verb, key):
    head = (f"POST /api/counter/{verb} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
            f"Idempotency-Key: {key}\r\n\r\n")
    check_error(web.exchange(shared_counters.port, head.encode()), (400, "bad_idempotency_key"))


# --- Headers, methods, addresses ----------------------------------------------------------------


@pytest.mark.parametrize("field", ["X: " + "b" * 20_000, "\r\n".join(["X: c"] * 4_000),
                                   "d" * 20_000 + ": e", "Idempotency-Key: " + "k" * 20_000],
                         ids=["one field", "many fields", "field name", "key"])
def test_a_header_too_large_is_refused(shared_counters, field):
    head = ("POST /api/counter/increment HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
            f"{field}\r\n\r\n")
    answer = web.exchange(shared_counters.port, head.encode())
    check_error(answer, (431, "header_too_large"))


READS = ["/api/counter", "/api/counter/events", "/api/counters", "/api/counters/default",
         "/api/counters/default/events"]
PRESSES = [counter.path(name, verb) for name in (None, "default") for verb in counter.VERBS]
WRONG = [*((method, path, {"GET", "HEAD"}) for path in READS
           for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")),
         *((method, path, {"POST"}) for path in PRESSES
           for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"))]


@pytest.mark.parametrize("method, path, allow", WRONG)
def test_a_wrong_method_is_told_the_right_one(shared_counters, method, path, allow):
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
    answer = web.exchange(shared_counters.port, head, head=method == "HEAD")
    assert set(answer.headers["allow"].split(", ")) == allow
    assert answer.status == 405
    if method != "HEAD":
        check_error(answer, (405, "method_not_allowed"))


@pytest.mark.parametrize("method", ["INCREMENT", "increment", "post", "P" * 1000])
def test_a_method_that_nobody_knows_is_refused(shared_counters, method):
    head = f"{method} /api/counter/increment HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    answer = web.exchange(shared_counters.port, head.encode())
    check_error(answer, (400, "bad_request"), (405, "method_not_allowed"), (501, "bad_request"))


@pytest.mark.parametrize("path", [
    "/api", "/api/", "/api/counter/", "/api/counter/double", "/api/counter/increment/",
    "/api/counter/increment/2", "/api/counter/INCREMENT", "/API/counter/increment",
    "//api/counter/increment", "/api//counter/increment", "/api/counters/a/double",
    "/api/counters/a/increment/b", "/api/counters/a/b/c", "/api/pixels", "/api/canvas", "/ws",
    "/api/auth/guest", "/api/../api/counter/increment", "/health/", "/nothing"])
def test_an_unknown_address_is_not_found(shared_counters, path):
    check_error(web.get(shared_counters.port, path), (404, "not_found"))
    check_error(web.post(shared_counters.port, path), (404, "not_found"))


# --- Limits that operators set ------------------------------------------------------------------


def test_who_asks_too_often_is_told_when_to_come_back_and_nothing_is_counted(counters):
    counters = counters(RATE_LIMIT_PER_ADDRESS=5)
    answers = [counters.post() for _ in range(40)]
    counted = [answer for answer in answers if answer.status == 200]
    limited = [answer for answer in answers if answer.status != 200]
    assert counted and limited
    for answer in limited:
        check_error(answer, (429, "rate_limited"))
        assert int(answer.headers["retry-after"]) >= 1
    counters.stop()
    for replica in counters.replicas:
        replica.start(RATE_LIMIT_PER_ADDRESS=0)
    assert counters.value() == len(counted)
