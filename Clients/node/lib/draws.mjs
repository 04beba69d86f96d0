// Random numbers that are the same in all languages of Loads, and what is drawn from them.

const bits = (value) => BigInt.asUintN(64, value)

/** SplitMix64 (Steele et al. 2014): reproducible, one number of 64 bits as its state. */
export class SplitMix {
  #state

  constructor(seed) {
    this.#state = bits(BigInt(seed))
  }

  next() {
    this.#state = bits(this.#state + 0x9e37_79b9_7f4a_7c15n)
    let value = this.#state
    value = bits((value ^ (value >> 30n)) * 0xbf58_476d_1ce4_e5b9n)
    value = bits((value ^ (value >> 27n)) * 0x94d0_49bb_1331_11ebn)
    return value ^ (value >> 31n)
  }

  /** From 0 up to, not including, 1. */
  unit() {
    return Number(this.next() >> 11n) * 2 ** -53
  }

  /** Its mean is 1. */
  exponential() {
    return -Math.log(1 - this.unit())
  }

  /** Around 0, with a standard deviation of 1. */
  normal() {
    return Math.sqrt(2 * this.exponential()) * Math.cos(2 * Math.PI * this.unit())
  }
}

const kinds = { constant: 0, uniform: 2, normal: 2, exponential: 1 }

/** How long a user waits between two iterations. */
export class ThinkTime {
  #mean
  #kind
  #times

  /** `distribution`: the plan's `think`, a map of `kind` and `ns`; without it the mean, in seconds, each time. */
  constructor(mean, distribution) {
    this.#mean = mean
    this.#kind = distribution?.kind ?? 'constant'
    this.#times = (distribution?.ns ?? []).map(Number)
    const needed = kinds[this.#kind]
    if (needed === undefined) throw new Error(`no think time is of the kind "${this.#kind}"`)
    if (this.#times.length < needed) throw new Error(`a think time of the kind "${this.#kind}" needs ${needed} times`)
  }

  /** Seconds, at least 0. */
  draw(random) {
    const [first, second] = this.#times
    let value
    if (this.#kind === 'constant') return this.#mean
    if (this.#kind === 'uniform') value = first + (second - first) * random.unit()
    else if (this.#kind === 'normal') value = first + second * random.normal()
    else value = first * random.exponential()
    return Math.max(0, value) / 1e9
  }
}
