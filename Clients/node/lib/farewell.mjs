// How an agent that is told to end goes about it.

/** Seconds after which runners are told to end at once, are killed, and nothing more is waited for. */
const [abort, kill, end] = [5, 10, 20]

/**
 * Stops the runners, and resolves when the master has everything, or cannot be waited for any longer.
 *
 * @param works returns the runs that are held; one that is delivered is not any more
 * @param isWelcome returns whether there is a master
 */
export async function farewell(works, isWelcome) {
  const steps = [
    [0, (work) => work.stop(false)], [abort, (work) => work.stop(true)],
    [kill, (work) => work.kill('its agent was told to end')],
  ]
  const begun = performance.now()
  for (;;) {
    const elapsed = (performance.now() - begun) / 1000
    while (steps.length > 0 && elapsed >= steps[0][0]) {
      const [, step] = steps.shift()
      for (const work of works()) step(work)
    }
    const left = works()
    if (left.length === 0 || elapsed >= end || !(isWelcome() || left.some((work) => work.isRunning))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
