"""Messages of the wire (Docs/WireProtocol.md): MessagePack maps with a version and a type."""

from __future__ import annotations

import msgpack

VERSION = 1
#: The longest message, in bytes; in its envelope on a socket it may be 4 KiB longer.
MESSAGE_BYTES = 8 << 20
FRAME_BYTES = MESSAGE_BYTES + 4096
#: Strings are cut to this many bytes when they are written.
STRING_BYTES = 32 << 10


class WireError(Exception):
    """Bytes that are no message; `code` is what the `error` message calls it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def message(kind: str, **fields: object) -> bytes:
    """A message's bytes. Fields that are None are left out, except where a null means something."""
    return msgpack.packb({"v": VERSION, "type": kind, **fields}, use_bin_type=True)


def decode(data: bytes) -> dict:
    """A message's fields.

    Raises WireError, whatever the bytes are. Unknown fields are for the reader to pass over.
    """
    if len(data) > FRAME_BYTES:
        raise WireError("malformed", f"a message of {len(data)} bytes")
    try:
        fields = msgpack.unpackb(data, raw=False, strict_map_key=False)
    except Exception as error:
        raise WireError("malformed", f"not MessagePack: {type(error).__name__}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        raise WireError("malformed", "a message is a map with v and type")
    if fields.get("v") != VERSION:
        raise WireError("version", f"version {fields.get('v')!r}, but this side speaks version {VERSION}")
    return fields


def text(value: object, limit: int = STRING_BYTES) -> str:
    """A string cut to so many bytes of UTF-8."""
    data = str(value).encode("utf-8", "replace")
    return data[:limit].decode("utf-8", "ignore")


class Frames:
    """Cuts a pipe's bytes into messages: each is four bytes of length, big-endian, and the message."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now.

        Raises WireError when one is too long; the pipe is lost then.
        """
        self._buffer += data
        messages = []
        place = 0
        while len(self._buffer) - place >= 4:
            length = int.from_bytes(self._buffer[place:place + 4], "big")
            if length > MESSAGE_BYTES:
                raise WireError("malformed", f"a message of {length} bytes")
            if len(self._buffer) - place < 4 + length:
                break
            messages.append(bytes(self._buffer[place + 4:place + 4 + length]))
            place += 4 + length
        del self._buffer[:place]
        return messages


def frame(data: bytes) -> bytes:
    """A message with its length before it."""
    return len(data).to_bytes(4, "big") + data
