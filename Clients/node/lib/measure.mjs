// Adds up what a program of the dialect `lines` reports, and cuts it into batches as a runner would send them.

import { BadResult, Family, Grouped, other } from './grouped.mjs'
import { Histogram } from './histogram.mjs'
import { cut, message } from './wire.mjs'

/** Groups of errors or failures kept apart. */
const groups = 200
/** Raw hits that a batch carries at most; more are dropped and counted. */
const hitLimit = 60_000
const noHealth = {
  cpu_s: 0, latest_timer_ns: 0, longest_job_ns: 0, long_jobs: 0, peak_rss_bytes: 0, dropped_hits: 0, orphan_failures: 0,
  overflowed_names: 0,
}
const outcomes = ['ok', 'failed', 'skipped', 'interrupted']
const phaseNames = ['blocked', 'dns', 'connect', 'tls', 'send', 'wait', 'receive']

/** What was counted since the last batch, in the warm-up or after it. */
class Sums {
  constructor(families) {
    this.grouped = new Grouped(families)
    this.clear()
  }

  clear() {
    this.iterations = { ok: 0, failed: 0, skipped: 0, interrupted: 0 }
    this.service = new Histogram()
    this.arrivals = { planned: 0, started: 0, dropped: 0 }
    this.response = new Histogram()
    this.lag = new Histogram()
    this.names = new Map()
    this.errors = new Map()
    this.failures = new Map()
    this.isTouched = false
  }

  packed() {
    const started = Object.values(this.iterations).reduce((sum, amount) => sum + amount, 0)
    const names = new Map([...this.names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, packed(entry)]))
    return {
      iterations: { started, ...this.iterations }, service: this.service.packed(),
      arrivals: Object.values(this.arrivals).some((amount) => amount > 0) ? this.arrivals : undefined,
      response: this.response.packed() ?? undefined, schedule_lag: this.lag.packed() ?? undefined, names,
      ...this.grouped.packed(), errors: this.errors, failures: this.failures,
    }
  }
}

/** What was measured since the last batch. */
export class Measure {
  #family
  #families
  #all
  /** What is counted apart. */
  #warmUp
  #from = 0
  #hits = []
  #dropped = 0
  /** Seconds from the start to the end of the last iteration that was reported. */
  lastEnd = 0
  /** Iterations and hits so far. */
  totals = [0, 0]

  constructor({ maxNames = 1000, rawHits = false, users = 0 } = {}) {
    this.#family = new Family(maxNames)
    const families = { step: new Family(maxNames), check: new Family(maxNames), metric: new Family(maxNames) }
    this.#families = [this.#family, ...Object.values(families)]
    this.#all = new Sums(families)
    this.#warmUp = new Sums(families)
    this.rawHits = rawHits
    this.users = users
  }

