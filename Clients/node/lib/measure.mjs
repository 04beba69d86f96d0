// Adds up what a program of the dialect `lines` reports, and cuts it into batches as a runner would send them.

import { BadResult, Family, Grouped, other } from './grouped.mjs'
import { Histogram } from './histogram.mjs'
import { cut, message } from './wire.mjs'

/** Groups of errors or failures kept apart. */
const groups = 200
/** Raw hits that a batch carries at most; more are dropped and counted. */
const hitLimit = 60_000
/** Bytes of URLs and errors that they have at most, for the same reason: a message has its limit, and so has the memory. */
const hitText = 4 << 20
/** Seconds that are kept apart between two batches, the present one and past ones; what belongs to further ones is in the last. */
export const secondLimit = 101
const noHealth = {
  cpu_s: 0, latest_timer_ns: 0, longest_job_ns: 0, long_jobs: 0, peak_rss_bytes: 0, dropped_hits: 0, orphan_failures: 0,
  overflowed_names: 0,
}
const outcomes = ['ok', 'failed', 'skipped', 'interrupted']
const phaseNames = ['blocked', 'dns', 'connect', 'tls', 'send', 'wait', 'receive']

/** What was counted in a second since the last batch, in the warm-up or after it. */
class Sums {
  iterations = { ok: 0, failed: 0, skipped: 0, interrupted: 0 }
  cutOff = 0
  service = new Histogram()
  arrivals = { planned: 0, started: 0, dropped: 0, cancelled: 0 }
  response = new Histogram()
  lag = new Histogram()
  names = new Map()
  errors = new Map()
  failures = new Map()

  constructor(families) {
    this.grouped = new Grouped(families)
  }

  packed() {
    const started = Object.values(this.iterations).reduce((sum, amount) => sum + amount, 0)
    const names = new Map([...this.names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, entry]) => [name, packed(entry)]))
    const arrivals = { ...this.arrivals, cancelled: this.arrivals.cancelled || undefined }
    return {
      iterations: { started, ...this.iterations, cut_off: this.cutOff || undefined }, service: this.service.packed(),
      arrivals: Object.values(arrivals).some((amount) => amount > 0) ? arrivals : undefined,
      response: this.response.packed() ?? undefined, schedule_lag: this.lag.packed() ?? undefined, names,
      ...this.grouped.packed(), errors: this.errors, failures: this.failures,
    }
  }
}

/** What was counted in one second of the run since the last batch. */
class Second {
  #families
  #all
  #warmUp = null
  hits = []

  constructor(families) {
    this.#families = families
    this.#all = new Sums(families)
  }

  /** What is counted of the warm-up, or after it. */
  sums(isWarmUp) {
    return isWarmUp ? (this.#warmUp ??= new Sums(this.#families)) : this.#all
  }

  packed() {
    return {
      ...this.#all.packed(), warm_up: this.#warmUp ? { ...this.#warmUp.packed(), health: noHealth, users: 0 } : undefined,
      hits: this.hits.length > 0 ? columns(this.hits) : undefined,
    }
  }
}

/** Milliseconds until the next batch: they end at multiples of the interval in each second of the run, and with the second. */
export function untilNext(now, interval) {
  const second = Math.floor(now)
  const left = Math.min(second + 1, second + (Math.floor((now - second) / interval) + 1) * interval) - now
  // A timer may be a little early.
  return (left > 0.001 ? left : left + interval) * 1000
}

/** What was measured since the last batch, each second of the run apart. */
export class Measure {
  #family
  #kinds
  #families
  #seconds = new Map()
  /** How far the batches so far reach. */
  #reach = 0
  #waitingHits = 0
  #waitingText = 0
  #dropped = 0
  /** Whether the program was told to end: what it cancels from then on is not the target's doing. */
  isStopped = false
  /** Seconds from the start to the end of the last iteration that was reported. */
  lastEnd = 0
  /** Iterations and hits so far. */
  totals = [0, 0]

