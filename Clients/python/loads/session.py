"""A session in the manner of `requests`, on the standard library's http.client: each call is one measured hit."""

from __future__ import annotations

import functools
import http.client
import json as _json
import re
import socket
import ssl
import threading
import time
from urllib.parse import urlencode, urljoin, urlsplit

#: Statuses that lead to another URL.
_REDIRECTS = {301, 302, 303, 307, 308}
_PASSWORD = re.compile(r"^([^/?#:]*://[^/?#:]*):[^/?#]*@")


def shown(url: str) -> str:
    """The URL where others read it: with `***` in place of its password."""
    return _PASSWORD.sub(r"\1:***@", url)


class RequestError(Exception):
    """No complete response came. `kind` is one word, as reports show it: resolve, connect, tls, timeout, reset …"""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class StatusError(Exception):
    """`raise_for_status()` on a response whose status is 400 or above."""


class Response:
    """A complete response. Any status is a response, 500 included."""

    def __init__(self, url: str, status: int, headers: http.client.HTTPMessage, content: bytes) -> None:
        self.url = url
        self.status = status
        self.headers = headers
        self.content = content

    @property
    def status_code(self) -> int:
        return self.status

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def text(self) -> str:
        charset = self.headers.get_content_charset() or "utf-8"
        try:
            return self.content.decode(charset, "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self):
        return _json.loads(self.content)

    def raise_for_status(self) -> "Response":
        if not self.ok:
            raise StatusError(f"{self.url} answered {self.status}")
        return self


class _Counting:
    """Counts what goes through a connection: heads and bodies, as HTTP has them (in TLS, what is encrypted)."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.written = 0
        self.taken = 0
        self.response_class = functools.partial(_Reply, self)

    def send(self, data) -> None:
        super().send(data)
        self.written += len(data)


class _Reply(http.client.HTTPResponse):
    def __init__(self, connection: _Counting, sock: socket.socket, *arguments, **options) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = _Reader(self.fp, connection)


class _Reader:
    """What a response is read from: as much of a file as `http.client` uses."""

    def __init__(self, file, connection: _Counting) -> None:
        self._file = file
        self._connection = connection

    def read(self, *size: int) -> bytes:
        data = self._file.read(*size)
        self._connection.taken += len(data)
        return data

    def readline(self, *limit: int) -> bytes:
        line = self._file.readline(*limit)
        self._connection.taken += len(line)
        return line

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class _Plain(_Counting, http.client.HTTPConnection):
    pass


class _Secure(_Counting, http.client.HTTPSConnection):
    pass


class Connections:
    """A user's connections: one for each origin, kept alive from iteration to iteration."""

    def __init__(self, verify: bool = True) -> None:
        self._open: dict[tuple, _Plain | _Secure] = {}
        self._verify = verify
        self._lock = threading.Lock()
        self._cut = False

    def take(self, scheme: str, host: str, port: int | None, timeout: float) -> tuple[_Plain | _Secure, bool]:
        """A connection for one exchange, and whether it has been used before."""
        with self._lock:
            if self._cut:
                raise RequestError("cancelled", "the run was told to end")
            key = (scheme, host, port)
            connection = self._open.get(key)
            if connection is None:
                if scheme == "https":
                    context = ssl.create_default_context()
                    if not self._verify:
                        context.check_hostname = False
                        context.verify_mode = ssl.CERT_NONE
                    connection = _Secure(host, port, timeout=timeout, context=context)
                else:
                    connection = _Plain(host, port, timeout=timeout)
                self._open[key] = connection
            used = connection.sock is not None
            connection.timeout = timeout
            if used:
                connection.sock.settimeout(timeout)
            return connection, used

    @property
    def is_cut(self) -> bool:
        """Whether what fails has been cut off, and is not the server's doing."""
        return self._cut

    def close(self) -> None:
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    def cut(self) -> None:
        """From another thread: whatever waits for a response fails at once, and so does what is asked for later."""
        with self._lock:
            self._cut = True
            for connection in self._open.values():
                if connection.sock is not None:
                    try:
                        connection.sock.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass


class Session:
    """Sends requests and records each call as one hit, redirects included.

    A session starts clean in every iteration: its cookies (kept by host) and default headers are its own, the
    connections are the user's.
    """

    def __init__(self, record, base: str | None = None, connections: Connections | None = None,
                 timeout: float = 60.0, clock=time.perf_counter) -> None:
        self.base = base
        self.headers: dict[str, str] = {}
        self.cookies: dict[str, dict[str, str]] = {}
        self.timeout = timeout
        self._record = record
        self._connections = connections or Connections()
        self._clock = clock

    def get(self, url: str, **options) -> Response:
        return self.request("GET", url, **options)

    def head(self, url: str, **options) -> Response:
        return self.request("HEAD", url, **options)

    def post(self, url: str, **options) -> Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options) -> Response:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options) -> Response:
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options) -> Response:
        return self.request("DELETE", url, **options)

    def request(self, method: str, url: str, *, params: dict | None = None, headers: dict | None = None,
                data: bytes | str | dict | None = None, json=None, name: str | None = None,
                timeout: float | None = None, allow_redirects: bool = True) -> Response:
        """Performs a request.

        - `url`: absolute, or relative to the run's server or the session's `base`.
        - `name`: under which the hit is counted; by default the method and the path.
        - `timeout`: seconds for each wait on the connection; the session's own by default.

        Returns the response, whatever its status. Raises RequestError when no complete one came; the hit is recorded.
        """
        method = method.upper()
        if self.base:
            url = urljoin(self.base, url)
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, doseq=True)
        sent = {**self.headers, **(headers or {})}
        body = _body(data, json, sent)
        hit = {
            "method": method, "url": shown(url), "name": name or f"{method} {urlsplit(url).path or '/'}", "status": None,
            "bytes": 0, "bytes_sent": 0, "requests": 0, "error": None,
        }
        start = self._clock()
        try:
            return self._follow(hit, method, url, sent, body, timeout or self.timeout, allow_redirects)
        except RequestError as error:
            hit["error"] = error.kind
            hit["status"] = None
            raise
        finally:
            self._record(hit, start, self._clock())

    def _follow(self, hit, method, url, headers, body, timeout, allow_redirects) -> Response:
        for _ in range(21):
            response = self._exchange(hit, method, url, headers, body, timeout)
            hit["status"] = response.status
            place = response.headers.get("Location")
            if not (allow_redirects and response.status in _REDIRECTS and place):
                return response
            target = urljoin(url, place)
            if urlsplit(target).netloc != urlsplit(url).netloc:
                # What proves who we are is not for another server.
                headers = {key: value for key, value in headers.items() if key.lower() != "authorization"}
            url = target
            if response.status == 303 and method != "HEAD" or response.status in (301, 302) and method == "POST":
                method, body = "GET", None
                headers = {key: value for key, value in headers.items() if not key.lower().startswith("content-")}
        raise RequestError("tooManyRedirects", f"more than 20 redirects from {hit['url']}")

    def _exchange(self, hit, method, url, headers, body, timeout) -> Response:
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise RequestError("badURL", f"{url}: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise RequestError("badURL", f"{url}: not an absolute http or https URL (is the run's --server-url set?)")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        cookies = self.cookies.get(host)
        if cookies:
            headers = {**headers, "Cookie": "; ".join(f"{key}={value}" for key, value in cookies.items())}
        hit["requests"] += 1
        while True:
            connection, used = self._connections.take(parts.scheme, host, port, timeout)
            written, taken = connection.written, connection.taken
            try:
                connection.request(method, target, body=body, headers=headers)
                reply = connection.getresponse()
                content = reply.read()
            except Exception as error:
                fresh = connection.sock is None and not used
                connection.close()
                # A server may close a connection that nobody uses; it has not seen this request then.
                idle = isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError))
                if self._connections.is_cut:
                    raise RequestError("cancelled", "the run was told to end") from error
                if used and idle and method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
                    continue
                raise _translated(error, url, fresh) from error
            finally:
                hit["bytes_sent"] += connection.written - written
                hit["bytes"] += connection.taken - taken
            break
        self._keep_cookies(host, reply.headers)
        return Response(url, reply.status, reply.headers, content)

    def _keep_cookies(self, host: str, headers: http.client.HTTPMessage) -> None:
        for line in headers.get_all("Set-Cookie") or []:
            pair, *attributes = line.split(";")
            key, sign, value = pair.partition("=")
            if not sign:
                continue
            gone = any(text.strip().lower() in ("max-age=0", "max-age=-1") for text in attributes)
            jar = self.cookies.setdefault(host, {})
            if gone:
                jar.pop(key.strip(), None)
            else:
                jar[key.strip()] = value.strip()


