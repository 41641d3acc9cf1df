"""The front end's files: what is served, cached and compressed how, and nothing beside them."""

import gzip
import re

import pytest
import web

INDEX = b"<!doctype html><title>Pixel Battle</title>" + b"<p>index</p>" * 100
SCRIPT = b"console.log('app');\n" * 200
SECRET = b"a secret beside the front end"


@pytest.fixture(scope="module")
def site(start_shared_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    dist = folder / "dist"
    (dist / "assets").mkdir(parents=True)
    (folder / "secret.txt").write_bytes(SECRET)
    (folder / "dist-secret.txt").write_bytes(SECRET)
    (dist / "index.html").write_bytes(INDEX)
    (dist / "assets/app-Bx3f9aQ1.js").write_bytes(SCRIPT)
    (dist / "assets/app-Bx3f9aQ1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (dist / "assets/app-Bx3f9aQ1.js.br").write_bytes(b"stands for brotli")
    (dist / "assets/style-Cd4e8fR2.css").write_bytes(b"body{}")
    for name in ("icon.svg", "icon-192.png", "manifest.webmanifest", "robots.txt"):
        (dist / name).write_bytes(b"content of " + name.encode())
    return start_shared_server(WEB_DIR=dist)


@pytest.mark.parametrize("path, content_type, body", [
    ("/", "text/html; charset=utf-8", INDEX),
    ("/index.html", "text/html; charset=utf-8", INDEX),
    ("/?tgWebAppStartParam=1", "text/html; charset=utf-8", INDEX),
    ("/assets/app-Bx3f9aQ1.js", "text/javascript", SCRIPT),
    ("/assets/style-Cd4e8fR2.css", "text/css", b"body{}"),
    ("/icon.svg", "image/svg+xml", b"content of icon.svg"),
    ("/icon-192.png", "image/png", b"content of icon-192.png"),
    ("/manifest.webmanifest", "application/manifest+json", b"content of manifest.webmanifest"),
    ("/robots.txt", "text/plain", b"content of robots.txt")])
def test_files_are_served_with_their_types(site, path, content_type, body):
    answer = web.get(site.port, path)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"].startswith(content_type)


def test_what_has_its_hash_in_its_name_is_kept_and_the_rest_is_asked_for_again(site):
    cached = web.get(site.port, "/assets/app-Bx3f9aQ1.js").headers["cache-control"]
    assert "immutable" in cached and int(re.search(r"max-age=(\d+)", cached)[1]) >= 31_536_000
    for path in ("/", "/icon.svg", "/manifest.webmanifest"):
        cached = web.get(site.port, path).headers["cache-control"]
        assert "no-cache" in cached or "max-age=0" in cached, f"{path}: {cached}"


@pytest.mark.parametrize("path", ["/", "/assets/app-Bx3f9aQ1.js", "/icon.svg"])
def test_an_unchanged_file_is_not_sent_again(site, path):
    tag = web.get(site.port, path).headers["etag"]
    answer = web.get(site.port, path, {"If-None-Match": tag})
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert web.get(site.port, path, {"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("accepts, encoding, body", [
    ("br, gzip", "br", b"stands for brotli"), ("gzip, br", "br", b"stands for brotli"),
    ("gzip", "gzip", gzip.compress(SCRIPT)), ("br;q=0, gzip", "gzip", gzip.compress(SCRIPT)),
    ("identity", None, SCRIPT), ("zstd", None, SCRIPT)])
def test_what_was_compressed_beforehand_is_sent_to_who_accepts_it(site, accepts, encoding, body):
    answer = web.get(site.port, "/assets/app-Bx3f9aQ1.js", {"Accept-Encoding": accepts})
    assert answer.headers.get("content-encoding") == encoding
    if encoding == "gzip":
        assert gzip.decompress(answer.body) == SCRIPT
    else:
        assert answer.body == body
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "accept-encoding" in answer.headers["vary"].lower()


def test_the_page_has_a_strict_content_security_policy(site):
    headers = web.get(site.port, "/").headers
    policy = {words[0]: words[1:] for words in
              (part.split() for part in headers["content-security-policy"].split(";")) if words}
    assert policy["default-src"] in (["'self'"], ["'none'"])
    scripts = policy.get("script-src", policy["default-src"])
    assert "'unsafe-inline'" not in scripts and "'unsafe-eval'" not in scripts
    assert "*" not in {source for sources in policy.values() for source in sources}
    assert policy.get("object-src", policy["default-src"]) == ["'none'"]
    assert policy["base-uri"] in (["'none'"], ["'self'"])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")


@pytest.mark.parametrize("path", [
    "/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/%2E%2E%2Fsecret.txt",
    "/..%2fsecret.txt", "/.%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt",
    "/..%5csecret.txt", "/..\\secret.txt", "/%252e%252e/secret.txt", "/....//secret.txt",
    "/./../secret.txt", "//../secret.txt", "/../dist-secret.txt", "/-secret.txt",
    "/%c0%ae%c0%ae/secret.txt", "/index.html%00.js", "/%00", "/etc/passwd", "//etc/passwd",
    "/assets/../../../../../../../etc/passwd", "http://a/../secret.txt", "/;/../secret.txt",
    "/assets/app-Bx3f9aQ1.js/../../../secret.txt"])
def test_nothing_beside_the_front_end_is_served(site, path):
    answer = web.exchange(site.port, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer is not None, "expected an error answer"
    assert answer.status in (400, 404), f"expected 404, got {answer}"
    assert SECRET not in answer.body and b"root:" not in answer.body


@pytest.mark.parametrize("path", ["/assets", "/assets/", "/no.js", "/index", "/assets/app.js",
                                  "/index.html/", "/INDEX.HTML"])
def test_what_is_not_there_is_not_found(site, path):
    answer = web.get(site.port, path)
    assert (answer.status, answer.code()) == (404, "not_found")


def test_files_are_only_read(site):
    for method in ("POST", "PUT", "DELETE"):
        answer = web.request(site.port, method, "/index.html")
        assert (answer.status, answer.code()) == (405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]


def test_without_a_front_end_the_rest_is_served(shared):
    assert web.get(shared.port, "/").status == 404
    assert web.get(shared.port, "/api/canvas").status == 200
