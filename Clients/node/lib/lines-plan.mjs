// What a program of the dialect `lines` is told of its plan (Docs/RunnerProtocol.md).

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

/** The first line. `t`: seconds since the start of the run. */
export function planLine(plan, names, t, raw) {
  const cycles = plan.cycles.map(({ users, iterations, duration_ns }) =>
    iterations != null ? { users, iterations } : { users, duration_s: Number(duration_ns) / 1e9 })
  const line = { ...cycles[0], first_user: plan.first_user ?? 0 }
  for (const key of ['ramp_up', 'think', 'pause', 'grace', 'timeout']) {
    if (plan[`${key}_ns`] != null) line[`${key}_s`] = Number(plan[`${key}_ns`]) / 1e9
  }
  for (const key of ['server_url', 'new_connections']) if (plan[key] != null) line[key] = plan[key]
  return { plan: { ...line, raw, cycles }, ...names, t }
}
