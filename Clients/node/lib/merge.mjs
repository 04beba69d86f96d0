// Batches of a runner that come more often than the master wants them, added up (Docs/RunnerProtocol.md, Batch).

import { mergeGrouped } from './grouped.mjs'
import { Histogram } from './histogram.mjs'
import { message } from './wire.mjs'

/** Batches that are together larger than this stay apart, in bytes. */
const limit = 2 << 20
const columnNames = ['t', 'user', 'iteration', 'name', 'method', 'url', 'status', 'ms', 'bytes', 'requests', 'error']
const textNames = ['name', 'method', 'url', 'error']
/** What can be added up. A batch that holds more is left as it is: what it says would be lost. */
const addable = new Set([
  'v', 'type', 'from_s', 'to_s', 'iterations', 'service', 'arrivals', 'response', 'unscheduled', 'user_wait', 'schedule_lag',
  'names', 'scenarios', 'steps', 'checks', 'metrics', 'errors', 'failures', 'health', 'users', 'warm_up', 'hits',
])
const addableHealth = new Set([
  'cpu_s', 'latest_timer_ns', 'longest_job_ns', 'long_jobs', 'waited_ns', 'held_ns', 'holders', 'peak_rss_bytes', 'dropped_hits',
  'orphan_failures', 'overflowed_names',
])
const isAddable = (fields) =>
  Object.keys(fields).every((key) => addable.has(key)) && Object.keys(fields.health).every((key) => addableHealth.has(key))

/** The second of the run in whose middle a batch's interval lies. */
const secondOf = ({ from_s: from, to_s: to }) => Math.floor((from + to) / 2)

/**
 * Lets batches through when the interval is over; until then they are added up, those of each second of the run by themselves.
 *
 * Times are seconds.
 */
export class Merger {
  #last = -Infinity
  /** By second of the run: the fields, and the batch as it came, as long as nothing was added to it. */
  #waiting = new Map()
  /** The last second of which anything came. */
  #newest = 0
  #size = 0

