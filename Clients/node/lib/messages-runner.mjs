// The runner that speaks MessagePack on inherited pipes: it counts for itself.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { counts, Merger } from './merge.mjs'
import { describe, patience, Runner, writer } from './runners.mjs'
import { cut, decode, frame, Frames, message } from './wire.mjs'

/** How long a runner may take to exit once it has reported its end. */
const exitPatience = 60
const counterBytes = 65_536

/** Node has no memory to share; a file without a name is as good. */
function nameless() {
  const name = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'loads-counters-')), 'counters')
  const descriptor = fs.openSync(name, 'w+')
  fs.rmSync(path.dirname(name), { recursive: true })
  return descriptor
}

/** Speaks MessagePack on inherited pipes; its messages go to the master as they are. */
export class MessagesRunner extends Runner {
  #frames = new Frames()
  #end = null
  #counted = [0, 0, 0]
  #counters
  #reports
  #write
  #interval
  #merger = new Merger()

  /** `counters`: a file for the live counters, which outlives the agent; without it they go with it. */
  constructor(program, args, environment, directory, order, interval, counters, events) {
    super(order, events)
    this.#interval = interval
    this.#counters = counters ? fs.openSync(counters, 'w+', 0o600) : nameless()
    fs.ftruncateSync(this.#counters, counterBytes)
    const child = this.start_(
      program, args, { ...environment, LOADS_COMMANDS_FD: '3', LOADS_REPORTS_FD: '4', LOADS_COUNTERS_FD: '5' },
      directory, ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', this.#counters])
    this.#write = writer(child.stdio[3])
    // Both directions of what Node calls a pipe are open; an end that nobody reads would keep it alive.
    child.stdio[3].resume()
    this.#reports = child.stdio[4]
    this.#reports.on('error', () => {})
    this.#reports.on('data', (bytes) => this.#take(bytes))
    this.#tell('run', { ...order, waits: true })
  }

  start(at) {
    this.#tell('start', { at_ns: at })
  }

  adjust(users, first, at, change) {
    this.#tell('adjust', { users, first_new_user: first, at_ns: at, change: change ?? undefined })
  }

  rawHits(wanted) {
    this.#tell('raw_hits', { wanted })
  }

  stop() {
    this.#tell('stop')
    this.expectEnd(this.grace + patience, 'it was told to stop and did not end')
  }

  abort() {
    this.#tell('abort')
    this.expectEnd(patience, 'it was told to end at once and did not')
  }

  /** Leaves its reports unread: it merges them then. */
  pause(paused) {
    this.isUnread = paused
    if (paused) this.#reports.pause()
    else this.#reports.resume()
  }

  /** Batches that come more often than this are added up. */
  setInterval(seconds) {
    this.#interval = seconds
  }

  #tell(type, fields) {
    this.#write(frame(message(type, fields)))
  }

  #take(bytes) {
    try {
      for (const report of this.#frames.feed(bytes)) this.#one(report, decode(report))
    } catch (error) {
      this.kill(`it sent something that is no report (${error.message})`)
    }
  }

  #one(bytes, fields) {
    switch (fields.type) {
      case 'hello': break
      case 'ready': this.events.ready(); break
      case 'batch': {
        const more = counts(fields)
        this.#counted = this.#counted.map((count, place) => count + more[place])
        for (const batch of this.#merger.take(bytes, fields, performance.now() / 1000, this.#interval)) {
          this.events.report(batch)
        }
        break
      }
      case 'started': case 'note': case 'value': this.events.report(bytes); break
      case 'ended':
        this.#end = { state: 'finished', interrupted: fields.interrupted, seconds: fields.seconds }
        this.expectEnd(exitPatience, 'it reported its end and did not exit')
        break
      case 'refused':
        this.#end = { state: 'refused', code: fields.code, message: fields.message }
        this.expectEnd(exitPatience, 'it reported its end and did not exit')
        break
      default: throw new Error(`no report is named "${cut(fields.type, 40)}"`)
    }
  }

  exited(code, signal) {
    const holes = this.#holes()
    fs.closeSync(this.#counters)
    for (const batch of this.#merger.flush(performance.now() / 1000)) this.events.report(batch)
    if (this.#end === null) {
      this.crashed(code, signal, code === 0 ? 'it exited before it reported its end' : null, holes)
      return
    }
    if (this.#end.state === 'finished' && (code !== 0 || this.fault)) {
      const text = `after the run the runner ended badly: ${this.fault ?? describe(code, signal)}`
      this.events.report(message('note', { text }))
    }
    this.events.ended(this.#end)
  }

  /** What it counted and did not report. */
  #holes() {
    const bytes = Buffer.alloc(counterBytes)
    fs.readSync(this.#counters, bytes, 0, counterBytes, 0)
    const sums = [0n, 0n, 0n]
    for (let slot = 0; slot < counterBytes; slot += 64) {
      for (let place = 0; place < 3; place += 1) sums[place] += bytes.readBigUInt64LE(slot + place * 8)
    }
    return sums.map((sum, place) => Math.min(2 ** 42, Number(sum)) - this.#counted[place])
  }
}
