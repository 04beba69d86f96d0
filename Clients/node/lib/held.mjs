/** A run of which this agent still holds something: what the master wants of one that has no runner is passed over. */
export class Held {
  /** The last sequence number drawn. */
  sequence = 0
  /** Whether the end is in the spool. */
  isOver = false
  /** Iterations started and ended, and hits, in all results so far. */
  counts = [0, 0, 0]
  /** What was shipped with it. */
  files = []

  constructor(run) {
    this.run = run
  }

  get isRunning() {
    return false
  }

  get pid() {
    return undefined
  }

  tick() {}
  fetchAgain() {}
  sayStatus() {}
  takeChunk() {}
  start() {}
  adjust() {}
  rawHits() {}
  stop() {}
  kill() {}
  pause() {}
  setInterval() {}
  discard() {}

  /** The master has everything that was numbered. Returns the end of the run, if that has none yet. */
  acknowledged() {
    return undefined
  }
}

/** A run whose agent was killed, and its runner with it: what was on disk is delivered, and that it crashed. */
export class Orphan extends Held {
  #unreported
  #hadEnd

  /** `found`: one of `Store.recover()`. */
  constructor({ run, first, places, counts, hasEnded, unreported }) {
    super(run)
    this.sequence = first + places.length - 1
    this.isOver = hasEnded
    this.counts = counts
    this.#unreported = unreported
    this.#hadEnd = hasEnded
  }

  acknowledged(sequence) {
    // With a number beyond that of its end the master has had something else under that, which was on its way when the agent was
    // killed, and which the disk has not kept: the end goes behind it.
    if (this.isOver && (this.#hadEnd || sequence <= this.sequence)) return undefined
    // The master may have taken more than the disk has kept.
    this.sequence = Math.max(this.sequence, sequence)
    this.isOver = true
    const [started, ended, hits] = this.#unreported
    return {
      state: 'crashed', reason: 'its agent was killed, and the runner with it', output: '', unreported_started: started,
      unreported_ended: ended, unreported_hits: hits,
    }
  }
}
