// What is done once for a whole run, before its users and after them.

import { writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { Connections, Session } from './session.mjs'

/** What `setUp` and `tearDown` are given: a session whose requests are not measured. */
export class Once extends Session {
  #connections

  constructor(base, { seed = 0, value = null } = {}) {
    const connections = new Connections()
    super(() => {}, { base, connections })
    this.#connections = connections
    /** What the run's random choices are drawn from. */
    this.seed = seed
    /** In `tearDown` what `setUp` has returned, as JSON brings it. */
    this.value = value
  }

  close() {
    this.#connections.close()
  }
}

/** Calls `work`, if there is any, with a session of its own; resolves to what it returns. */
export async function once(work, base, options) {
  if (!work) return undefined
  const session = new Once(base, options)
  try {
    return await work(session)
  } finally {
    session.close()
  }
}

/**
 * Obeys a first line that asks for the set-up or the tear-down. What is thrown is its failure.
 *
 * @returns whether it does
 */
export async function obey(line, { setUp, tearDown, serverURL }, descriptor) {
  const told = line.set_up ?? line.tear_down
  if (told === undefined) return false
  const value = await once(line.set_up ? setUp : tearDown, told.server_url ?? serverURL, {
    seed: told.seed ?? 0, value: line.value ?? null,
  })
  if (line.set_up && value !== undefined) await writeAll(descriptor, Buffer.from(JSON.stringify({ value }) + '\n'))
  return true
}

async function writeAll(descriptor, bytes) {
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes))
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
      await wait(5)
    }
  }
}
