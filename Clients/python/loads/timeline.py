"""How many users are wanted when, under stages of users. Pure: times are nanoseconds since the start of the run."""

from __future__ import annotations

from .schedule import Stripe


class UserTimeline:
    """Going up from a to b users in D, user k comes at (k - a)/(b - a) of D; going down, user k goes at (a - k)/(a - b)."""

    def __init__(self, users: dict) -> None:
        """`users`: the plan's `user_stages`, as Docs/RunnerProtocol.md has them."""
        self.stripe = Stripe(users.get("stripe"))
        #: (start, duration, users at its start, at its end)
        self._stages: list[tuple[int, int, int, int]] = []
        time = count = 0
        for stage in users["stages"]:
            duration, target = int(stage["duration_ns"]), int(stage["users"])
            self._stages.append((time, duration, count, target))
            time, count = time + duration, target
        #: The end of the last stage, when all go.
        self.length = time

    def count(self, time: int) -> int:
        """The users, of all agents together, that are wanted at a point in time; what happens then has happened."""
        if not 0 <= time < self.length:
            return 0
        start, duration, before, after = [stage for stage in self._stages if stage[0] <= time and stage[1] > 0][-1]
        passed = (time - start) * abs(after - before) // duration
        return min(after, before + passed + 1) if after > before else before - passed

    def next(self, time: int) -> int | None:
        """When the next user of the stripe comes or goes after a point in time, or the stage ends; None at the end."""
        stage = next((stage for stage in self._stages if stage[0] + stage[1] > time), None)
        if stage is None:
            return None
        start, duration, before, after = stage
        count = self.count(max(time, start))

        def moment(step: int) -> int:
            return start + -(-duration * step // abs(after - before))

        if after > before:
            user = self.stripe.next(count, after)
            return start + duration if user is None else moment(user - before)
        for user in range(count - 1, after - 1, -1):
            if self.stripe.owns(user):
                return moment(before - user)
        return start + duration
