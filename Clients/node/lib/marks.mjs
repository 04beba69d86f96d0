// What a scenario measures of its own, beside its requests: steps, checks, metrics.

import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Session } from './session.mjs'

/** Tags are texts, whole numbers or bools; they become a part of the name. */
export class Marked extends Session {
  #put
  /** How many checks or expectations have failed. */
  #misses = 0
  /** Whether this iteration counts as failed, whatever else happens. */
  failed = false

  /** `put` takes what is to be written; the others are a session's. */
  constructor(put, ...session) {
    super(...session)
    this.#put = put
  }

  /**
   * Times a transaction: `await user.step('checkout', async () => { … })`. It failed when something was thrown, a check in
   * it did not hold or `fail` was called.
   *
   * @returns what the body returns
   */
  async step(name, body, tags) {
    const start = performance.now()
    const misses = this.#misses
    let failed = true
    try {
      const value = await body()
      failed = this.#misses > misses
      return value
    } finally {
      this.#put({ step: { name, ms: performance.now() - start, failed, tags } })
    }
  }

  /** Counts whether something held, which fails no iteration. Returns whether it did. */
  check(name, condition, tags) {
    const passed = Boolean(condition)
    if (!passed) this.#misses += 1
    this.#put({ check: { name, passed, tags } })
    return passed
  }

  /**
   * Records a value of the scenario's own.
   *
   * @param options `kind`: counter, gauge, rate (of bools) or trend (percentiles of numbers from 0 on; times in milliseconds
   *   with the unit `ms`); `unit`; `tags`
   */
  metric(name, value = 1, { kind = 'counter', unit, tags } = {}) {
    this.#put({ metric: { name, kind, value, unit, tags } })
  }

  /** Reports a failure and goes on: the iteration counts as failed. */
  fail(message, at = place(new Error())) {
    this.failed = true
    this.#misses += 1
    this.#put({ failure: { at, message } })
  }
}

const library = path.dirname(fileURLToPath(import.meta.url)) + path.sep

/** The scenario's own line in which an error arose: not ours, not Node's. */
export function place(error) {
  for (const line of String(error?.stack ?? '').split('\n').slice(1)) {
    const found = /\(?((?:file:\/\/)?\/[^()]*):(\d+):\d+\)?$/.exec(line.trim())
    if (!found) continue
    const file = found[1].startsWith('file:') ? fileURLToPath(found[1]) : found[1]
    if (!file.startsWith(library)) return `${path.basename(file)}:${found[2]}`
  }
  return 'scenario'
}