def _body(data, json, headers: dict) -> bytes | None:
    given = {key.lower() for key in headers}
    if json is not None:
        if "content-type" not in given:
            headers["Content-Type"] = "application/json"
        return _json.dumps(json).encode()
    if isinstance(data, dict):
        if "content-type" not in given:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return urlencode(data, doseq=True).encode()
    return data.encode() if isinstance(data, str) else data


def _translated(error: Exception, url: str, connecting: bool) -> RequestError:
    """An error of the library by the word that reports show."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, socket.gaierror):
        return RequestError("resolve", f"{url}: {error}")
    if isinstance(error, ssl.SSLError):
        return RequestError("tls", f"{url}: {error}")
    if isinstance(error, TimeoutError):
        return RequestError("connect" if connecting else "timeout", f"{url}: timed out")
    if isinstance(error, ConnectionRefusedError) or (connecting and isinstance(error, OSError)):
        return RequestError("connect", f"{url}: {error}")
    if isinstance(error, (OSError, http.client.RemoteDisconnected, http.client.IncompleteRead)):
        return RequestError("reset", f"{url}: {error}")
    if isinstance(error, http.client.HTTPException):
        return RequestError("protocol", f"{url}: {error!r}")
    if isinstance(error, (ValueError, UnicodeError)):
        return RequestError("badURL", f"{url}: {error}")
    raise error
