// Steps, checks and metrics: what a program of the dialect `lines` reports beside its hits (Docs/RunnerProtocol.md).

import { Histogram } from './histogram.mjs'
import { cut } from './wire.mjs'

export const other = '(other)'
const kinds = ['counter', 'gauge', 'rate', 'trend']
/** Values beyond it, either way, are refused; those of a trend are from 0 to the second. */
const limit = 1e15
const trendLimit = 9e12

/** What the program wrote is no result. */
export class BadResult extends Error {}

const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A name with its tags in the order of their keys: `checkout{plan=pro,region="a b"}`. */
export function tagged(name, tags) {
  const part = (text) => (/^[^{}=,"\\()\x00-\x20]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`)
  const keys = Object.keys(tags).sort()
  return keys.length === 0 ? name : `${name}{${keys.map((key) => `${part(key)}=${part(tags[key])}`).join(',')}}`
}

/** Names of one kind of thing that are kept apart; further ones are counted together. */
export class Family {
  #limit
  #known = new Set()
  #overflowed = new Set()

  constructor(limit) {
    this.#limit = limit
  }

  get overflowed() {
    return this.#overflowed.size
  }

  name(name, rest = other) {
    if (this.#known.has(name)) return name
    if (this.#known.size >= this.#limit) {
      if (this.#overflowed.size < 100_000) this.#overflowed.add(name)
      return rest
    }
    this.#known.add(name)
    return name
  }
}

/** What was counted since the last batch. */
export class Grouped {
  #families
  #steps
  #checks
  #metrics

  /** `families`: of `step`, `check` and `metric`. */
  constructor(families) {
    this.#families = families
    this.#clear()
  }

  #clear() {
    this.#steps = new Map()
    this.#checks = new Map()
    this.#metrics = new Map()
  }

  /** Adds a step, a check or a metric. Returns whether the record is one. @throws {BadResult} */
  take(record, now) {
    if (isMap(record.step)) this.#step(record.step)
    else if (isMap(record.check)) this.#check(record.check)
    else if (isMap(record.metric)) this.#metric(record.metric, now)
    else return false
    return true
  }

  #step(step) {
    const name = nameOf(step)
    const failed = step.failed ?? false
    if (typeof failed !== 'boolean') throw new BadResult('failed: neither true nor false')
    if (typeof step.ms !== 'number' || !(step.ms >= 0 && step.ms < 9e9)) {
      throw new BadResult('a step needs its ms, a number of at least 0')
    }
    const entry = at(this.#steps, this.#families.step.name(name), () => ({ count: 0, failed: 0, duration: new Histogram() }))
    entry.count += 1
    if (failed) entry.failed += 1
    entry.duration.record(Math.round(step.ms * 1e6))
  }

  #check(check) {
    const name = nameOf(check)
    if (typeof check.passed !== 'boolean') throw new BadResult('passed: neither true nor false')
    at(this.#checks, this.#families.check.name(name), () => ({ passed: 0, failed: 0 }))[check.passed ? 'passed' : 'failed'] += 1
  }

  #metric(metric, now) {
    const name = nameOf(metric)
    const { kind } = metric
    const unit = metric.unit ?? ''
    if (!kinds.includes(kind)) throw new BadResult(`a metric's kind is one of ${kinds.join(', ')}`)
    let value = metric.value ?? (kind === 'counter' ? 1 : undefined)
    if (typeof value === 'boolean') value = Number(value)
    if (typeof value !== 'number' || typeof unit !== 'string') {
      throw new BadResult('a metric needs a value: a number, of a rate true or false; a unit is a text')
    }
    if (kind === 'rate' && value !== 0 && value !== 1) throw new BadResult('the value of a rate is true or false')
    const kept = this.#families.metric.name(apart(this.#metrics.get(name), name, kind, unit), `${other} (${kind})`)
    const entry = at(this.#metrics, kept, () => ({
      kind, unit, count: 0, sum: 0, min: 0, max: 0, last: 0, last_s: 0, refused: 0,
      ...(kind === 'trend' ? { trend: new Histogram() } : {}),
    }))
    const isTrend = entry.kind === 'trend'
    if (!(value >= (isTrend ? 0 : -limit) && value <= (isTrend ? trendLimit : limit))) {
      entry.refused += 1
      return
    }
    if (isTrend) entry.trend.record(Math.round(value * 1e6))
    addSums(entry, { count: 1, sum: value, min: value, max: value, last: value, last_s: now })
  }

  /** The fields of a batch; begins the next. Those that there are none of are left out. */
  packed() {
    const sorted = (map, change) =>
      map.size === 0 ? undefined : new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, change(value)]))
    const fields = {
      steps: sorted(this.#steps, (step) => ({ ...step, duration: step.duration.packed() })),
      checks: sorted(this.#checks, (check) => check),
      metrics: sorted(this.#metrics, (metric) => (metric.trend ? { ...metric, trend: metric.trend.packed() } : metric)),
    }
    this.#clear()
    return fields
  }
}

function at(map, key, make) {
  if (!map.has(key)) map.set(key, make())
  return map.get(key)
}

/** The name, or one beside it when what is there is of another kind or unit. */
function apart(there, name, kind, unit) {
  if (there === undefined || (there.kind === kind && (there.unit ?? '') === unit)) return name
  return `${name} (${kind}${unit ? `, ${unit}` : ''})`
}

function nameOf({ name, tags }) {
  if (typeof name !== 'string' || name === '') throw new BadResult('steps, checks and metrics have a name')
  if (tags == null) return cut(name, 1000)
  const isTag = (value) => typeof value === 'string' || typeof value === 'boolean' || Number.isInteger(value)
  if (!isMap(tags) || !Object.values(tags).every(isTag)) {
    throw new BadResult('tags are a map of texts, whole numbers, true or false')
  }
  return cut(tagged(name, Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, String(value)]))), 1000)
}

/** Adds the steps, checks and metrics of a runner's batch to another's. `addHistograms` adds two that are packed. */
export function mergeGrouped(into, batch, addHistograms) {
  for (const key of ['steps', 'checks', 'metrics']) if (batch[key]) into[key] ??= Object.create(null)
  for (const [name, step] of Object.entries(batch.steps ?? {})) {
    const known = (into.steps[name] ??= step)
    if (known === step) continue
    known.count += step.count
    known.failed += step.failed
    known.duration = addHistograms(known.duration, step.duration)
  }
  for (const [name, check] of Object.entries(batch.checks ?? {})) {
    const known = (into.checks[name] ??= check)
    if (known === check) continue
    known.passed += check.passed
    known.failed += check.failed
  }
  for (const [name, metric] of Object.entries(batch.metrics ?? {})) {
    const known = (into.metrics[apart(into.metrics[name], name, metric.kind, metric.unit ?? '')] ??= metric)
    if (known === metric) continue
    if (metric.kind === 'trend') known.trend = addHistograms(known.trend ?? null, metric.trend ?? null)
    addSums(known, metric)
  }
}

function addSums(into, more) {
  if (into.refused || more.refused) into.refused = (into.refused ?? 0) + (more.refused ?? 0)
  if (more.count === 0) return
  const first = into.count === 0
  into.min = first ? more.min : Math.min(into.min, more.min)
  into.max = first ? more.max : Math.max(into.max, more.max)
  if (first || more.last_s >= into.last_s) Object.assign(into, { last: more.last, last_s: more.last_s })
  into.count += more.count
  into.sum += more.sum
}
