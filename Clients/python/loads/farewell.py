"""How an agent that is told to end goes about it."""

from __future__ import annotations

import asyncio
import time
from typing import Callable, Iterable

from .held import Held

#: Seconds after which runners are told to end at once, are killed, and nothing more is waited for.
ABORT, KILL, END = 5.0, 10.0, 20.0
REASON = "its agent was told to end"


async def farewell(works: Callable[[], Iterable[Held]], is_welcome: Callable[[], bool], tick: Callable[[], float]) -> None:
    """Stops the runners, and returns when the master has everything, or cannot be waited for any longer.

    - `works`: the runs that are held; one that is delivered is not any more.
    - `tick`: goes on with what the agent does all the time; returns after how many seconds it is wanted again.
    """
    steps = [(0.0, lambda work: work.stop(False)), (ABORT, lambda work: work.stop(True)),
             (KILL, lambda work: work.kill(REASON))]
    begun = ticked = time.monotonic()
    pause = 0.0
    while True:
        now = time.monotonic()
        while steps and now >= begun + steps[0][0]:
            _, step = steps.pop(0)
            for work in list(works()):
                step(work)
        left = list(works())
        if not left or now >= begun + END or not (is_welcome() or any(work.running for work in left)):
            return
        if now >= ticked + pause:
            pause, ticked = tick(), now
        await asyncio.sleep(0.05)
