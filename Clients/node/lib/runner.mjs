// Runs a scenario with many users and reports to the agent: the dialect `lines` of Docs/RunnerProtocol.md.
//
// Users are async functions on Node's one thread: tens of thousands that mostly wait are fine, but one that computes
// holds up all others.

import { setMaxListeners } from 'node:events'
import { writeSync } from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { ArrivalCrew } from './arrival-crew.mjs'
import { CycleCrew, StageCrew } from './crews.mjs'
import { now } from './lives.mjs'
import { Marked } from './marks.mjs'
import { obey, once } from './once.mjs'
import { known, parsePlan } from './plan.mjs'
import { Printed, Results } from './results.mjs'
import { Connections } from './session.mjs'

export { Skip } from './lives.mjs'

/** What a scenario is given: a session for one iteration, and who and when it is. */
export class User extends Marked {
  #run
  #since

  /** `since`: when its iteration started, or was due. */
  constructor(run, number, iteration, connections, since) {
    super((record) => run.put(record, since), (hit, start, end) => this.#hit(hit, start, end), {
      base: run.plan.serverURL, connections, timeout: run.plan.timeout ?? 60, signal: run.cut.signal,
    })
    this.#run = run
    this.#since = since
    /** The number of the user in the whole run, from 0. */
    this.number = number
    /** The number of the iteration of this user, from 0. */
    this.iteration = iteration
    /** The number of the first user of this process. */
    this.firstUser = run.plan.firstUser
    /** What `setUp` has returned, as JSON brings it; null without one. */
    this.value = run.plan.value
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
    this.#run.put({
      t: Math.max(0, start - this.#run.start), user: this.number, iteration: this.iteration, ms: (end - start) * 1000, ...hit,
    }, this.#since)
  }
}

/**
 * Runs a scenario: under load when an agent has started this program, and otherwise once, printing what happens; then the
 * program ends with 1 if the iteration failed.
 *
 * @param scenario an async function of a `User`
 * @param options `serverURL`, used where the run names none; `setUp` and `tearDown`, async functions of a session that are
 *   called once for the whole run, before all users and after them, when it is given `--set-up` (and when nobody loads). What
 *   `setUp` returns, anything that JSON can hold, is the `value` of all users on all agents.
 */
export async function run(scenario, { serverURL = null, setUp = null, tearDown = null } = {}) {
  const text = process.env.LOADS_RESULTS_FD
  delete process.env.LOADS_RESULTS_FD
  if (text === undefined) {
    const base = process.env.LOADS_SERVER_URL || process.argv[2] || serverURL
    // As it comes to the users: through JSON.
    const value = JSON.parse(JSON.stringify((await once(setUp, base)) ?? null))
    const plan = parsePlan({ plan: { users: 1, iterations: 1, server_url: base }, value })
    const printed = new Printed()
    try {
      await new Run(plan, scenario, printed).perform()
    } finally {
      await once(tearDown, base, { value })
    }
    const server = base ? `--server-url ${base} ` : ''
    console.error(`one iteration; under load: loads -c 10 -n 10 ${server}-- node ${path.relative('', process.argv[1] ?? '')}`)
    if (printed.failed) process.exitCode = 1
    return
  }
  // When a run ends is the agent's to say.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
  try {
    writeSync(Number(text), JSON.stringify({ knows: known }) + '\n')
  } catch {
    // The agent is gone: so is the input.
  }
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const first = await lines.next()
  const line = first.done ? {} : JSON.parse(first.value)
  if (await obey(line, { setUp, tearDown, serverURL }, Number(text))) process.exit(0)
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
  #crew
  #iterations = new Map()
  #connections = new Map()
  #wake = () => {}

  constructor(plan, scenario, results) {
    this.plan = plan
    this.scenario = scenario
    this.results = results
    /** Time 0 of the run, which the plan may have come a little late for. */
    this.start = plan.startNs === null
      ? now() - plan.late
      : now() - Number(process.hrtime.bigint() - BigInt(plan.startNs)) / 1e9
    /** Aborted when running iterations must end now. */
    this.cut = new AbortController()
    // Each request and sleep of thousands of users listens to it.
    setMaxListeners(0, this.cut.signal)
    /** When no further iteration was to begin; null while they may. */
    this.stoppedAt = null
    /** Whether somebody has stopped it, before its plan and the grace were over. */
    this.wasStopped = false
    /** Seconds that running iterations may go on after a stop or the end of a duration. */
    this.grace = plan.grace
    const Crew = plan.arrivals ? ArrivalCrew : plan.userStages ? StageCrew : CycleCrew
    this.#crew = new Crew(this)
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
      if (command?.adjust) {
        const { at_s: at, users, first_new_user: first, change } = command.adjust
        this.#crew.adjust({ at: at ?? 0, users, first: first ?? null, change: change ?? null })
        this.wake()
      } else if (command?.stop) this.stop(command.stop.grace_s)
      else if (command?.abort) this.abort()
    }
    this.stop()
  }

  /** No further iterations; running ones may go on for the grace, in seconds. */
  stop(grace) {
    this.wasStopped = true
    this.close(grace)
  }

  /** The same when nobody has stopped it: its plan and the grace are over. */
  close(grace) {
    if (this.stoppedAt === null) {
      this.stoppedAt = now()
      if (grace != null) this.grace = grace
    }
    this.wake()
  }

  abort() {
    this.stop(0)
    this.grace = 0
    this.wake()
  }

  get stopping() {
    return this.stoppedAt !== null
  }

  /** Whether running iterations have had the time that they get after a stop or a deadline. */
  isOutOfGrace(deadline) {
    const ends = [this.stoppedAt, deadline].filter((time) => time !== null)
    return ends.length > 0 && now() >= Math.min(...ends) + this.grace
  }

  /** Carries the plan out; resolves when everything is over and reported. */
  async perform() {
    await this.#crew.perform()
    this.results.put({ users: 0 })
    for (const connections of this.#connections.values()) connections.close()
    await this.results.close()
  }

  /** Waits so many seconds, a tenth of one at most, or until something was told. */
  async tick(seconds = 0.1) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(seconds, 0.1) * 1000)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }

  /** Ends a wait that is going on. */
  wake() {
    this.#wake()
  }

  /** Whether what starts, or is due, then is counted apart. */
  isWarmUp(time) {
    return time < this.start + this.plan.warmUp
  }

  /** Writes what belongs to an iteration that started, or was due, at a time. */
  put(record, since) {
    this.results.put(this.isWarmUp(since) ? { ...record, warm_up: true } : record)
  }

  /** What a scenario is given. `since`: when its iteration started, or was due. */
  user(number, iteration, connections, since) {
    return new User(this, number, iteration, connections, since)
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
