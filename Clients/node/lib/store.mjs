// The spool's files: what an agent that is killed leaves behind, and the next one goes on with. `DIR/.epoch`, and a folder
// for each run: segments, and `counters`, the live counters of its runner. No run can be named like a file of the store:
// its name never begins with a dot.

import fs from 'node:fs'
import path from 'node:path'
import { Segment } from './segment.mjs'
import { decode } from './wire.mjs'

const epochFile = '.epoch'

/**
 * When a file cannot be written (a full disk), the store is given up: the spool goes on in memory, and nothing is
 * recovered, since it would have holes.
 */
export class Store {
  #directory
  #onTrouble
  #segmentBytes
  #epoch = ''
  #segments = new Map()
  #unflushed = new Set()
  isWorking = true

  /** `onTrouble` is told what the user should know. A segment is closed when it is longer than `segmentBytes`. */
  constructor(directory, onTrouble, segmentBytes = 8 << 20) {
    this.#directory = directory
    this.#onTrouble = onTrouble
    this.#segmentBytes = segmentBytes
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  #path(...names) {
    return path.join(this.#directory, ...names)
  }

  /** Where the live counters of a run's runner lie; undefined for a run that is not kept. */
  countersPath(run) {
    return this.#segments.has(run) ? this.#path(run, 'counters') : undefined
  }

  // Recovery.

  /**
   * Reads what an earlier process left, and removes what cannot be gone on with. Call it once, first.
   *
   * @returns null when there is nothing; else `{ epoch, runs }`, the epoch to go on with, and each run: `run`, `first` (the
   *   number of its first place), `places`, `counts`, `hasEnded` (whether the last of them is its end), `unreported` (what
   *   its runner counted beyond that)
   */
  recover() {
    let epoch = ''
    try {
      epoch = fs.readFileSync(this.#path(epochFile), 'ascii')
    } catch {
      // There was no agent before, or its store was given up.
    }
    const runs = []
    for (const entry of fs.readdirSync(this.#directory, { withFileTypes: true })) {
      if (entry.name === epochFile) continue
      const found = epoch.length === 16 && entry.isDirectory() ? this.#recover(entry.name, epoch) : null
      if (found) runs.push(found)
      else this.#delete(entry.name)
    }
    if (runs.length === 0) {
      this.#delete(epochFile)
      return null
    }
    this.#epoch = epoch
    return { epoch, runs }
  }

  #recover(run, epoch) {
    const segments = []
    const places = []
    for (const name of fs.readdirSync(this.#path(run)).filter((name) => name.endsWith('.seg')).sort()) {
      const found = Segment.recover(this.#path(run, name), epoch)
      if (found === null || (segments.length > 0 && found.segment.base !== segments.at(-1).last)) {
        // Behind a hole nothing can be delivered: the master takes the next number only.
        if (segments.length === 0) return null
        if (found) found.segment.remove()
        else fs.rmSync(this.#path(run, name), { force: true })
        continue
      }
      segments.push(found.segment)
      places.push(...found.places)
    }
    if (segments.length === 0) return null
    this.#segments.set(run, segments)
    const { counts } = segments.at(-1)
    const counted = readCounters(this.#path(run, 'counters'))
    return {
      run, first: segments[0].base + 1, places, counts, hasEnded: places.length > 0 && isEnd(this.read(places.at(-1))),
      unreported: counted.map((count, place) => Math.max(0, count - counts[place])),
    }
  }

  #delete(name) {
    fs.rmSync(this.#path(name), { recursive: true, force: true })
  }

  // Writing.

  /** Begins a run's files. */
  begin(run, epoch) {
    if (!this.isWorking) return
    try {
      if (this.#epoch !== epoch) {
        fs.writeFileSync(this.#path(`${epochFile}.new`), epoch)
        fs.renameSync(this.#path(`${epochFile}.new`), this.#path(epochFile))
        this.#epoch = epoch
      }
      this.#delete(run)
      fs.mkdirSync(this.#path(run), { mode: 0o700 })
      this.#segments.set(run, [this.#create(run, 0, [0, 0, 0])])
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #create(run, base, counts) {
    return Segment.create(this.#path(run, `${String(base).padStart(19, '0')}.seg`), this.#epoch, base, counts)
  }

  /** Writes a message. It survives this process as soon as this returns a place; null when it is not kept. */
  append(run, message, sequence, counts) {
    const segments = this.#segments.get(run)
    if (!this.isWorking || !segments) return null
    try {
      const newest = segments.at(-1)
      const follows = sequence === newest.last + 1
      if (!follows || newest.size >= this.#segmentBytes) {
        segments.push(this.#create(run, sequence - 1, newest.counts))
        // The master had more than the disk has kept: all before is acknowledged.
        if (!follows) this.#drop(segments.splice(0, segments.length - 1))
      }
      const place = segments.at(-1).append(message, sequence, counts)
      this.#unflushed.add(segments.at(-1))
      return place
    } catch (error) {
      this.#giveUp(error)
      return null
    }
  }

  #giveUp(error) {
    this.isWorking = false
    // Without an epoch nothing is recovered.
    this.#delete(epochFile)
    this.#onTrouble(
      `${this.#directory}: ${error.message}: results are kept in memory only from now on. ` +
        'Make room on that disk, and restart the agent after the run')
  }

  /** A message's bytes, or null when they cannot be read back. */
  read(place) {
    return place.segment.read(place)
  }

  /** Removes the files that are acknowledged as a whole. */
  acknowledged(run, sequence) {
    const segments = this.#segments.get(run)
    if (!segments) return
    const newest = segments.at(-1)
    if (this.isWorking && newest.last <= sequence && newest.size > this.#segmentBytes / 8) {
      try {
        segments.push(this.#create(run, newest.last, newest.counts))
      } catch (error) {
        this.#giveUp(error)
      }
    }
    while (segments.length > 1 && segments[0].last <= sequence) this.#drop([segments.shift()])
  }

  #drop(segments) {
    for (const segment of segments) {
      this.#unflushed.delete(segment)
      segment.remove()
    }
  }

  /** Removes a run's files. */
  remove(run) {
    const segments = this.#segments.get(run)
    if (!segments) return
    this.#segments.delete(run)
    this.#drop(segments)
    this.#delete(run)
  }

  /** Has what was written since the last call flushed to the disk. */
  flush() {
    for (const segment of this.#unflushed) segment.flush()
    this.#unflushed.clear()
  }
}

function isEnd(bytes) {
  try {
    return decode(bytes).ended != null
  } catch {
    return false
  }
}

/** The sums of a runner's live counters: iterations started and ended, hits. Zeros where there is no such file. */
export function readCounters(file) {
  let bytes
  try {
    bytes = fs.readFileSync(file)
  } catch {
    return [0, 0, 0]
  }
  const sums = [0n, 0n, 0n]
  for (let slot = 0; slot + 24 <= bytes.length; slot += 64) {
    for (let place = 0; place < 3; place += 1) sums[place] += bytes.readBigUInt64LE(slot + place * 8)
  }
  return sums.map((sum) => Math.min(2 ** 42, Number(sum)))
}
