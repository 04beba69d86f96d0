// How many users are wanted when, under stages of users. Pure: times are nanoseconds since the start of the run.

import { Stripe } from './schedule.mjs'

/** Going up from a to b users in D, user k comes at (k - a)/(b - a) of D; going down, user k goes at (a - k)/(a - b). */
export class UserTimeline {
  #stages = []

  /** `users`: the plan's `user_stages`, as Docs/RunnerProtocol.md has them. */
  constructor(users) {
    this.stripe = new Stripe(users.stripe)
    let [time, count] = [0, 0]
    for (const stage of users.stages) {
      const [duration, target] = [Number(stage.duration_ns), Number(stage.users)]
      this.#stages.push({ start: time, duration, before: count, after: target })
      time += duration
      count = target
    }
    /** The end of the last stage, when all go. */
    this.length = time
  }

  /** The users, of all agents together, that are wanted at a point in time; what happens then has happened. */
  count(time) {
    if (!(time >= 0 && time < this.length)) return 0
    const { start, duration, before, after } = this.#stages.findLast((stage) => stage.start <= time && stage.duration > 0)
    const passed = Number((BigInt(time - start) * BigInt(Math.abs(after - before))) / BigInt(duration))
    return after > before ? Math.min(after, before + passed + 1) : before - passed
  }

  /** When the next user of the stripe comes or goes after a point in time, or the stage ends; null at the end. */
  next(time) {
    const stage = this.#stages.find(({ start, duration }) => start + duration > time)
    if (stage === undefined) return null
    const { start, duration, before, after } = stage
    const count = this.count(Math.max(time, start))
    const moment = (step) => {
      const steps = BigInt(Math.abs(after - before))
      return start + Number((BigInt(duration) * BigInt(step) + (steps - 1n)) / steps)
    }
    if (after > before) {
      const user = this.stripe.next(count, after)
      return user === null ? start + duration : moment(user - before)
    }
    for (let user = count - 1; user >= after; user -= 1) if (this.stripe.owns(user)) return moment(before - user)
    return start + duration
  }
}
