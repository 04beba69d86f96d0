"""The agent's two sockets. Connects again for ever after a cut; ZeroMQ does that by itself."""

from __future__ import annotations

import asyncio
from typing import Callable
from urllib.parse import urlsplit

import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

from .wire import FRAME_BYTES


class Link:
    """DEALER for control, PUSH for results. Receives through callbacks, on the event loop."""

    def __init__(self, master: str, keys: "Keys | None", on_connected: Callable[[], None],
                 on_message: Callable[[bytes], None], on_trouble: Callable[[str], None]) -> None:
        self._master = master
        self._host = urlsplit(master).hostname or ""
        self._keys = keys
        self._on_connected = on_connected
        self._on_message = on_message
        self._on_trouble = on_trouble
        self._context = zmq.asyncio.Context()
        self._control: zmq.asyncio.Socket | None = None
        self._results: zmq.asyncio.Socket | None = None
        self._place: str | None = None
        self._tasks: list[asyncio.Task] = []

    def _socket(self, kind: int, linger: int) -> zmq.asyncio.Socket:
        socket = self._context.socket(kind)
        socket.linger = linger
        socket.maxmsgsize = FRAME_BYTES
        if kind == zmq.DEALER:
            socket.heartbeat_ivl, socket.heartbeat_timeout, socket.heartbeat_ttl = 2000, 6000, 6000
        else:
            # None on results: a master that is held up answers none there, and libzmq 4.3.4 may end the process of one
            # who sends them and is cut off. TCP gives up what is not confirmed.
            socket.tcp_maxrt = 30_000
        socket.reconnect_ivl, socket.reconnect_ivl_max = 100, 2000
        socket.tcp_keepalive, socket.tcp_keepalive_idle = 1, 30
        socket.tcp_keepalive_intvl, socket.tcp_keepalive_cnt = 10, 3
        # Not into a queue for a connection that does not stand: the spool is our queue.
        socket.immediate = 1
        if ":" in self._host:
            socket.ipv6 = 1
        if self._keys:
            self._keys.apply(socket)
        return socket

    def open(self) -> None:
        """Connects the control channel; anew if it was open, and what waited in it is given up."""
        self._close_control()
        self._control = self._socket(zmq.DEALER, linger=1000)
        events = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        monitor = self._control.get_monitor_socket(events)
        self._control.connect(self._master)
        self._tasks = [asyncio.create_task(self._receive(self._control)), asyncio.create_task(self._watch(monitor))]

    def _close_control(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        if self._control is not None:
            self._control.disable_monitor()
            self._control.close()
            self._control = None

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await socket.recv_multipart()
            # An empty frame before the message is what REQ and some proxies add.
            self._on_message(frames[-1])

    async def _watch(self, monitor: zmq.asyncio.Socket) -> None:
        try:
            while True:
                event = parse_monitor_message(await monitor.recv_multipart())["event"]
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self._on_connected()
                else:
                    self._on_trouble("the master turns this agent away: a key is missing, wrong, or of another role")
        finally:
            monitor.close()

    def send(self, data: bytes) -> bool:
        """Sends a control message; False when there is no connection, and the message is dropped."""
        if self._control is None:
            return False
        try:
            # With DONTWAIT it is done, or has failed, when this returns.
            future = self._control.send(data, zmq.DONTWAIT)
        except zmq.ZMQError:
            return False
        return future.exception() is None if future.done() else True

    def connect_results(self, host: str | None, port: int) -> bool:
        """Connects the results channel, or moves it. Returns whether it is another connection than before."""
        name = host or self._host
        place = f"tcp://[{name}]:{port}" if ":" in name else f"tcp://{name}:{port}"
        if place == self._place:
            return False
        self.drop_results()
        self._place = place
        self._results = self._socket(zmq.PUSH, linger=0)
        self._results.connect(place)
        return True

    def drop_results(self) -> None:
        if self._results is not None:
            self._results.close()
        self._results = None
        self._place = None

    async def push(self, data: bytes) -> None:
        """Sends a results message; returns when the socket has taken it."""
        if self._results is None:
            await asyncio.sleep(0.05)
            raise zmq.Again()
        await self._results.send(data)

    def close(self) -> None:
        self._close_control()
        self.drop_results()
        self._context.destroy(linger=1000)
