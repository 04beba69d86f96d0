// Who takes part in the cycle that is running, as adjustments change it. Pure: users' numbers.
//
// A user that has done its part still counts as one of the cycle's: 10 users adjusted to 12 are 2 more, however many of the
// 10 are done already. So all agents of a run come to the same numbers, whatever the speed of each.

export class Roster {
  /** `first`: the number of the first user; `next`: the first number that nobody here has had. */
  constructor(first, users, next) {
    /** Those who were not told to leave, ascending. */
    this.members = Array.from({ length: users }, (_, index) => first + index)
    this.next = Math.max(next, first + users)
  }

  /** So many users from now on. Returns the numbers that are added, and those that must leave, the highest first. */
  adjust(users, firstNew) {
    const difference = Math.max(0, users) - this.members.length
    if (difference <= 0) {
      return { added: [], surplus: this.members.splice(this.members.length + difference).reverse() }
    }
    const first = Math.max(firstNew, this.next)
    const added = Array.from({ length: difference }, (_, index) => first + index)
    this.members.push(...added)
    this.next = first + difference
    return { added, surplus: [] }
  }
}
