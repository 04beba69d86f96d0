// When what is due (Docs/RunnerProtocol.md, Arrivals and Stripes): pure, in nanoseconds since the start of the run.
//
// The same as `Schedule` and `Stripe` of LoadsCore, digit for digit: the agents of a run share its arrivals by these numbers.

/** An arrival in units: twice 10^6 (millionths) * 3600 * 10^9 (ns an hour); twice, so that a ramp's triangle is whole. */
const unit = 7_200_000_000_000_000_000n
const circumference = 2 ** 32

/** Which of the numbers 0, 1, 2 ... belong to this program. */
export class Stripe {
  /** `pairs`: where each range begins and where it ends; without them it is every number. */
  constructor(pairs) {
    const places = (pairs ?? [0, circumference]).map(Number)
    this.ranges = []
    for (let place = 0; place + 1 < places.length; place += 2) this.ranges.push([places[place], places[place + 1]])
  }

  owns(number) {
    const place = Math.imul(number, 2_654_435_769) >>> 0
    return this.ranges.some(([low, high]) => low <= place && place < high)
  }

  /** The first one from `number` on that is owned; null if there is none below `limit`. */
  next(number, limit) {
    if (this.ranges.length === 0) return null
    for (; number < limit; number += 1) if (this.owns(number)) return number
    return null
  }

  /** The owned part of all, from 0 to 1. */
  get fraction() {
    return this.ranges.reduce((sum, [low, high]) => sum + (high - low), 0) / circumference
  }

  equals(other) {
    return String(this.ranges) === String(other.ranges)
  }
}

/** t(n) of stages of a rate that begins at 0. Sums are whole numbers: nothing is rounded from one stage to the next. */
export class Schedule {
  #segments = []
  #content = 0n

  /** `stages`: of `duration_ns` and `rate_uph`. */
  constructor(stages) {
    let [rate, time] = [0n, 0n]
    for (const stage of stages) {
      const [duration, target] = [BigInt(stage.duration_ns), BigInt(stage.rate_uph)]
      if (duration > 0n) {
        this.#segments.push({ start: time, duration, rate, target, before: this.#content })
        this.#content += (rate + target) * duration
        time += duration
      }
      rate = target
    }
    /** From the start to the end of the last stage. */
    this.length = Number(time)
    /** How many arrivals there are. */
    this.total = Number((this.#content + (unit - 1n)) / unit)
  }

  /** When arrival `number`, from 0, is due; null if there are no more than that. */
  time(number) {
    return this.#reaching(BigInt(number) * unit)
  }

  /** When so many, with fractions, are due: where Poisson arrivals fall. */
  timeReaching(arrivals) {
    if (!(arrivals >= 0 && arrivals < 9e15)) return null
    const whole = Math.floor(arrivals)
    return this.#reaching(BigInt(whole) * unit + BigInt(Math.trunc((arrivals - whole) * Number(unit))))
  }

  #reaching(position) {
    if (position < 0n || position >= this.#content) return null
    // The last segment that begins at or before the position; those without content are never it.
    let [low, high] = [0, this.#segments.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#segments[middle].before <= position) low = middle
      else high = middle
    }
    const segment = this.#segments[low]
    return Number(segment.start + within(segment, position - segment.before))
  }

  /** How many are due before a point in time. */
  countBefore(time) {
    let [low, high] = [0, this.total]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const due = this.time(middle)
      if (due !== null && due < time) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Arrivals' worth of time until a point in time, with fractions. */
  arrivalsBefore(time) {
    const segment = this.#segments.findLast(({ start }) => Number(start) < time)
    if (segment === undefined) return 0
    const [duration, rate] = [Number(segment.duration), Number(segment.rate)]
    const part = Math.min(time - Number(segment.start), duration)
    const slope = (Number(segment.target) - rate) / duration
    return (Number(segment.before) + (2 * rate + slope * part) * part) / Number(unit)
  }
}

/** Nanoseconds from a segment's start until so many units of it are due, rounded up. */
function within({ duration, rate, target }, units) {
  if (units === 0n) return 0n
  if (rate === target) {
    const time = (units + (2n * rate - 1n)) / (2n * rate)
    return time < duration ? time : duration
  }
  const isUp = rate < target
  const [low, high] = isUp ? [Number(rate), Number(target)] : [Number(target), Number(rate)]
  // Counted from the end with the lower rate, where the root has nothing to cancel.
  const rest = Number(isUp ? units : (rate + target) * duration - units)
  const time = rest / (low + Math.sqrt(low * low + ((high - low) * rest) / Number(duration)))
  const whole = BigInt(Math.max(0, Math.min(Number(duration), isUp ? Math.ceil(time) : Math.floor(time))))
  return isUp ? whole : duration - whole
}
