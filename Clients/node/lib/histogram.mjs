// Histograms of nanoseconds as the wire carries them (Docs/RunnerProtocol.md): three significant digits, exact extremes.

/** The bucket of a whole number of 0 or more: itself below 2048, then 1024 buckets for each power of two. */
export function bucket(value) {
  if (value < 2048) return value
  const high = Math.floor(value / 2 ** 32)
  const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value)
  const shift = bits - 11
  return shift * 1024 + Math.floor(value / 2 ** shift)
}

export class Histogram {
  count = 0
  min = 0
  max = 0
  sum = 0
  buckets = new Map()

  /** Counts a value in nanoseconds; a negative one counts as 0. */
  record(nanoseconds) {
    const value = Math.max(0, Math.round(nanoseconds))
    this.min = this.count === 0 ? value : Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    this.count += 1
    this.sum += value
    const index = bucket(value)
    this.buckets.set(index, (this.buckets.get(index) ?? 0) + 1)
  }

  /** Adds another histogram's values. */
  add(other) {
    if (other.count === 0) return
    this.min = this.count === 0 ? other.min : Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    this.count += other.count
    this.sum += other.sum
    for (const [index, count] of other.buckets) this.buckets.set(index, (this.buckets.get(index) ?? 0) + count)
  }

  /** `[min, max, sum, buckets]`, or null when empty. */
  packed() {
    if (this.count === 0) return null
    const bytes = []
    let last = 0
    for (const index of [...this.buckets.keys()].sort((a, b) => a - b)) {
      leb128(index - last, bytes)
      leb128(this.buckets.get(index), bytes)
      last = index
    }
    return [this.min, this.max, this.sum, Buffer.from(bytes)]
  }

  /** Reads what `packed` writes. */
  static unpacked(value) {
    const histogram = new Histogram()
    if (value === null) return histogram
    const [min, max, sum, bytes] = value
    Object.assign(histogram, { min, max, sum })
    const numbers = []
    let number = 0
    let scale = 1
    for (const byte of bytes) {
      number += (byte & 127) * scale
      scale *= 128
      if (byte < 128) {
        numbers.push(number)
        number = 0
        scale = 1
      }
    }
    for (let place = 0, index = 0; place < numbers.length; place += 2) {
      index += numbers[place]
      histogram.buckets.set(index, numbers[place + 1])
      histogram.count += numbers[place + 1]
    }
    return histogram
  }
}

/** Seven bits a byte, the lowest first; the high bit says that more follow. */
function leb128(value, bytes) {
  while (value > 127) {
    bytes.push((value % 128) | 128)
    value = Math.floor(value / 128)
  }
  bytes.push(value)
}
