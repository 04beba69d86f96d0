// What a runner of the dialect `lines` is told: its plan.

import { ThinkTime } from './draws.mjs'

/** What of a plan `run` knows beyond users in cycles: the names of Docs/RunnerProtocol.md, What a program knows. */
export const known = ['arrivals', 'user_stages', 'pacing', 'think', 'warm_up']

/**
 * Reads the first line of standard input. Times are seconds.
 *
 * @throws {Error} when it holds no plan.
 */
export function parsePlan(line) {
  const plan = line?.plan
  if (typeof plan !== 'object' || plan === null) throw new Error('the first line on standard input has no "plan"')
  const hasCycles = plan.arrivals == null && plan.user_stages == null
  const given = plan.cycles?.length ? plan.cycles : [plan]
  const cycles = (hasCycles ? given : []).map(({ users, iterations, duration_s }) => {
    if (!Number.isInteger(users)) throw new Error('a cycle has no "users"')
    if (iterations == null && duration_s == null) {
      throw new Error('a cycle has neither "iterations" nor "duration_s"')
    }
    return { users, iterations: iterations ?? null, duration: iterations == null ? duration_s : null }
  })
  return {
    /** Empty in the other two models, which are the maps of Docs/RunnerProtocol.md. */
    cycles,
    userStages: plan.user_stages ?? null,
    arrivals: plan.arrivals ?? null,
    firstUser: plan.first_user ?? 0,
    rampUp: plan.ramp_up_s ?? 0,
    think: new ThinkTime(plan.think_s ?? 0, plan.think),
    pacing: plan.pacing_s ?? 0,
    warmUp: plan.warm_up_s ?? 0,
    pause: plan.pause_s ?? 0,
    grace: plan.grace_s ?? 30,
    timeout: plan.timeout_s ?? null,
    newConnections: plan.new_connections ?? false,
    serverURL: plan.server_url ?? null,
    /** What the set-up has handed over; null where there is none. */
    value: line.value ?? null,
    raw: plan.raw ?? false,
    run: line.run ?? '',
    agent: line.agent ?? '',
    /** How long after the start of the run the plan was written. */
    late: line.t ?? 0,
    /** Time 0 of the run on the clock that the agent and this program share, in nanoseconds; null where it is not told. */
    startNs: line.start_ns ?? null,
  }
}

/** How long a user waits when the server is dead, so that it does not spin: doubling, from 10 to 250 ms. */
export class BackOff {
  #last = 0

  /** Seconds to wait after an iteration that took `service` seconds. */
  delay(afterError, service) {
    this.#last = afterError && service < 0.01 ? Math.min(0.25, Math.max(0.01, this.#last * 2)) : 0
    return this.#last
  }
}
