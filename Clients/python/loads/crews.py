"""The users of a closed model: cycles of them, or users that come and go by stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .lives import Life, UserLife
from .plan import Cycle
from .roster import Roster
from .timeline import UserTimeline

if TYPE_CHECKING:
    from .runner import Run

#: How long iterations that were cut may take to end before they are left behind, in seconds.
PATIENCE = 5.0


@dataclass
class Adjustment:
    """What is told while a run goes on. `at`: seconds since time 0; `change`: of plans without cycles."""

    at: float
    users: int
    first: int | None = None
    change: dict | None = None


class Crew:
    """Who plays a plan. Everything that changes is changed with the run's condition held."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._changed = run.changed
        #: The users that there are, by their numbers.
        self._active: dict[int, Life] = {}
        self._shown: int | None = None

    def perform(self) -> None:
        """Carries the plan out; returns when all is over."""
        raise NotImplementedError

    def adjust(self, adjustment: Adjustment) -> None:
        """Told from outside, from any thread."""
        raise NotImplementedError

    def goes_on(self, life: Life) -> bool:
        """Whether a user whose work has ended is wanted again."""
        return False

    def ended(self, life: Life) -> None:
        with self._changed:
            if self._active.get(life.number) is life:
                del self._active[life.number]
            if not self._active:
                self._changed.notify_all()

    def _enter(self, life: Life) -> bool:
        self._active[life.number] = life
        try:
            life.start()
        except RuntimeError as error:
            del self._active[life.number]
            self._run.results.put(
                {"note": f"user {life.number} has no thread ({error}): it does not take part"})
            return False
        return True

    def _show(self) -> None:
        with self._changed:
            count = sum(1 for life in self._active.values() if life.begun)
        if count != self._shown:
            self._run.results.put({"users": count})
            self._shown = count

    def _wait(self, until: float) -> None:
        """Waits until a time, a tenth of a second at most, or for any change."""
        with self._changed:
            left = min(0.1, until - self._run.clock())
            if left > 0:
                self._changed.wait(left)

    def _is_out_of_grace(self, deadline: float | None) -> bool:
        ends = [time for time in (self._run.stopped_at, deadline) if time is not None]
        return bool(ends) and self._run.clock() >= min(ends) + self._run.grace

    def _is_idle(self) -> bool:
        return not self._active

    def _end_now(self) -> None:
        """Cancels what still runs: sleeps end, connections are cut, and what does not end then is left behind."""
        self._run.cut_all()
        end = self._run.clock() + PATIENCE
        with self._changed:
            while not self._is_idle() and self._run.clock() < end:
                self._changed.wait(0.1)
            for life in self._active.values():
                life.leave_behind()
            self._active.clear()


