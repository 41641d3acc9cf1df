"""A real nginx before several servers, and a TCP gate that can swallow what passes it."""

import contextlib
import re
import socket
import subprocess
import threading
import time

import web
from server import free_port

CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream backends {{
    zone backends 64k;
    least_conn;
    {servers}
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://backends;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 1s;
      proxy_read_timeout 60s;
      proxy_next_upstream error timeout http_503;
      proxy_next_upstream_tries 3;
    }}
  }}
}}
"""


class Nginx:
    """Balances over the ports. No server is left alone after it failed (max_fails=0): nginx lets
    one request a second through to find out whether it is back, and counts it as back when that
    request has ended, which a WebSocket does not for hours."""

    def __init__(self, folder, ports):
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True)
        servers = "\n    ".join(f"server 127.0.0.1:{port} max_fails=0;"
                                for port in ports)
        self.config = folder / "nginx.conf"
        self.config.write_text(CONFIG.format(folder=folder, port=self.port, servers=servers))
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["nginx", "-e", self.folder / "error.log", "-p", self.folder, "-c", self.config],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                if web.get(self.port, "/health").status == 200:
                    return self
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def log(self):
        path = self.folder / "error.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else "nginx: no log"


class Gate:
    """Passes TCP on to a port. mute() makes the connections on which the pattern was seen swallow
    what the server sends from then on, without closing; later connections are whole."""

    def __init__(self, target, pattern=rb"\bSUBSCRIBE\b"):
        self.target, self.pattern = target, re.compile(pattern)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.swallowed = 0  # bytes
        self._muted, self._matching = set(), set()
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def mute(self):
        self._muted = set(self._matching)
        return len(self._muted)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target), 5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                for sock in (near, far):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets += [near, far]
                for what in ((near, far, near, True), (far, near, near, False)):
                    threading.Thread(target=self._pump, args=what, daemon=True).start()

    def _pump(self, source, target, name, to_server):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if to_server and self.pattern.search(data):
                    self._matching.add(name)
                if not to_server and name in self._muted:
                    self.swallowed += len(data)
                else:
                    target.sendall(data)
        self._matching.discard(name)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