  constructor({ maxNames = 1000, rawHits = false, users = 0 } = {}) {
    this.#family = new Family(maxNames)
    this.#kinds = { step: new Family(maxNames), check: new Family(maxNames), metric: new Family(maxNames) }
    this.#families = [this.#family, ...Object.values(this.#kinds)]
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
    const sums = () => this.#at(now).sums(record.warm_up === true)
    if (isObject(record.iteration)) this.#iteration(sums(), record.iteration, now)
    else if (record.ms != null || record.error != null) this.#hit(record, now)
    else if (isObject(record.failure)) this.#failure(sums(), record.failure, now)
    else if (Object.keys(this.#kinds).some((kind) => isObject(record[kind])) && sums().grouped.take(record, now)) return undefined
    else if (isObject(record.arrivals)) this.#arrivals(sums(), record.arrivals)
    else if (record.users != null) this.users = count(record.users)
    else if (record.note != null) return String(record.note)
    else throw new BadResult('neither a hit nor an iteration, a step, a check, a metric, a failure, a note or users')
  }

  /** Where what happened then, in seconds since the start of the run, is counted. */
  #at(time) {
    const number = Math.floor(time)
    if (!this.#seconds.has(number)) {
      if (this.#seconds.size >= secondLimit) return this.#seconds.get(Math.max(...this.#seconds.keys()))
      this.#seconds.set(number, new Second(this.#kinds))
    }
    return this.#seconds.get(number)
  }

  #iteration(sums, iteration, now) {
    const outcome = iteration.outcome ?? 'ok'
    if (!outcomes.includes(outcome)) throw new BadResult(`an iteration's outcome is none of ${outcomes.join(', ')}`)
    const service = iteration.ms == null ? null : nanoseconds(iteration.ms)
    const response = iteration.response_ms == null ? null : nanoseconds(iteration.response_ms)
    sums.iterations[outcome] += 1
    this.totals[0] += 1
    // Before anybody has stopped the run it is one that was cut off at the end of the grace, and has taken so long at least.
    // How long another one would have taken is not known.
    const isCutOff = outcome === 'interrupted' && !this.isStopped
    if (isCutOff) sums.cutOff += 1
    const hasTimes = outcome !== 'interrupted' || isCutOff
    if (service !== null && hasTimes) sums.service.record(service)
    if (response !== null && hasTimes) sums.response.record(response)
    if (isObject(iteration.failure)) this.#failure(sums, iteration.failure, now)
    this.lastEnd = Math.max(this.lastEnd, now)
  }

  #arrivals(sums, arrivals) {
    const counts = ['planned', 'started', 'dropped', 'cancelled'].map((key) => [key, count(arrivals[key] ?? 0)])
    const given = arrivals.lag_ms ?? []
    if (!Array.isArray(given)) throw new BadResult('lag_ms is an array of milliseconds')
    const lags = given.map(nanoseconds)
    for (const [key, amount] of counts) sums.arrivals[key] += amount
    for (const lag of lags) sums.lag.record(lag)
  }

  #failure(sums, failure, now) {
    occurred(sums.failures, String(failure.at ?? 'scenario'), now, String(failure.message ?? ''))
  }

