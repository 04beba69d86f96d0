/**
 * Results that the master has not acknowledged: what may be sent, what is sent again, what may be forgotten.
 *
 * A pure structure: times are seconds of any clock that does not go back. Entries `{ run, sequence, bytes }` leave in the
 * order in which they were added; at most `window` of them and `windowBytes` are in flight. What is in flight is sent
 * again, from the first, after `rewind()` and when nothing was acknowledged for `patience`, which doubles each time up to
 * twelve times, until something is.
 */
export class Spool {
  #waiting = []
  #flight = []
  #flightBytes = 0
  #progress = 0
  #patience
  #options

  constructor({ limit = 64 << 20, window = 256, windowBytes = 16 << 20, patience = 5 } = {}) {
    this.#options = { limit, window, windowBytes, patience }
    this.#patience = patience
    this.bytes = 0
  }

  get length() {
    return this.#waiting.length + this.#flight.length
  }

  /** Whether nothing more should be added: runners are not read then, and merge what they measure. */
  get full() {
    return this.bytes >= this.#options.limit
  }

  add(run, sequence, bytes) {
    this.#waiting.push({ run, sequence, bytes })
    this.bytes += bytes.length
  }

  /** The next entry to send, or undefined while there is none or the window is full. It counts as sent. */
  next(now) {
    const entry = this.#waiting[0]
    if (entry === undefined || this.#flight.length >= this.#options.window) return undefined
    if (this.#flight.length > 0 && this.#flightBytes + entry.bytes.length > this.#options.windowBytes) return undefined
    if (this.#flight.length === 0) this.#progress = now
    this.#waiting.shift()
    this.#flight.push(entry)
    this.#flightBytes += entry.bytes.length
    return entry
  }

  /** Forgets a run's entries up to a sequence number. An old number changes nothing. */
  acknowledge(run, sequence, now) {
    const before = this.length
    const kept = (entry) => entry.run !== run || entry.sequence > sequence
    this.#flight = this.#flight.filter(kept)
    this.#waiting = this.#waiting.filter(kept)
    if (this.length === before) return
    const size = (entries) => entries.reduce((sum, entry) => sum + entry.bytes.length, 0)
    this.#progress = now
    this.#patience = this.#options.patience
    this.#flightBytes = size(this.#flight)
    this.bytes = this.#flightBytes + size(this.#waiting)
  }

  /** Everything in flight is to be sent again. */
  rewind() {
    this.#waiting = [...this.#flight, ...this.#waiting]
    this.#flight = []
    this.#flightBytes = 0
  }

  /** Rewinds when nothing was acknowledged for too long. Returns whether it did. */
  overdue(now) {
    if (this.#flight.length === 0 || now - this.#progress < this.#patience) return false
    this.rewind()
    this.#progress = now
    this.#patience = Math.min(this.#patience * 2, this.#options.patience * 12)
    return true
  }
}
