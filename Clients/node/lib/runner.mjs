// Runs a scenario with many users and reports to the agent: the dialect `lines` of Docs/RunnerProtocol.md.
//
// Users are async functions on Node's one thread: tens of thousands that mostly wait are fine, but one that computes
// holds up all others.

import { setMaxListeners } from 'node:events'
import path from 'node:path'
import readline from 'node:readline'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { Marked, place } from './marks.mjs'
import { BackOff, parsePlan } from './plan.mjs'
import { Printed, Results } from './results.mjs'
import { Connections, RequestError } from './session.mjs'

/** Thrown by a scenario: this iteration does not count as failed, it was not meant to run. */
export class Skip extends Error {}

const now = () => performance.now() / 1000

/** What a scenario is given: a session for one iteration, and who and when it is. */
export class User extends Marked {
  #run

  constructor(run, number, iteration, connections) {
    super((record) => run.results.put(record), (hit, start, end) => this.#hit(hit, start, end), {
      base: run.plan.serverURL, connections, timeout: run.plan.timeout ?? 60, signal: run.cut.signal,
    })
    this.#run = run
    /** The number of the user in the whole run, from 0. */
    this.number = number
    /** The number of the iteration of this user, from 0. */
    this.iteration = iteration
    /** The number of the first user of this process. */
    this.firstUser = run.plan.firstUser
    /** Whether a request had no complete response. */
    this.hadError = false
  }

  /** Waits so many seconds, as a person does between two clicks. Rejects when the run is aborted. */
  async sleep(seconds) {
    await wait(seconds * 1000, undefined, { signal: this.#run.cut.signal })
  }

  /** Says something to whoever watches the run. */
  note(text) {
    this.#run.results.put({ note: text })
  }

  #hit(hit, start, end) {
    this.hadError ||= hit.error !== null
    this.#run.results.put({
      t: Math.max(0, start - this.#run.start), user: this.number, iteration: this.iteration, ms: (end - start) * 1000, ...hit,
    })
  }
}

/**
 * Runs a scenario: under load when an agent has started this program, and otherwise once, printing what happens; then the
 * program ends with 1 if the iteration failed.
 *
 * @param scenario an async function of a `User`
 * @param options `serverURL`, used where the run names none
 */
export async function run(scenario, { serverURL = null } = {}) {
  const text = process.env.LOADS_RESULTS_FD
  delete process.env.LOADS_RESULTS_FD
  if (text === undefined) {
    const base = process.env.LOADS_SERVER_URL || process.argv[2] || serverURL
    const plan = parsePlan({ plan: { users: 1, iterations: 1, server_url: base } })
    const printed = new Printed()
    await new Run(plan, scenario, printed).perform()
    const server = base ? `--server-url ${base} ` : ''
    console.error(`one iteration; under load: loads -c 10 -n 10 ${server}-- node ${path.relative('', process.argv[1] ?? '')}`)
    if (printed.failed) process.exitCode = 1
    return
  }
  // When a run ends is the agent's to say.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const first = await lines.next()
  const line = first.done ? {} : JSON.parse(first.value)
  // Without a plan the run was ended before it began.
  if (line.plan === undefined) process.exit(0)
  const plan = parsePlan(line)
  plan.serverURL ??= serverURL
  const work = new Run(plan, scenario, null)
  work.results = new Results(Number(text), () => work.abort())
  work.listen(lines)
  await work.perform()
  // Standard input is still open, and a user that ignored its end may still wait for something.
  process.exit(0)
}

/** A plan carried out. */
export class Run {
  #stoppedAt = null
  #grace
  #adjustments = []
  #active = new Map()
  #iterations = new Map()
  #connections = new Map()
  #nextUser
  #wake = () => {}

  constructor(plan, scenario, results) {
    this.plan = plan
    this.scenario = scenario
    this.results = results
    /** Time 0 of the run, which the plan may have come a little late for. */
    this.start = now() - plan.late
    /** Aborted when running iterations must end now. */
    this.cut = new AbortController()
    // Each request and sleep of thousands of users listens to it.
    setMaxListeners(0, this.cut.signal)
    this.#grace = plan.grace
    this.#nextUser = plan.firstUser
  }

  /** Obeys the lines of an async iterator until it ends. */
  async listen(lines) {
    for await (const line of lines) {
      let command
      try {
        command = JSON.parse(line)
      } catch {
        continue
      }
      if (command?.adjust) this.adjust(command.adjust.at_s ?? 0, command.adjust.users, command.adjust.first_new_user)
      else if (command?.stop) this.stop(command.stop.grace_s)
      else if (command?.abort) this.abort()
    }
    this.stop()
  }

  /** No further iterations; running ones may go on for the grace, in seconds. */
  stop(grace) {
    if (this.#stoppedAt === null) {
      this.#stoppedAt = now()
      if (grace != null) this.#grace = grace
    }
    this.#wake()
  }

  abort() {
    this.stop(0)
    this.#grace = 0
    this.#wake()
  }

  /** So many users from `at` seconds after the start. */
  adjust(at, users, first) {
    this.#adjustments.push({ at, users, first })
    this.#wake()
  }

  get stopping() {
    return this.#stoppedAt !== null
  }

