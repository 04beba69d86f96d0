/**
 * Results that the master has not acknowledged: what may be sent, what is sent again, what may be forgotten.
 *
 * No clock and no socket: times are seconds of any clock that does not go back. The entries `{ run, sequence, size, bytes,
 * place }` of a run leave in the order in which they were added; runs take turns. At most `window` entries and
 * `windowBytes` are in flight. What is in flight is sent again, from the first, after `rewind()` and when nothing of its
 * run was acknowledged for `patience`, which doubles each time up to twelve times, until something is.
 *
 * With a store every entry is on disk as well, and what is beyond `limit` bytes only there: its `bytes` are null.
 */
export class Spool {
  #queues = new Map()
  #memory = 0
  #flying = 0
  #flyingBytes = 0
  #options
  #store
  length = 0
  bytes = 0

  constructor({ limit = 64 << 20, diskLimit = 1 << 30, window = 256, windowBytes = 16 << 20, patience = 5, store = null } = {}) {
    this.#options = { limit, diskLimit, window, windowBytes, patience }
    this.#store = store
  }

  /** Whether nothing more should be added: runners are not read then, and merge what they measure. */
  get full() {
    return this.#store?.isWorking ? this.bytes >= this.#options.diskLimit : this.#memory >= this.#options.limit
  }

  /** Takes the next result of a run. `counts`: iterations started and ended, and hits, in all of its results so far. */
  add(run, sequence, bytes, counts = [0, 0, 0]) {
    const place = this.#store?.append(run, bytes, sequence, counts) ?? null
    const keeps = place === null || this.#memory + bytes.length <= this.#options.limit
    this.#put({ run, sequence, size: bytes.length, bytes: keeps ? bytes : null, place })
  }

  /** Takes a result that an earlier process has left on disk. */
  recover(run, sequence, place) {
    this.#put({ run, sequence, size: place.size, bytes: null, place })
  }

  #put(entry) {
    if (!this.#queues.has(entry.run)) this.#queues.set(entry.run, new Queue(this.#options.patience))
    this.#queues.get(entry.run).entries.push(entry)
    this.length += 1
    this.bytes += entry.size
    if (entry.bytes) this.#memory += entry.size
  }

  /** Whether something of a run is not acknowledged. */
  isWaiting(run) {
    return this.#queues.has(run)
  }

  /** The next entry to send, or undefined while there is none or the window is full. It counts as sent. */
  next(now) {
    const { window, windowBytes } = this.#options
    if (this.#flying >= window) return undefined
    for (const [run, queue] of this.#queues) {
      const entry = queue.next
      if (entry === undefined) continue
      if (this.#flying > 0 && this.#flyingBytes + entry.size > windowBytes) return undefined
      if (queue.sent === 0) queue.progress = now
      queue.sent += 1
      this.#flying += 1
      this.#flyingBytes += entry.size
      // The others' turn.
      this.#queues.delete(run)
      this.#queues.set(run, queue)
      return entry
    }
    return undefined
  }

  /** An entry's bytes; null when they cannot be read back from the disk. */
  read(entry) {
    return entry.bytes ?? this.#store.read(entry.place)
  }

  /** Other bytes for an entry whose own cannot be read back. */
  replace(entry, bytes) {
    this.bytes += bytes.length - entry.size
    this.#flyingBytes += bytes.length - entry.size
    this.#memory += bytes.length
    Object.assign(entry, { size: bytes.length, bytes })
  }

  /** Forgets a run's entries up to a sequence number. An old number changes nothing. */
  acknowledge(run, sequence, now) {
    const queue = this.#queues.get(run)
    if (queue === undefined) return
    const taken = queue.take(sequence)
    if (taken.length === 0) return
    for (const [entry, wasSent] of taken) this.#release(entry, wasSent)
    queue.progress = now
    queue.patience = this.#options.patience
    if (queue.length === 0) this.#queues.delete(run)
    this.#store?.acknowledged(run, sequence)
  }

  /** Drops all that is left of a run, on disk too. */
  forget(run) {
    const queue = this.#queues.get(run)
    this.#queues.delete(run)
    for (const [entry, wasSent] of queue?.take(Infinity) ?? []) this.#release(entry, wasSent)
    this.#store?.remove(run)
  }

  #release(entry, wasSent) {
    this.length -= 1
    this.bytes -= entry.size
    if (entry.bytes) this.#memory -= entry.size
    if (!wasSent) return
    this.#flying -= 1
    this.#flyingBytes -= entry.size
  }

  /** Everything in flight is to be sent again. */
  rewind() {
    for (const queue of this.#queues.values()) queue.sent = 0
    this.#flying = 0
    this.#flyingBytes = 0
  }

  /** Takes back what was not acknowledged for too long. Returns whether there was any. */
  overdue(now) {
    let found = false
    for (const queue of this.#queues.values()) {
      if (queue.sent === 0 || now - queue.progress < queue.patience) continue
      this.#flying -= queue.sent
      for (const entry of queue.inFlight) this.#flyingBytes -= entry.size
      queue.sent = 0
      queue.progress = now
      queue.patience = Math.min(queue.patience * 2, this.#options.patience * 12)
      found = true
    }
    return found
  }
}

/** What one run has to deliver: the first `sent` of its entries are in flight, the others wait. */
class Queue {
  entries = []
  /** Of `entries`, those before it are gone. */
  #head = 0
  sent = 0
  progress = 0

  constructor(patience) {
    this.patience = patience
  }

  get length() {
    return this.entries.length - this.#head
  }

  get next() {
    return this.entries[this.#head + this.sent]
  }

  get inFlight() {
    return this.entries.slice(this.#head, this.#head + this.sent)
  }

  /** Takes off what is acknowledged: pairs of an entry and whether it was in flight. */
  take(sequence) {
    const taken = []
    while (this.length > 0 && this.entries[this.#head].sequence <= sequence) {
      taken.push([this.entries[this.#head], this.sent > 0])
      this.#head += 1
      if (this.sent > 0) this.sent -= 1
    }
    // Moved together only now and then, so that a long queue is not copied for every acknowledgement.
    if (this.#head > 1024 || this.#head === this.entries.length) {
      this.entries = this.entries.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