  /**
   * Adds one object that the program wrote.
   *
   * @param now seconds since the start of the run
   * @returns the text of a note, which is not for the batch, or undefined
   * @throws {BadResult}
   */
  take(record, now) {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) throw new BadResult('not an object')
    const sums = record.warm_up === true ? this.#warmUp : this.#all
    sums.isTouched = true
    if (typeof record.iteration === 'object' && record.iteration !== null) this.#iteration(sums, record.iteration, now)
    else if (record.ms != null || record.error != null) this.#hit(sums, record, now)
    else if (typeof record.failure === 'object' && record.failure !== null) this.#failure(sums, record.failure, now)
    else if (sums.grouped.take(record, now)) return undefined
    else if (typeof record.arrivals === 'object' && record.arrivals !== null) this.#arrivals(sums, record.arrivals)
    else if (record.users != null) this.users = count(record.users)
    else if (record.note != null) return String(record.note)
    else throw new BadResult('neither a hit nor an iteration, a step, a check, a metric, a failure, a note or users')
  }

  #iteration(sums, iteration, now) {
    const outcome = iteration.outcome ?? 'ok'
    if (!outcomes.includes(outcome)) throw new BadResult(`an iteration's outcome is none of ${outcomes.join(', ')}`)
    const service = iteration.ms == null ? null : nanoseconds(iteration.ms)
    const response = iteration.response_ms == null ? null : nanoseconds(iteration.response_ms)
    sums.iterations[outcome] += 1
    this.totals[0] += 1
    // How long one would have taken that was interrupted is not known.
    if (service !== null && outcome !== 'interrupted') sums.service.record(service)
    if (response !== null && outcome !== 'interrupted') sums.response.record(response)
    if (typeof iteration.failure === 'object' && iteration.failure !== null) this.#failure(sums, iteration.failure, now)
    this.lastEnd = Math.max(this.lastEnd, now)
  }

  #arrivals(sums, arrivals) {
    const counts = ['planned', 'started', 'dropped'].map((key) => [key, count(arrivals[key] ?? 0)])
    const given = arrivals.lag_ms ?? []
    if (!Array.isArray(given)) throw new BadResult('lag_ms is an array of milliseconds')
    const lags = given.map(nanoseconds)
    for (const [key, amount] of counts) sums.arrivals[key] += amount
    for (const lag of lags) sums.lag.record(lag)
  }

  #failure(sums, failure, now) {
    occurred(sums.failures, String(failure.at ?? 'scenario'), now, String(failure.message ?? ''))
  }

  #hit(sums, hit, now) {
    const latency = nanoseconds(hit.ms ?? 0)
    const status = hit.status || null
    if (status !== null && !(Number.isInteger(status) && status >= 0 && status <= 999)) {
      throw new BadResult('a status is from 0 to 999')
    }
    let error = hit.error == null ? null : hit.error
    let sample = error
    if (typeof error === 'object' && error !== null) {
      sample = error.message ?? error.kind
      error = error.kind ?? 'error'
    }
    if (error !== null) error = String(error)
    const url = String(hit.url ?? '')
    const method = String(hit.method ?? (url ? 'GET' : ''))
    if (!url && !hit.name) throw new BadResult('a hit has a name or a url')
    const name = this.#family.name(cut(hit.name ?? `${method} ${pathOf(url)}`, 1000))
    const [requests, bytes] = [count(hit.requests ?? 1), count(hit.bytes ?? 0)]
    const sent = count(hit.bytes_sent ?? 0)
    if (!sums.names.has(name)) {
      sums.names.set(name, {
        count: 0, failed: 0, requests: 0, sent: 0, received: 0, latency: new Histogram(), status: new Map(),
        phases: new Map(),
      })
    }
    const entry = sums.names.get(name)
    entry.count += 1
    this.totals[1] += 1
    if (error !== null || status >= 400) entry.failed += 1
    entry.requests += requests
    entry.received += bytes
    entry.sent += sent
    entry.latency.record(latency)
    if (status !== null) entry.status.set(status, (entry.status.get(status) ?? 0) + 1)
    for (const [phase, milliseconds] of Object.entries(hit.phases ?? {})) {
      if (!phaseNames.includes(phase) || milliseconds == null) continue
      if (!entry.phases.has(phase)) entry.phases.set(phase, new Histogram())
      entry.phases.get(phase).record(nanoseconds(milliseconds))
    }
    // Without a time it has ended just now.
    const t = Math.max(0, hit.t == null ? now - latency / 1e9 : Number(hit.t) || 0)
    if (error !== null) occurred(sums.errors, error, t + latency / 1e9, String(sample))
    if (!this.rawHits) return
    if (this.#hits.length >= hitLimit) {
      this.#dropped += 1
      return
    }
    this.#hits.push({
      t, user: count(hit.user ?? 0), iteration: count(hit.iteration ?? 0), name, method, url, status, ms: latency / 1e6,
      bytes, requests, error,
    })
  }

  /**
   * Everything since the last batch, as a `batch` message; begins the next.
   *
   * @param now seconds since the start of the run
   * @param usage of the program so far: `cpu` in seconds, `resident` the most bytes
   */
  batch(now, { cpu = 0, resident = 0 } = {}) {
    now = Math.max(now, this.#from)
    const overflowed = this.#families.reduce((sum, family) => sum + family.overflowed, 0)
    const apart = { ...this.#warmUp.packed(), health: noHealth, users: 0 }
    const bytes = message('batch', {
      from_s: this.#from, to_s: now, ...this.#all.packed(),
      health: { ...noHealth, cpu_s: cpu, peak_rss_bytes: resident, dropped_hits: this.#dropped, overflowed_names: overflowed },
      users: this.users, warm_up: this.#warmUp.isTouched ? apart : undefined,
      hits: this.#hits.length > 0 ? columns(this.#hits) : undefined,
    })
    this.#from = now
    this.#all.clear()
    this.#warmUp.clear()
    this.#hits = []
    this.#dropped = 0
    return bytes
  }
}

function packed(entry) {
  return {
    count: entry.count, failed: entry.failed, requests: entry.requests, bytes_sent: entry.sent,
    bytes_received: entry.received, latency: entry.latency.packed(), phases: phaseNames.map((name) => entry.phases.get(name)?.packed() ?? null),
    status: [...entry.status].sort(([a], [b]) => a - b).flat(),
  }
}

function pathOf(url) {
  try {
    return new URL(url, 'http://relative').pathname
  } catch {
    return url
  }
}

function occurred(table, key, at, sample) {
  key = cut(key, 1000)
  if (!table.has(key) && table.size >= groups) key = other
  if (!table.has(key)) table.set(key, { count: 0, first_s: at, last_s: at, sample: cut(sample, 4000) })
  const group = table.get(key)
  group.count += 1
  if (at < group.first_s) Object.assign(group, { first_s: at, sample: cut(sample, 4000) })
  group.last_s = Math.max(group.last_s, at)
}

/** Hits in columns, their strings as numbers into one table. */
function columns(hits) {
  const places = new Map()
  const place = (text) => {
    if (text === null) return null
    if (!places.has(text)) places.set(text, places.size)
    return places.get(text)
  }
  const result = { strings: null }
  for (const key of ['t', 'user', 'iteration', 'name', 'method', 'url', 'status', 'ms', 'bytes', 'requests', 'error']) {
    const textual = ['name', 'method', 'url', 'error'].includes(key)
    result[key] = hits.map((hit) => (textual ? place(hit[key]) : hit[key]))
  }
  result.strings = [...places.keys()]
  return result
}

function nanoseconds(milliseconds) {
  if (typeof milliseconds !== 'number' || !(milliseconds >= 0 && milliseconds < 9e9)) {
    throw new BadResult('ms is a number of at least 0')
  }
  return Math.round(milliseconds * 1e6)
}

function count(value) {
  if (!Number.isInteger(value) || value < 0 || value > 2 ** 42) throw new BadResult(`${value}: not a count`)
  return value
}