  /** Takes a batch; returns those that go to the master now. */
  take(bytes, fields, now, interval) {
    if (!isAddable(fields)) return [...this.flush(now), bytes]
    const out = []
    const second = secondOf(fields)
    // What is behind the end of the second waits for as long again: so it goes on from second to second. What is late for a second
    // hurries nobody.
    const isNext = second > this.#newest && this.#waiting.has(this.#newest)
    if (this.#waiting.size > 0 && (isNext || this.#size + bytes.length > limit)) out.push(...this.flush(now))
    this.#newest = Math.max(this.#newest, second)
    const known = this.#waiting.get(second)
    if (known) {
      merge(known.fields, fields)
      known.bytes = null
    } else {
      this.#waiting.set(second, { fields, bytes })
    }
    this.#size += bytes.length
    // A runner's own cadence is not exact: a batch that comes a little early need not wait for the next.
    if (now - this.#last >= interval - Math.min(interval * 0.2, 0.05)) out.push(...this.flush(now))
    return out
  }

  /** What waits; a run that ends must not wait for it. */
  flush(now) {
    if (this.#waiting.size === 0) return []
    const waiting = [...this.#waiting].sort(([a], [b]) => a - b)
    this.#waiting.clear()
    this.#size = 0
    this.#last = now
    return waiting.map(([, { bytes, fields: { v, type, ...fields } }]) => bytes ?? message(type, fields))
  }
}

/** Iterations started and ended, and hits, of a batch, those of a warm-up among them. */
export function counts({ iterations, names, warm_up: warmUp }) {
  const { started, ok, failed, skipped, interrupted } = iterations
  const hits = Object.values(names).reduce((sum, { count, cancelled }) => sum + count + (cancelled ?? 0), 0)
  const apart = warmUp ? counts(warmUp) : [0, 0, 0]
  return [started, ok + failed + skipped + interrupted, hits].map((count, place) => count + apart[place])
}

/** Adds a batch's fields to another's, of the same second. */
export function merge(into, other) {
  into.from_s = Math.min(into.from_s, other.from_s)
  into.to_s = Math.max(into.to_s, other.to_s)
  mergeStatistics(into, other)
  if (other.hits) into.hits = into.hits ? joined(into.hits, other.hits) : other.hits
}

function mergeStatistics(into, other) {
  mergeTimes(into, other)
  // What only some plans have: arrivals, several scenarios, and a warm-up that is counted apart.
  if (other.scenarios) mergeEach((into.scenarios ??= Object.create(null)), other.scenarios, mergeTimes)
  if (other.warm_up) {
    if (into.warm_up) mergeStatistics(into.warm_up, other.warm_up)
    else into.warm_up = other.warm_up
  }
  mergeEach(into.names, other.names, mergeName)
  mergeGrouped(into, other, histogram)
  mergeEach(into.errors, other.errors, mergeOccurrences)
  mergeEach(into.failures, other.failures, mergeOccurrences)
  mergeHealth(into.health, other.health)
  into.users = other.users
}

/** Iterations and arrivals, of all scenarios or of one. */
function mergeTimes(into, other) {
  add(into.iterations, other.iterations)
  into.service = histogram(into.service, other.service)
  if (other.arrivals) add((into.arrivals ??= {}), other.arrivals)
  for (const key of ['response', 'unscheduled', 'user_wait', 'schedule_lag']) {
    if (other[key]) into[key] = histogram(into[key] ?? null, other[key])
  }
}

function mergeEach(into, other, one) {
  for (const [key, entry] of Object.entries(other)) {
    if (key in into) one(into[key], entry)
    else into[key] = entry
  }
}

function add(into, other, keys = Object.keys(other)) {
  for (const key of keys) into[key] = (into[key] ?? 0) + (other[key] ?? 0)
}

function mergeName(into, other) {
  add(into, other, ['count', 'failed', 'requests', 'bytes_sent', 'bytes_received'])
  if (other.cancelled) add(into, other, ['cancelled'])
  into.latency = histogram(into.latency, other.latency)
  into.phases = into.phases.map((phase, place) => histogram(phase, other.phases[place]))
  const status = new Map()
  for (const pairs of [into.status, other.status]) {
    for (let place = 0; place < pairs.length; place += 2) {
      status.set(pairs[place], (status.get(pairs[place]) ?? 0) + pairs[place + 1])
    }
  }
  into.status = [...status].sort(([a], [b]) => a - b).flat()
}

function histogram(one, other) {
  if (one === null || other === null) return one ?? other
  const sum = Histogram.unpacked(one)
  sum.add(Histogram.unpacked(other))
  return sum.packed()
}

function mergeOccurrences(into, other) {
  into.count += other.count
  if (other.first_s < into.first_s) Object.assign(into, { first_s: other.first_s, sample: other.sample })
  into.last_s = Math.max(into.last_s, other.last_s)
}

function mergeHealth(into, other) {
  for (const key of ['cpu_s', 'latest_timer_ns', 'longest_job_ns', 'peak_rss_bytes', 'overflowed_names']) {
    into[key] = Math.max(into[key], other[key])
  }
  add(into, other, ['long_jobs', 'dropped_hits', 'orphan_failures'])
  for (const key of ['waited_ns', 'held_ns']) if (other[key] != null) add(into, other, [key])
  for (const [name, held] of Object.entries(other.holders ?? {})) {
    into.holders ??= {}
    const known = (into.holders[name] ??= { count: 0, longest_ns: 0 })
    known.count += held.count
    known.longest_ns = Math.max(known.longest_ns, held.longest_ns)
  }
}

/** Columns behind one another, with one table of strings. */
function joined(into, other) {
  const places = new Map()
  const result = { strings: null }
  for (const name of columnNames) result[name] = []
  for (const hits of [into, other]) {
    const table = hits.strings.map((text) => {
      if (!places.has(text)) places.set(text, places.size)
      return places.get(text)
    })
    for (const name of columnNames) {
      const textual = textNames.includes(name)
      for (const value of hits[name]) result[name].push(textual && value !== null ? table[value] : value)
    }
  }
  result.strings = [...places.keys()]
  return result
}
