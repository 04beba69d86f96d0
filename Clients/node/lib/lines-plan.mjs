// What a program of the dialect `lines` is told of its plan (Docs/RunnerProtocol.md).

import { Stripe } from './schedule.mjs'

/** What to do about a run that no runner of the dialect `lines` can carry out. */
const advice = '; run on agents in Swift only: give them a label of their own (--labels engine=swift) and ask for it '
  + '(loads --label engine=swift)'

/** What is done once for a whole run, by a process of its own. */
export const once = ['set_up', 'tear_down']
/** The largest value that a set-up may hand over, in bytes of JSON. */
export const valueBytes = 262_144

/** What a program must have said that it knows, the option that asks for it, and whether a plan does. */
const asked = [
  ['arrivals', '--rate', (plan) => plan.arrivals != null],
  ['user_stages', '--stages', (plan) => plan.user_stages != null],
  ['pacing', '--pacing', (plan) => Boolean(plan.pacing_ns)],
  ['think', 'a distribution as --think', (plan) => (plan.think?.kind ?? 'constant') !== 'constant'],
  ['warm_up', '--warm-up', (plan) => Boolean(plan.warm_up_ns)],
]

/** Why the order is none for a program of the dialect `lines`, whatever it knows; null when it is one. */
export function unknown({ plan, phase, scenarios, options }) {
  if (!['run', ...once].includes(phase ?? 'run')) return `a phase that this agent does not know (${phase})${advice}`
  if (plan.cycles ?? plan.user_stages ?? plan.arrivals) {
    if (scenarios?.length > 1) return `several URLs: a run on this agent calls one${advice}`
    const trust = ['insecure', 'ca'].find((name) => options?.[name] != null)
    return trust ? `--${trust}: a run of a URL on this agent trusts whom the system trusts${advice}` : null
  }
  const what = plan.mix ? 'a mix of scenarios' : 'a model of load that is not named here'
  return `${what}: programs and URLs have one model on this agent${advice}`
}

/** What a program must have said that it knows before it is given the plan; nothing for users in cycles. */
export function needs(plan) {
  return asked.filter(([, , isAsked]) => isAsked(plan)).map(([name]) => name)
}

/** Why a program that does not know all of its plan is not started. `known`: what it says; null when it says nothing. */
export function lack(missing, program, known) {
  const options = asked.filter(([name]) => missing.includes(name)).map(([, option]) => option).join(' and ')
  const said = known === null ? 'nothing of what it knows' : `that it knows ${known.join(', ') || 'nothing'}`
  return `${options}: ${program} does not know it (it has said ${said}); leave it out, or let the program follow it and `
    + `write {"knows":[${missing.map((name) => `"${name}"`).join(', ')}]} first (Docs/RunnerProtocol.md)`
}

const seconds = (nanoseconds) => Number(nanoseconds ?? 0) / 1e9

/** Seconds from the start to the end of the plan, its grace aside; null when it ends after so many iterations. */
export function length(plan) {
  const parts = plan.cycles ?? (plan.arrivals ?? plan.user_stages).stages
  if (parts.some(({ iterations }) => iterations != null)) return null
  const pauses = plan.cycles ? (parts.length - 1) * seconds(plan.pause_ns) : 0
  return parts.reduce((sum, { duration_ns }) => sum + seconds(duration_ns), pauses)
}

/** How many users the plan begins with, or may have at most. */
export function users(plan) {
  if (plan.cycles) return plan.cycles[0].users
  if (plan.arrivals) return plan.arrivals.max_users
  const stripe = new Stripe(plan.user_stages.stripe)
  const peak = Math.max(...plan.user_stages.stages.map((stage) => stage.users))
  let count = 0
  for (let user = 0; user < peak; user += 1) if (stripe.owns(user)) count += 1
  return count
}

/** What the plan's line says, as environment for programs that do not want to read it. */
export function essentials(plan, { run, agent }) {
  const variables = {
    LOADS_RESULTS_FD: '3', LOADS_RUN_ID: run, LOADS_AGENT_ID: agent, LOADS_TOTAL_USERS: String(users(plan)),
    LOADS_FIRST_USER: String(plan.first_user ?? 0),
  }
  for (const key of ['ramp_up', 'think', 'grace']) variables[`LOADS_${key.toUpperCase()}`] = String(seconds(plan[`${key}_ns`]))
  const cycle = plan.cycles?.[0]
  if (cycle?.iterations != null) variables.LOADS_TOTAL_HITS = String(cycle.iterations)
  else variables.LOADS_DURATION = String(cycle ? seconds(cycle.duration_ns) : length(plan))
  const needed = needs(plan)
  if (needed.length > 0) variables.LOADS_NEEDS = needed.join(',')
  if (plan.server_url) variables.LOADS_SERVER_URL = plan.server_url
  return variables
}

/** Whole numbers beyond 2^53 are BigInts here, which JSON does not know. */
function plain(value) {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

/**
 * The first line.
 *
 * @param t seconds since the start of the run
 * @param start the start on this machine's monotonic clock, in nanoseconds
 * @param value what the set-up has handed over, as JSON
 */
export function planLine(plan, names, t, start, raw, value) {
  const cycles = (plan.cycles ?? []).map(({ users, iterations, duration_ns }) =>
    iterations != null ? { users, iterations } : { users, duration_s: seconds(duration_ns) })
  const line = { ...cycles[0], first_user: plan.first_user ?? 0 }
  for (const key of ['ramp_up', 'think', 'pause', 'grace', 'timeout', 'pacing', 'warm_up']) {
    if (plan[`${key}_ns`] != null) line[`${key}_s`] = seconds(plan[`${key}_ns`])
  }
  for (const key of ['server_url', 'new_connections', 'think', 'user_stages', 'arrivals']) {
    if (plan[key] != null) line[key] = plain(plan[key])
  }
  line.seed = Number(plan.seed ?? 0)
  line.part = { index: Number(plan.part?.index ?? 0), count: Number(plan.part?.count ?? 1) }
  line.raw = raw
  if (cycles.length > 0) line.cycles = cycles
  const told = { plan: line, ...names, t, start_ns: Number(start) }
  return value?.length ? { ...told, value: JSON.parse(Buffer.from(value).toString()) } : told
}

/** The first line of a process that does the set-up or the tear-down. */
export function onceLine(phase, plan, names, value) {
  const told = { seed: Number(plan.seed ?? 0), limit_s: length(plan) }
  if (plan.server_url) told.server_url = plan.server_url
  const line = { [phase]: told, ...names }
  return value?.length ? { ...line, value: JSON.parse(Buffer.from(value).toString()) } : line
}

/** What changes the plan while it runs. `change`: of a plan without cycles. */
export function adjustLine(users, first, at, change) {
  const told = { users, first_new_user: first, at_s: at }
  return { adjust: change ? { ...told, change: plain(change) } : told }
}
