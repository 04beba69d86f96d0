"""The runner of URL targets, which the agent brings along: each iteration of a user is one request.

The agent starts it as `python -m loads.url_runner FILE`; the file holds the order's options as JSON.
"""

from __future__ import annotations

import json
import os
import sys

from .runner import User, run
from .session import RequestError, Response

#: How much of a body `--debug-requests` shows.
SHOWN = 2000


def command_for(options: dict, directory: str) -> tuple[list[str], dict[str, str]]:
    """How the agent starts it: the arguments, and what is added to the environment."""
    path = os.path.join(directory, "url.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(options, file)
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return [sys.executable, "-m", "loads.url_runner", path], {"PYTHONPATH": search}


class Visit:
    """What each user does: one request an iteration. The iteration is ok when the hit is."""

    def __init__(self, options: dict) -> None:
        """`options`: arrays of strings: `url`, `method`, `header` (`Name: value`), `body`, `name`, `debug`."""
        def option(key: str) -> str | None:
            return (options.get(key) or [None])[0]

        self._url = option("url")
        if not self._url:
            raise ValueError("the URL runner was started without a URL: a fault of loads")
        self._method = option("method") or "GET"
        self._headers: dict[str, str] = {}
        for header in options.get("header") or []:
            name, value = (part.strip() for part in header.split(":", 1))
            # The same one twice is a list.
            self._headers[name] = f"{self._headers[name]}, {value}" if name in self._headers else value
        body = option("body")
        self._body = body.encode() if body is not None else None
        self._name = option("name")
        self._shows = option("debug") is not None

    def __call__(self, user: User) -> None:
        shows = self._shows and user.iteration == 0 and user.number == user.first_user
        try:
            response = user.request(
                self._method, self._url, headers=self._headers, data=self._body, name=self._name)
        except RequestError as error:
            user.had_failure = True
            if shows:
                user.note(f"> {self._method} {self._url}\n! {error}")
            return
        user.had_failure = not response.ok
        if shows:
            user.note(self._text(response))

    def _text(self, response: Response) -> str:
        lines = [f"> {self._method} {self._url}", *(f"> {key}: {value}" for key, value in self._headers.items())]
        lines += [f"< {response.status}", *(f"< {key}: {value}" for key, value in response.headers.items())]
        return "\n".join([*lines, "", response.text[:SHOWN]])


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        run(Visit(json.load(file)))


if __name__ == "__main__":
    main()
