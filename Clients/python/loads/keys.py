"""CURVE keys of an agent, and when they are needed."""

from __future__ import annotations

import ipaddress
import os
import struct
from urllib.parse import urlsplit

import zmq
import zmq.utils.z85


class KeysError(Exception):
    """A key is missing, no key, or open to others."""


class Keys:
    """An agent's own pair and its master's public key, in Z85."""

    def __init__(self, public: str, secret: str, master: str) -> None:
        self.public = public
        self.secret = secret
        self.master = master

    @classmethod
    def for_agent(cls, directory: str | None, master: str) -> "Keys | None":
        """The keys of a directory; None where none are named and none are needed: on loopback.

        Raises KeysError, which says what to do.
        """
        if directory is None:
            if _is_loopback(urlsplit(master).hostname or ""):
                return None
            raise KeysError(
                f"{master}: beyond this machine keys are needed, since whoever is a master there may start programs here."
                "\nOn the master's machine:  loads keys master --dir KEYS\n"
                "                          loads keys agent NAME --dir KEYS\n"
                "Copy the folder KEYS/NAME that the second makes to this machine, and name it with --keys.")
        secret = _key(os.path.join(directory, "agent.secret"), secret=True)
        public = zmq.curve_public(secret.encode()).decode()
        return cls(public, secret, _key(os.path.join(directory, "master.public"), secret=False))

    def apply(self, socket: zmq.Socket) -> None:
        socket.curve_publickey = self.public.encode()
        socket.curve_secretkey = self.secret.encode()
        socket.curve_serverkey = self.master.encode()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key(path: str, secret: bool) -> str:
    """The key of a file: a line of 40 characters of Z85."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            if secret and os.fstat(file.fileno()).st_mode & 0o077:
                raise KeysError(f"{path} may be read by others: it is a secret. Run: chmod 600 {path}")
            words = file.read(256).split()
    except OSError as error:
        raise KeysError(f"{path} cannot be read: {error.strerror}") from None
    try:
        if len(words[0]) != 40 or len(zmq.utils.z85.decode(words[0])) != 32:
            raise ValueError
    except (IndexError, ValueError, KeyError, struct.error):
        raise KeysError(f"{path} holds no key: 40 characters of Z85 are expected") from None
    return words[0]
