// One user of a run: it iterates, by itself or when an arrival is handed to it.

import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { SplitMix } from './draws.mjs'
import { place } from './marks.mjs'
import { BackOff } from './plan.mjs'
import { RequestError } from './session.mjs'

/** Seconds of the run's clock. */
export const now = () => performance.now() / 1000

/** Thrown by a scenario: this iteration does not count as failed, it was not meant to run. */
export class Skip extends Error {}

/** What all users have in common: one iteration at a time, and its record. */
export class Life {
  #current = null
  #left = false
  /** Whether it counts as one of the users at work. */
  begun = false

  constructor(run, number) {
    this.run = run
    this.number = number
  }

  /** No further iteration. */
  retire() {}

  /** Reports the iteration that runs as interrupted, whatever becomes of it. */
  leaveBehind() {
    this.#left = true
    if (this.#current) this.#report('interrupted', this.#current)
  }

  /** One iteration that starts now. Resolves to whether a request of it had no complete response. */
  async iterate(start, due = null) {
    const { run } = this
    const number = run.nextIteration(this.number)
    const connections = run.connections(this.number)
    const user = run.user(this.number, number, connections, due ?? start)
    this.#current = { number, start, due }
    let outcome = 'ok'
    try {
      await run.scenario(user)
    } catch (error) {
      if (error instanceof Skip) outcome = 'skipped'
      else if (run.cut.signal.aborted) outcome = 'interrupted'
      else {
        const text = error instanceof Error ? error.message : String(error)
        user.fail(error instanceof RequestError ? text : `${error?.name ?? 'thrown'}: ${text}`, place(error))
      }
    }
    if (user.failed && outcome === 'ok') outcome = 'failed'
    if (!this.#left) this.#report(outcome, this.#current)
    this.#current = null
    if (run.plan.newConnections) connections.close()
    return user.hadError
  }

  #report(outcome, { number, start, due }) {
    const end = now()
    const response = due === null ? undefined : (end - due) * 1000
    this.run.put({
      iteration: { user: this.number, number, outcome, ms: (end - start) * 1000, response_ms: response },
    }, due ?? start)
  }
}

/** A user that starts its next iteration when the last one has ended. */
export class UserLife extends Life {
  #iterations
  #deadline
  #begin
  #goesOn
  retired = false

  /**
   * @param begin when it starts, on the run's clock
   * @param deadline no iteration begins after it; null is none
   * @param goesOn whether it is wanted again, once its work has ended
   */
  constructor(run, number, iterations, deadline, begin, goesOn = () => false) {
    super(run, number)
    this.#iterations = iterations
    this.#deadline = deadline
    this.#begin = begin
    this.#goesOn = goesOn
  }

  retire() {
    this.retired = true
  }

  /** It is wanted again. */
  stay() {
    this.retired = false
  }

  async work() {
    await this.#nap(this.#begin)
    do await this.#repeat()
    while (this.#goesOn(this))
  }

  async #repeat() {
    const { run } = this
    const { plan } = run
    const random = new SplitMix(this.number)
    const backOff = new BackOff()
    let turnEnds = now() + 0.001
    for (let done = 0; !run.stopping && !this.retired; ) {
      if (this.#iterations !== null && done >= this.#iterations) return
      if (this.#deadline !== null && now() >= this.#deadline) return
      this.begun = true
      const start = now()
      const hadError = await this.iterate(start)
      done += 1
      const end = now()
      const pause = Math.max(plan.think.draw(random), plan.pacing - (end - start), backOff.delay(hadError, end - start))
      if (pause > 0 && done !== this.#iterations) await this.#nap(end + pause)
      if (run.results.full) await run.results.room()
      // A scenario that awaits nothing would keep all others, and the agent's commands, waiting.
      if (now() > turnEnds) {
        await turn()
        turnEnds = now() + 0.001
      }
    }
  }

  async #nap(until) {
    if (this.#deadline !== null) until = Math.min(until, this.#deadline)
    while (!this.run.stopping && !this.retired && now() < until) {
      await wait(Math.max(0, Math.min(until - now(), 0.1)) * 1000)
    }
  }
}

/** A user that makes each arrival which it is handed an iteration. */
export class ServingLife extends Life {
  #hand = null
  #handed = []
  begun = true

  /** Hands it an arrival; null sends it home. */
  give(arrival) {
    if (this.#hand) this.#hand(arrival)
    else this.#handed.push(arrival)
    this.#hand = null
  }

  #next() {
    if (this.#handed.length > 0) return Promise.resolve(this.#handed.shift())
    return new Promise((resolve) => {
      this.#hand = resolve
    })
  }

  /** `crew`: says whether an arrival starts, and which one is next. */
  async work(crew) {
    for (let arrival = await this.#next(); arrival !== null; arrival = await this.#next()) {
      let turnEnds = now() + 0.001
      while (arrival !== null) {
        const start = now()
        if (crew.starts(arrival, start)) await this.iterate(start, arrival.due)
        if (this.run.results.full) await this.run.results.room()
        if (now() > turnEnds) {
          await turn()
          turnEnds = now() + 0.001
        }
        arrival = crew.nextArrival(this)
      }
    }
  }
}