class CycleCrew(Crew):
    def __init__(self, run: "Run") -> None:
        super().__init__(run)
        self._told: list[Adjustment] = []
        self._next = run.plan.first_user

    def adjust(self, adjustment: Adjustment) -> None:
        with self._changed:
            self._told.append(adjustment)
            self._changed.notify_all()

    def perform(self) -> None:
        run = self._run
        for index, cycle in enumerate(run.plan.cycles):
            if index and not run.stopping:
                self._pause(run.clock() + run.plan.pause_s)
            if run.stopping:
                return
            self._cycle(cycle, run.clock() if index else run.start)

    def _pause(self, until: float) -> None:
        run = self._run
        while run.clock() < until and not run.stopping:
            for adjustment in self._due():
                run.results.put({"note": f"{adjustment.users} users were asked for between two cycles: nothing changes"})
            self._wait(until)

    def _due(self) -> list[Adjustment]:
        with self._changed:
            now = self._run.clock() - self._run.start
            due = [told for told in self._told if told.at <= now]
            self._told = [told for told in self._told if told.at > now]
            return due

    def _cycle(self, cycle: Cycle, began: float) -> None:
        run = self._run
        deadline = None if cycle.duration_s is None else began + cycle.duration_s
        roster = Roster(run.plan.first_user, cycle.users, self._next)
        with self._changed:
            for index, number in enumerate(list(roster.members)):
                self._enter(UserLife(
                    run, self, number, cycle.iterations, deadline, began + run.plan.ramp_up_s * index / cycle.users))
        while True:
            self._show()
            # One with a duration lasts as long, even while it has no users.
            if not self._active and (run.stopping or deadline is None or run.clock() >= deadline):
                break
            if self._is_out_of_grace(deadline):
                self._end_now()
                break
            for adjustment in [] if run.stopping else self._due():
                self._apply(adjustment, roster, cycle, deadline)
            self._wait(min([run.clock() + 0.1, *(run.start + told.at for told in self._told),
                            *([deadline] if deadline is not None else [])]))
        self._next = roster.next

    def _apply(self, adjustment: Adjustment, roster: Roster, cycle: Cycle, deadline: float | None) -> None:
        with self._changed:
            first = roster.next if adjustment.first is None else adjustment.first
            added, surplus = roster.adjust(adjustment.users, first)
            for number in surplus:
                if life := self._active.get(number):
                    life.retire()
            for number in added:
                self._enter(UserLife(self._run, self, number, cycle.iterations, deadline, self._run.clock()))


class StageCrew(Crew):
    def __init__(self, run: "Run") -> None:
        super().__init__(run)
        self._timeline = UserTimeline(run.plan.user_stages)
        self._deadline = run.start + self._timeline.length / 1e9
        #: Users that are to be there: those of the stripe below this number.
        self._wanted = 0
        #: Another timeline, and from when it counts.
        self._change: tuple[UserTimeline, int] | None = None

    def adjust(self, adjustment: Adjustment) -> None:
        stages = (adjustment.change or {}).get("user_stages")
        if stages is None:
            return
        with self._changed:
            self._change = (UserTimeline(stages), int(adjustment.change["from_ns"]))
            self._changed.notify_all()

    def perform(self) -> None:
        run = self._run
        while True:
            now = max(0, round((run.clock() - run.start) * 1e9))
            with self._changed:
                if not run.stopping and now < self._timeline.length:
                    self._bring(now)
                else:
                    self._wanted = 0
            self._show()
            if not self._active and (run.stopping or now >= self._timeline.length):
                return
            if self._is_out_of_grace(self._deadline):
                self._end_now()
                return
            times = [self._timeline.next(now), self._change[1] if self._change else None]
            self._wait(min([run.clock() + 0.05, *(run.start + time / 1e9 for time in times if time is not None)]))

    def _bring(self, now: int) -> None:
        """Sees to it that those are there that are wanted now."""
        before, stripe_before = self._wanted, self._timeline.stripe
        if self._change and self._change[1] <= now:
            self._timeline, self._change = self._change[0], None
        stripe = self._timeline.stripe
        self._wanted = self._timeline.count(now)
        # Only an adjustment changes the stripe; otherwise those in between come or go.
        first = min(self._wanted, before) if stripe == stripe_before else 0
        for user in range(first, max(self._wanted, before)):
            was = user < before and stripe_before.owns(user)
            is_wanted = user < self._wanted and stripe.owns(user)
            if was == is_wanted:
                continue
            life = self._active.get(self._run.plan.first_user + user)
            if not is_wanted:
                if life:
                    life.retire()
            elif life:
                # Who is still in its last iteration just goes on.
                life.stay()
            else:
                number = self._run.plan.first_user + user
                self._enter(UserLife(self._run, self, number, None, self._deadline, self._run.clock()))

    def goes_on(self, life: UserLife) -> bool:
        with self._changed:
            user = life.number - self._run.plan.first_user
            is_over = self._run.stopping or self._run.clock() >= self._deadline
            if not is_over and user < self._wanted and self._timeline.stripe.owns(user):
                life.stay()
                return True
            self.ended(life)
            return False
