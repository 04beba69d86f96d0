// The users of an open model: arrivals are handed to free ones, and more are made as they are needed.

import { Crew } from './crews.mjs'
import { ArrivalCursor } from './cursor.mjs'
import { now, ServingLife } from './lives.mjs'
import { Schedule } from './schedule.mjs'

/** How often what became of arrivals is written, in seconds, and how many lags a line holds. */
const interval = 0.05
const lagLimit = 1000
/** Arrivals handed out before everything else is looked after. */
const burst = 256

/** First in, first out; an array's own `shift` moves all that stay. */
class Queue {
  #items = []
  #first = 0

  get length() {
    return this.#items.length - this.#first
  }

  push(item) {
    this.#items.push(item)
  }

  shift() {
    const item = this.#items[this.#first]
    this.#items[this.#first] = undefined
    this.#first += 1
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }
}

const nothing = () => ({ planned: 0, started: 0, dropped: 0, cancelled: 0, lag_ms: [] })

export class ArrivalCrew extends Crew {
  #cursor
  #deadline
  /** Users that there may be, and arrivals that may wait for one. */
  #limit
  #bound
  /** The most users that there ever might be, and the numbers of those that changes have added: from which on, the first. */
  #most
  #added = []
  #made = 0
  /** Users without work; the one that worked last is last, its connections are the warmest. */
  #free = []
  #queue = new Queue()
  /** What became of arrivals since the last line: of the warm-up, and after it. */
  #counts = { warmUp: nothing(), after: nothing() }
  #written

  constructor(run) {
    super(run)
    const { arrivals } = run.plan
    this.#cursor = new ArrivalCursor(arrivals)
    this.#deadline = run.start + new Schedule(arrivals.stages).length / 1e9
    this.#limit = arrivals.max_users
    this.#bound = arrivals.queue
    this.#most = this.#limit
    this.#written = run.start
  }

  adjust({ first, change }) {
    if (!change?.arrivals) return
    const { max_users: users, queue } = change.arrivals
    if (users > this.#most) {
      if (first !== null) this.#added.push([this.#most, first])
      this.#most = users
    }
    this.#limit = users
    this.#bound = queue
    this.#cursor.change(change.arrivals, change.from_ns)
  }

  async perform() {
    const { run } = this
    for (;;) {
      const time = now()
      if (run.stopping) this.#dropAll()
      else this.#handOut(time)
      const hasEnded = run.stopping || (time >= this.#deadline && this.#cursor.due === null)
      const isOver = hasEnded && this.#queue.length === 0 && this.isIdle
      this.show()
      this.#write(time, isOver)
      if (isOver) break
      if (run.isOutOfGrace(this.#deadline)) {
        run.close(0)
        this.#dropAll()
        await this.endNow()
        break
      }
      const due = this.#cursor.due === null || hasEnded ? Infinity : run.start + this.#cursor.due / 1e9
      await run.tick(Math.max(0, Math.min(interval, due - now())))
    }
    for (const life of this.active.values()) life.give(null)
    this.#write(now(), true)
  }

  /** The number of the user `user` of this process: those that the plan did not foresee get one that nobody has had. */
  #number(user) {
    const added = this.#added.findLast(([from]) => user >= from)
    return added ? added[1] + user - added[0] : this.run.plan.firstUser + user
  }

  #handOut(time) {
    for (let left = burst; left > 0; left -= 1) {
      const { due } = this.#cursor
      if (due === null || this.run.start + due / 1e9 > time) return
      this.#cursor.advance()
      this.#take({ due: this.run.start + due / 1e9, taken: time, waited: 0 })
    }
  }

  #take(arrival) {
    this.#of(arrival).planned += 1
    const free = this.#free.pop()
    if (free) free.give(arrival)
    else if (this.#made < this.#limit) {
      const life = new ServingLife(this.run, this.#number(this.#made))
      this.#made += 1
      this.enter(life, this)
      life.give(arrival)
    } else if (this.#queue.length < this.#bound) this.#queue.push(arrival)
    else this.#drop(arrival)
  }

  #of(arrival) {
    return this.run.isWarmUp(arrival.due) ? this.#counts.warmUp : this.#counts.after
  }

  /** Counts one that does not become an iteration: once the run is stopped there is no saying whether it would have. */
  #drop(arrival) {
    this.#of(arrival)[this.run.wasStopped ? 'cancelled' : 'dropped'] += 1
  }

  #dropAll() {
    while (this.#queue.length > 0) this.#drop(this.#queue.shift())
  }

  get isIdle() {
    return this.#free.length === this.active.size
  }

  // Told by the users.

  /** Whether an arrival becomes an iteration, at its start. */
  starts(arrival, start) {
    if (this.run.stopping) {
      this.#drop(arrival)
      return false
    }
    const counts = this.#of(arrival)
    counts.started += 1
    counts.lag_ms.push(Math.round(Math.max(0, start - arrival.due - arrival.waited) * 1e9) / 1e6)
    return true
  }

  /** The arrival that has waited longest; without one the user is free. */
  nextArrival(life) {
    if (this.#queue.length > 0 && !this.run.stopping) {
      const arrival = this.#queue.shift()
      arrival.waited += Math.max(0, now() - arrival.taken)
      return arrival
    }
    this.#free.push(life)
    if (this.isIdle && (this.#cursor.due === null || this.run.stopping)) this.run.wake()
    return null
  }

  // Written to the agent.

  #write(time, allOfIt) {
    const { warmUp, after } = this.#counts
    const isDue = time - this.#written >= interval || warmUp.lag_ms.length >= lagLimit || after.lag_ms.length >= lagLimit
    if (!allOfIt && !isDue) return
    this.#written = time
    this.#counts = { warmUp: nothing(), after: nothing() }
    this.#say(warmUp, { warm_up: true })
    this.#say(after, {})
  }

  #say(counts, mark) {
    // A line has its limit.
    while (counts.lag_ms.length > lagLimit) {
      const lags = counts.lag_ms.splice(0, lagLimit)
      counts.started -= lags.length
      this.run.results.put({ arrivals: { ...nothing(), started: lags.length, lag_ms: lags }, ...mark })
    }
    if (counts.planned || counts.started || counts.dropped || counts.cancelled) {
      this.run.results.put({ arrivals: { ...counts, cancelled: counts.cancelled || undefined }, ...mark })
    }
  }
}
