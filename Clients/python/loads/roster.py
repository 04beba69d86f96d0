"""Who takes part in the cycle that is running, as adjustments change it. Pure: users' numbers.

A user that has done its part still counts as one of the cycle's: 10 users adjusted to 12 are 2 more, however many of the 10
are done already. So all agents of a run come to the same numbers, whatever the speed of each.
"""

from __future__ import annotations


class Roster:
    def __init__(self, first: int, users: int, next_: int) -> None:
        """`first`: the number of the first user; `next_`: the first number that nobody here has had."""
        #: Those who were not told to leave, ascending.
        self.members = list(range(first, first + users))
        self.next = max(next_, first + users)

    def adjust(self, users: int, first_new: int) -> tuple[range, list[int]]:
        """So many users from now on. Returns the numbers that are added, and those that must leave, the highest first."""
        difference = max(0, users) - len(self.members)
        if difference <= 0:
            kept = len(self.members) + difference
            surplus = self.members[kept:][::-1]
            del self.members[kept:]
            return range(0), surplus
        first = max(first_new, self.next)
        added = range(first, first + difference)
        self.members += added
        self.next = added.stop
        return added, []