  #hit(hit, now) {
    const latency = nanoseconds(hit.ms ?? 0)
    // Without a time it has ended just now.
    let t = hit.t == null ? now - latency / 1e9 : hit.t
    if (typeof t !== 'number' || !(t <= 1e8)) throw new BadResult('t is seconds since the start of the run')
    t = Math.max(0, t)
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
    const phases = Object.entries(hit.phases ?? {})
      .filter(([phase, milliseconds]) => phaseNames.includes(phase) && milliseconds != null)
      .map(([phase, milliseconds]) => [phase, nanoseconds(milliseconds)])
    // Its clock may be wrong, but by now it has ended.
    const end = hit.t == null ? now : Math.min(t + latency / 1e9, now)
    const second = this.#at(end)
    const sums = second.sums(hit.warm_up === true)
    if (!sums.names.has(name)) {
      sums.names.set(name, {
        count: 0, cancelled: 0, failed: 0, requests: 0, sent: 0, received: 0, latency: new Histogram(), status: new Map(),
        phases: new Map(),
      })
    }
    const entry = sums.names.get(name)
    this.totals[1] += 1
    if (this.isStopped && error === 'cancelled') entry.cancelled += 1
    else {
      entry.count += 1
      if (error !== null || status >= 400) entry.failed += 1
      entry.requests += requests
      entry.received += bytes
      entry.sent += sent
      entry.latency.record(latency)
      if (status !== null) entry.status.set(status, (entry.status.get(status) ?? 0) + 1)
      for (const [phase, time] of phases) {
        if (!entry.phases.has(phase)) entry.phases.set(phase, new Histogram())
        entry.phases.get(phase).record(time)
      }
      if (error !== null) occurred(sums.errors, error, end, String(sample))
    }
    if (!this.rawHits) return
    const row = {
      t, user: count(hit.user ?? 0), iteration: count(hit.iteration ?? 0), name, method, url: cut(url), status,
      ms: latency / 1e6, bytes, requests, error: error === null ? null : cut(error, 1000),
    }
    const length = textLength(row)
    if (this.#waitingHits >= hitLimit || this.#waitingText + length > hitText) {
      this.#dropped += 1
      return
    }
    this.#waitingHits += 1
    this.#waitingText += length
    second.hits.push(row)
  }

  /**
   * Everything since the last call as `batch` messages, none of which reaches over the end of a second; begins anew.
   *
   * At least one: the last of them ends now. What came late, for seconds that are over, comes first.
   *
   * @param now seconds since the start of the run
   * @param usage of the program so far: `cpu` in seconds, `resident` the most bytes
   * @param isLast nothing more comes: what belongs to a later second does not stay
   */
  batches(now, { cpu = 0, resident = 0 } = {}, isLast = false) {
    const end = Math.max(now, this.#reach)
    let number = Math.floor(this.#reach)
    const cuts = []
    const cut = (from, to, place) => {
      cuts.push({ from, to, counted: this.#seconds.get(place) ?? new Second(this.#kinds) })
      this.#seconds.delete(place)
    }
    const known = [...this.#seconds.keys()].sort((a, b) => a - b)
    for (const late of known) if (late < number) cut(late, late + 1, late)
    do {
      const to = Math.min(end, number + 1)
      cut(this.#reach, to, number)
      this.#reach = to
      number += 1
    } while (this.#reach < end)
    if (isLast) for (const later of known) if (this.#seconds.has(later)) cut(later, later, later)
    const health = {
      ...noHealth, cpu_s: cpu, peak_rss_bytes: resident, dropped_hits: this.#dropped,
      overflowed_names: this.#families.reduce((sum, family) => sum + family.overflowed, 0),
    }
    this.#dropped = 0
    // What belongs to seconds to come stays.
    const waiting = [...this.#seconds.values()].flatMap(({ hits }) => hits)
    this.#waitingHits = waiting.length
    this.#waitingText = waiting.reduce((sum, hit) => sum + textLength(hit), 0)
    return cuts.map(({ from, to, counted }, place) => message('batch', {
      from_s: from, to_s: to, users: this.users, ...counted.packed(), health: place === cuts.length - 1 ? health : noHealth,
    }))
  }
}

const isObject = (value) => typeof value === 'object' && value !== null

function packed(entry) {
  return {
    count: entry.count, cancelled: entry.cancelled || undefined, failed: entry.failed, requests: entry.requests,
    bytes_sent: entry.sent, bytes_received: entry.received, latency: entry.latency.packed(), phases: phaseNames.map((name) => entry.phases.get(name)?.packed() ?? null),
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

/** Bytes of what cannot be told apart by a number. */
const textLength = ({ url, error }) => Buffer.byteLength(url) + Buffer.byteLength(error ?? '')
