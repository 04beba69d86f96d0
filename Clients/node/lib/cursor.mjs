// The arrivals of one stripe, one after the other. Pure: times are nanoseconds since the start of the run.

import { SplitMix } from './draws.mjs'
import { Schedule, Stripe } from './schedule.mjs'

/** `due` is when the next arrival comes, null when there is none; `advance` goes on to the one after it. */
export class ArrivalCursor {
  #schedule
  #stripe
  /** Evenly spaced: the number from which on arrivals are looked for. */
  #next = 0
  /** Poisson: where the next one falls, in arrivals of the whole plan; null for evenly spaced ones. */
  #position
  #random
  #change = null
  /** After a change: the stripe before it, which numbers its owner had taken, the first number after the change. */
  #past = null
  /** Nothing comes before a change that took effect. */
  #earliest = 0
  due = null

  /** `arrivals`: the plan's, as Docs/RunnerProtocol.md has them. */
  constructor(arrivals) {
    this.#schedule = new Schedule(arrivals.stages)
    this.#stripe = new Stripe(arrivals.stripe)
    // The first number of the seed's generator seeds the draws, as Swift's first event loop does it.
    this.#random = new SplitMix(new SplitMix(arrivals.seed ?? 0).next())
    this.#position = arrivals.poisson ? 0 : null
    if (this.#position !== null) this.#step()
    this.#find()
  }

  advance() {
    if (this.#position !== null) this.#step()
    else this.#next += 1
    this.#find()
  }

  /**
   * Goes by other arrivals from a point in time on.
   *
   * Numbers that were due before that time stay taken, and those after it come at their new time, once: also those that are
   * owned from then on only.
   */
  change(arrivals, time) {
    this.#change = { arrivals, time }
    this.#find()
  }

  #step() {
    const share = this.#stripe.fraction
    this.#position = share > 0 ? this.#position + this.#random.exponential() / share : Infinity
  }

  #find() {
    for (;;) {
      const due = this.#position === null ? this.#findNumber() : this.#schedule.timeReaching(this.#position)
      this.due = due === null ? null : Math.max(due, this.#earliest)
      if (this.#change === null || (this.due !== null && this.due < this.#change.time)) return
      this.#takeChange()
    }
  }

  #takeChange() {
    const { arrivals, time } = this.#change
    this.#change = null
    this.#earliest = time
    const before = this.#stripe
    this.#schedule = new Schedule(arrivals.stages)
    this.#stripe = new Stripe(arrivals.stripe)
    if (this.#position !== null) {
      // What is to come of a Poisson process does not depend on what has been.
      this.#position = this.#schedule.arrivalsBefore(time)
      this.#step()
    } else {
      const first = this.#schedule.countBefore(time)
      this.#past = { stripe: before, taken: this.#next, first }
      this.#next = Math.min(this.#next, first)
    }
  }

  #findNumber() {
    for (; this.#past !== null && this.#next < this.#schedule.total; this.#next += 1) {
      const { stripe, taken, first } = this.#past
      const number = this.#next
      if (number >= Math.max(taken, first)) {
        this.#past = null
        break
      }
      const wasMine = stripe.owns(number)
      const isMine = number < first
        ? wasMine && number >= taken
        : this.#stripe.owns(number) && !(wasMine && number < taken)
      if (isMine) return this.#schedule.time(number)
    }
    const found = this.#stripe.next(this.#next, this.#schedule.total)
    this.#next = found ?? this.#schedule.total
    return found === null ? null : this.#schedule.time(found)
  }
}