  /** Carries the plan out; resolves when everything is over and reported. */
  async perform() {
    for (const [index, cycle] of this.plan.cycles.entries()) {
      if (index > 0) await this.#rest(now() + this.plan.pause)
      if (this.stopping) break
      await this.#cycle(cycle)
    }
    this.results.put({ users: 0 })
    for (const connections of this.#connections.values()) connections.close()
    await this.results.close()
  }

  async #rest(until) {
    while (!this.stopping && now() < until) await this.#tick(until - now())
  }

  /** Waits a tenth of a second at most, or until something was told. */
  async #tick(seconds = 0.1) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(seconds, 0.1) * 1000)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }

  async #cycle(cycle) {
    const began = now()
    const deadline = cycle.duration === null ? null : began + cycle.duration
    for (let index = 0; index < cycle.users; index += 1) {
      this.#add(this.plan.firstUser + index, cycle, deadline, began + (this.plan.rampUp * index) / cycle.users)
    }
    this.#nextUser = Math.max(this.#nextUser, this.plan.firstUser + cycle.users)
    let shown = null
    for (;;) {
      const count = [...this.#active.values()].filter((life) => life.begun).length
      if (count !== shown) this.results.put({ users: count })
      shown = count
      if (this.#active.size === 0) return
      const ends = [this.#stoppedAt, deadline].filter((time) => time !== null)
      if (ends.length > 0 && now() >= Math.min(...ends) + this.#grace) return this.#endNow()
      this.#apply(cycle, deadline)
      await this.#tick(Math.min(0.1, ...this.#adjustments.map((entry) => Math.max(0, this.start + entry.at - now()))))
    }
  }

  /** Carries out the adjustments whose time has come. */
  #apply(cycle, deadline) {
    const time = now() - this.start
    const due = this.#adjustments.filter((entry) => entry.at <= time)
    this.#adjustments = this.#adjustments.filter((entry) => entry.at > time)
    if (this.stopping) return
    for (const { users, first } of due) {
      const staying = [...this.#active.values()].filter((life) => !life.retired).sort((a, b) => a.number - b.number)
      for (const life of staying.slice(users)) life.retire()
      let number = first ?? this.#nextUser
      for (let count = staying.length; count < users; count += 1) {
        while (this.#active.has(number)) number += 1
        this.#add(number, cycle, deadline, now())
        number += 1
      }
      this.#nextUser = Math.max(this.#nextUser, number)
    }
  }

  #add(number, cycle, deadline, begin) {
    const life = new Life(this, number, cycle.iterations, deadline, begin)
    this.#active.set(number, life)
    life.run().finally(() => {
      if (this.#active.get(number) === life) this.#active.delete(number)
      if (this.#active.size === 0) this.#wake()
    })
  }

  /** Cancels what still runs: sleeps and requests reject, and what does not end then is left behind. */
  async #endNow() {
    this.stop(0)
    this.cut.abort()
    const end = now() + 5
    while (this.#active.size > 0 && now() < end) await this.#tick()
    for (const life of this.#active.values()) life.leaveBehind()
    this.#active.clear()
  }

  nextIteration(number) {
    const next = (this.#iterations.get(number) ?? -1) + 1
    this.#iterations.set(number, next)
    return next
  }

  /** The connections of a user, which outlive its iterations and cycles. */
  connections(number) {
    if (!this.#connections.has(number)) this.#connections.set(number, new Connections())
    return this.#connections.get(number)
  }
}

/** One user in one cycle. */
class Life {
  #run
  #iterations
  #deadline
  #begin
  #current = null
  #left = false
  begun = false
  retired = false

  constructor(run, number, iterations, deadline, begin) {
    this.#run = run
    this.number = number
    this.#iterations = iterations
    this.#deadline = deadline
    this.#begin = begin
  }

  /** No further iteration. */
  retire() {
    this.retired = true
  }

  /** Reports the iteration that runs as interrupted, whatever becomes of it. */
  leaveBehind() {
    this.#left = true
    if (this.#current) this.#report('interrupted', this.#current)
  }

  async run() {
    const run = this.#run
    await this.#nap(this.#begin)
    const backOff = new BackOff()
    let turnEnds = now() + 0.001
    for (let done = 0; !run.stopping && !this.retired; ) {
      if (this.#iterations !== null && done >= this.#iterations) return
      if (this.#deadline !== null && now() >= this.#deadline) return
      this.begun = true
      const start = now()
      const hadError = await this.#iterate(start)
      done += 1
      const end = now()
      const pause = Math.max(run.plan.think, backOff.delay(hadError, end - start))
      if (pause > 0 && done !== this.#iterations) await this.#nap(end + pause)
      if (run.results.full) await run.results.room()
      // A scenario that awaits nothing would keep all others, and the agent's commands, waiting.
      if (now() > turnEnds) {
        await turn()
        turnEnds = now() + 0.001
      }
    }
  }

  async #iterate(start) {
    const run = this.#run
    const number = run.nextIteration(this.number)
    const connections = run.connections(this.number)
    const user = new User(run, this.number, number, connections)
    this.#current = { number, start }
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

  #report(outcome, { number, start }) {
    this.#run.results.put({ iteration: { user: this.number, number, outcome, ms: (now() - start) * 1000 } })
  }

  async #nap(until) {
    if (this.#deadline !== null) until = Math.min(until, this.#deadline)
    while (!this.#run.stopping && !this.retired && now() < until) {
      await wait(Math.max(0, Math.min(until - now(), 0.1)) * 1000)
    }
  }
}
