"""A complete agent: `python -m loads.agent --master tcp://127.0.0.1:7780` (Docs/WireProtocol.md)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import fcntl
import os
import re
import shutil
import socket
import tempfile
from typing import BinaryIO

from . import needs

if __name__ == "__main__":
    needs.check()

from .child import reserve_descriptors
from .keys import Keys, KeysError
from .serving import Agent


def _labels(value: str) -> dict[str, str]:
    labels = {}
    for pair in filter(None, value.split(",")):
        key, sign, content = pair.partition("=")
        if not sign or not key:
            raise argparse.ArgumentTypeError(f"{pair}: not a label (try zone=b)")
        labels[key] = content
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loads.agent", description="A load-testing agent in Python.")
    parser.add_argument("--master", required=True, help="the master's control address: tcp://HOST:7780")
    parser.add_argument("--name", help="the name that people see; the host's by default")
    parser.add_argument("--id", help="the stable identity; with keys it is the key's name. The name by default")
    parser.add_argument("--labels", type=_labels, default={}, help="a=b,c=d: what the master may choose agents by")
    parser.add_argument("--data", help="directory of shipped files and of results that the master does not have: "
                        "an agent that was killed goes on with them. By default files are temporary, results in memory")
    parser.add_argument("--keys", help="directory of CURVE keys")
    parser.add_argument("--orphan-timeout", type=float, default=120.0, metavar="SECONDS",
                        help="how long runners go on while the master is away")
    parser.add_argument("--files-limit", type=int, default=4096, metavar="MIB",
                        help="shipped files kept at most for later runs: those not used for the longest time go first")
    options = parser.parse_args()
    name = options.name or f"{socket.gethostname()}-python"
    identity = options.id or re.sub(r"[^A-Za-z0-9_.-]", "-", name).lstrip(".")[:64] or "python"
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}", identity):
        parser.error(f"--id {identity}: 1 to 64 letters, digits, '-', '_' or '.', not beginning with a dot")
    if not re.fullmatch(r"tcp://(\[[0-9a-fA-F:.]+\]|[^:/\[\]]+):\d+", options.master):
        parser.error(f"--master {options.master}: not an address (try tcp://127.0.0.1:7780)")
    if options.files_limit < 0:
        parser.error(f"--files-limit {options.files_limit}: MiB, at least 0")
    try:
        keys = Keys.for_agent(options.keys, options.master)
    except KeysError as error:
        parser.error(str(error))
    reserve_descriptors()
    with contextlib.ExitStack() as stack:
        if options.data:
            data = os.path.abspath(options.data)
            try:
                stack.enter_context(_own(data))
            except OSError as error:
                parser.error(f"--data {options.data}: {error.strerror}")
        else:
            data = stack.enter_context(tempfile.TemporaryDirectory(prefix="loads-agent-"))
        agent = Agent(options.master, name, identity, options.labels, data, keys, options.orphan_timeout,
                      keeps=bool(options.data), files_limit=options.files_limit << 20)
        asyncio.run(agent.run())


def _own(data: str) -> BinaryIO:
    """Takes a data directory for this process alone. Raises OSError."""
    os.makedirs(data, exist_ok=True)
    file = open(os.path.join(data, "lock"), "ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OSError(errno.EBUSY, "another agent uses this directory: give each one its own") from None
    # Of an agent that was killed.
    shutil.rmtree(os.path.join(data, "runs"), ignore_errors=True)
    return file


if __name__ == "__main__":
    main()
