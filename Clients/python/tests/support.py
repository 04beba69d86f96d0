"""A web server, and a runner program with its pipes, for the tests."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = ROOT.parent.parent
VECTORS = REPOSITORY / "Tests" / "LoadsWireTests" / "Vectors"
#: What plans come to, as Swift's tests record it.
PLANS = REPOSITORY / "Tests" / "LoadsCoreTests" / "Vectors" / "plans.json"


class Server:
    """HTTP/1.1 with keep-alive: `/`, `/slow` (60 s), `/redirect`, `/cookie`, `/echo`, `/gone` (404)."""

    def __init__(self) -> None:
        self.connections: set[tuple] = set()
        self.requests: list[str] = []
        self.cookies: list[str | None] = []
        self.bodies: list[bytes] = []
        #: How many bytes each request was, its head included.
        self.received: list[int] = []
        #: How many bytes each of what was written into a connection was.
        self.sent: list[int] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def setup(self) -> None:
                super().setup()
                write = self.wfile.write
                self.wfile.write = lambda data: outer.sent.append(len(data)) or write(data)

            def _answer(self) -> None:
                outer.connections.add(self.client_address)
                outer.requests.append(self.path)
                outer.cookies.append(self.headers.get("Cookie"))
                length = int(self.headers.get("Content-Length") or 0)
                outer.bodies.append(self.rfile.read(length))
                # The line, the fields as they were written, the empty line.
                fields = sum(len(f"{key}: {value}\r\n") for key, value in self.headers.items())
                outer.received.append(len(self.raw_requestline) + fields + 2 + length)
                if self.path == "/slow":
                    outer.release.wait(60)
                status = {"/redirect": 302, "/gone": 404}.get(self.path, 200)
                body = b"Tarek wrote this"
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/")
                if self.path == "/cookie":
                    self.send_header("Set-Cookie", "id=7; Path=/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = _answer

        self.release = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self._server.request_queue_size = 512
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


class Runner:
    """A program as an agent starts it for the dialect `lines`."""

    def __init__(self, code: str, plan: dict | None, first: dict | None = None, **options) -> None:
        """`first`: another first line than one with the plan. `options`: the process's."""
        read, write = os.pipe()
        program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nimport loads, time\n" + code
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, pass_fds=[write],
            env={**os.environ, "LOADS_RESULTS_FD": str(write)}, **options)
        os.close(write)
        self._results = os.fdopen(read, "rb")
        #: Its first line: what it knows.
        self.knows = json.loads(self._results.readline() or "{}").get("knows")
        self.start_ns = time.monotonic_ns()
        self.tell(first or {"plan": plan, "run": "r", "agent": "a", "t": 0})

    def tell(self, command: dict) -> None:
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()

    def records(self):
        """What it reports, as it comes."""
        for line in self._results:
            yield json.loads(line)

    def rest(self) -> list[dict]:
        """Everything that it still reports; then it must have ended well."""
        records = list(self.records())
        self.close()
        if self.process.wait(60) != 0:
            raise AssertionError(f"the runner ended with {self.process.returncode}")
        return records

    def close(self) -> None:
        self._results.close()
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
