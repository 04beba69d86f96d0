// The users of a closed model: cycles of them, or users that come and go by stages.

import { now, UserLife } from './lives.mjs'
import { Roster } from './roster.mjs'
import { UserTimeline } from './timeline.mjs'

/** How long iterations that were cut may take to end before they are left behind, in seconds. */
const patience = 5

/** Who plays a plan. */
export class Crew {
  #shown = null
  /** The users that there are, by their numbers. */
  active = new Map()

  constructor(run) {
    this.run = run
  }

  /** A user begins; `crew` is handed to its work. */
  enter(life, crew) {
    this.active.set(life.number, life)
    life.work(crew).finally(() => this.leave(life))
  }

  leave(life) {
    if (this.active.get(life.number) === life) this.active.delete(life.number)
    if (this.active.size === 0) this.run.wake()
  }

  show() {
    let count = 0
    for (const life of this.active.values()) if (life.begun) count += 1
    if (count !== this.#shown) this.run.results.put({ users: count })
    this.#shown = count
  }

  get isIdle() {
    return this.active.size === 0
  }

  /** Cancels what still runs: sleeps and requests reject, and what does not end then is left behind. */
  async endNow() {
    this.run.close(0)
    this.run.cut.abort()
    const end = now() + patience
    while (!this.isIdle && now() < end) await this.run.tick()
    for (const life of this.active.values()) life.leaveBehind()
    this.active.clear()
  }
}

export class CycleCrew extends Crew {
  #told = []
  #next

  constructor(run) {
    super(run)
    this.#next = run.plan.firstUser
  }

  adjust(adjustment) {
    this.#told.push(adjustment)
  }

  async perform() {
    const { run } = this
    for (const [index, cycle] of run.plan.cycles.entries()) {
      if (index > 0 && !run.stopping) await this.#pause(now() + run.plan.pause)
      if (run.stopping) return
      await this.#cycle(cycle, index > 0 ? now() : run.start)
    }
  }

  async #pause(until) {
    while (!this.run.stopping && now() < until) {
      for (const { users } of this.#due()) {
        this.run.results.put({ note: `${users} users were asked for between two cycles: nothing changes` })
      }
      await this.run.tick(until - now())
    }
  }

  /** The adjustments whose time has come. */
  #due() {
    const time = now() - this.run.start
    const due = this.#told.filter(({ at }) => at <= time)
    this.#told = this.#told.filter(({ at }) => at > time)
    return due
  }

  async #cycle(cycle, began) {
    const { run } = this
    const deadline = cycle.duration === null ? null : began + cycle.duration
    const roster = new Roster(run.plan.firstUser, cycle.users, this.#next)
    for (const [index, number] of [...roster.members].entries()) {
      this.enter(new UserLife(run, number, cycle.iterations, deadline, began + (run.plan.rampUp * index) / cycle.users))
    }
    for (;;) {
      this.show()
      // One with a duration lasts as long, even while it has no users.
      if (this.isIdle && (run.stopping || deadline === null || now() >= deadline)) break
      if (run.isOutOfGrace(deadline)) {
        await this.endNow()
        break
      }
      if (!run.stopping) for (const adjustment of this.#due()) this.#apply(adjustment, roster, cycle, deadline)
      const times = this.#told.map(({ at }) => run.start + at)
      if (deadline !== null && now() < deadline) times.push(deadline)
      await run.tick(Math.min(0.1, ...times.map((time) => Math.max(0, time - now()))))
    }
    this.#next = roster.next
  }

  #apply({ users, first }, roster, cycle, deadline) {
    const { added, surplus } = roster.adjust(users, first ?? roster.next)
    for (const number of surplus) this.active.get(number)?.retire()
    for (const number of added) this.enter(new UserLife(this.run, number, cycle.iterations, deadline, now()))
  }
}

export class StageCrew extends Crew {
  #timeline
  #deadline
  /** Users that are to be there: those of the stripe below this number. */
  #wanted = 0
  /** Another timeline, and from when it counts. */
  #change = null

  constructor(run) {
    super(run)
    this.#timeline = new UserTimeline(run.plan.userStages)
    this.#deadline = run.start + this.#timeline.length / 1e9
  }

  adjust({ change }) {
    if (change?.user_stages) this.#change = { timeline: new UserTimeline(change.user_stages), from: change.from_ns }
  }

  async perform() {
    const { run } = this
    for (;;) {
      const time = Math.max(0, Math.round((now() - run.start) * 1e9))
      const isOver = run.stopping || time >= this.#timeline.length
      if (isOver) this.#wanted = 0
      else this.#bring(time)
      this.show()
      if (isOver && this.isIdle) return
      if (run.isOutOfGrace(this.#deadline)) return this.endNow()
      const times = [this.#timeline.next(time), this.#change?.from].filter((moment) => moment != null)
      await run.tick(Math.min(0.05, ...times.map((moment) => Math.max(0, run.start + moment / 1e9 - now()))))
    }
  }

  /** Sees to it that those are there that are wanted now. */
  #bring(time) {
    const [before, stripeBefore] = [this.#wanted, this.#timeline.stripe]
    if (this.#change && this.#change.from <= time) {
      this.#timeline = this.#change.timeline
      this.#change = null
    }
    const { stripe } = this.#timeline
    this.#wanted = this.#timeline.count(time)
    const { firstUser } = this.run.plan
    // Only an adjustment changes the stripe; otherwise those in between come or go.
    const first = stripe.equals(stripeBefore) ? Math.min(this.#wanted, before) : 0
    for (let user = first; user < Math.max(this.#wanted, before); user += 1) {
      const was = user < before && stripeBefore.owns(user)
      const isWanted = user < this.#wanted && stripe.owns(user)
      if (was === isWanted) continue
      const life = this.active.get(firstUser + user)
      if (!isWanted) life?.retire()
      // Who is still in its last iteration just goes on.
      else if (life) life.stay()
      else this.enter(new UserLife(this.run, firstUser + user, null, this.#deadline, now(), (own) => this.#goesOn(own)))
    }
  }

  #goesOn(life) {
    const user = life.number - this.run.plan.firstUser
    if (this.run.stopping || now() >= this.#deadline || user >= this.#wanted || !this.#timeline.stripe.owns(user)) {
      this.leave(life)
      return false
    }
    life.stay()
    return true
  }
}
