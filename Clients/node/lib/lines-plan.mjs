// What a program of the dialect `lines` is told of its plan (Docs/RunnerProtocol.md).

/** What to do about a run that no runner of the dialect `lines` can carry out. */
const advice = '; leave it out, or run on agents in Swift only: give them a label of their own (--labels engine=swift) '
  + 'and ask for it (loads --label engine=swift)'

/** Why the order is not one for a program of the dialect `lines`; null when it is. */
export function unknown({ plan, phase }) {
  if ((phase ?? 'run') !== 'run') {
    return 'this agent knows no set-up and no tear-down of programs and URLs (--set-up); run on agents in Swift only, by a '
      + 'label of theirs (loads --label engine=swift)'
  }
  let option
  if (!plan.cycles?.length) {
    option = plan.arrivals ? '--rate' : plan.user_stages ? '--stages' : 'a mix of scenarios'
  } else if (plan.pacing_ns) option = '--pacing'
  else if (plan.warm_up_ns) option = '--warm-up'
  else if (plan.think && plan.think.kind !== 'constant') option = `--think ${plan.think.kind}(…)`
  return option ? `${option} is not known to this agent's runners, which play users in cycles${advice}` : null
}

/** What the plan's line says, as environment for programs that do not want to read it. */
export function essentials(plan, { run, agent }) {
  const cycle = plan.cycles[0]
  const variables = {
    LOADS_RESULTS_FD: '3', LOADS_RUN_ID: run, LOADS_AGENT_ID: agent, LOADS_TOTAL_USERS: String(cycle.users),
    LOADS_FIRST_USER: String(plan.first_user ?? 0),
  }
  for (const key of ['ramp_up', 'think', 'grace']) {
    variables[`LOADS_${key.toUpperCase()}`] = String(Number(plan[`${key}_ns`] ?? 0) / 1e9)
  }
  if (cycle.iterations != null) variables.LOADS_TOTAL_HITS = String(cycle.iterations)
  else variables.LOADS_DURATION = String(Number(cycle.duration_ns) / 1e9)
  if (plan.server_url) variables.LOADS_SERVER_URL = plan.server_url
  return variables
}

/** The first line. `t`: seconds since the start of the run; `value`: what the set-up has handed over, as JSON. */
export function planLine(plan, names, t, raw, value) {
  const cycles = plan.cycles.map(({ users, iterations, duration_ns }) =>
    iterations != null ? { users, iterations } : { users, duration_s: Number(duration_ns) / 1e9 })
  const line = { ...cycles[0], first_user: plan.first_user ?? 0 }
  for (const key of ['ramp_up', 'think', 'pause', 'grace', 'timeout']) {
    if (plan[`${key}_ns`] != null) line[`${key}_s`] = Number(plan[`${key}_ns`]) / 1e9
  }
  for (const key of ['server_url', 'new_connections']) if (plan[key] != null) line[key] = plan[key]
  line.seed = Number(plan.seed ?? 0)
  line.part = { index: Number(plan.part?.index ?? 0), count: Number(plan.part?.count ?? 1) }
  const told = { plan: { ...line, raw, cycles }, ...names, t }
  return value?.length ? { ...told, value: JSON.parse(Buffer.from(value).toString()) } : told
}
