// The runner that speaks lines of JSON: it is given its plan at the start, and what it writes is added up here.

import fs from 'node:fs'
import { BadResult } from './grouped.mjs'
import { adjustLine, essentials, lack, length, needs, once, onceLine, planLine, users, valueBytes } from './lines-plan.mjs'
import { Measure, untilNext } from './measure.mjs'
import { MessagePackError, unpackMany } from './msgpack.mjs'
import { clock, patience, Runner, writer } from './runners.mjs'
import { peak } from './usage.mjs'
import { cut, message } from './wire.mjs'

/** The longest line. */
const lineBytes = 64 << 10
/** Notes of a program that are passed on. */
const noteLimit = 1000
/** How long a program may take to say that it knows what its plan needs, in seconds. */
const declaration = 15

export class LinesRunner extends Runner {
  #names
  #interval
  #buffer = Buffer.alloc(0)
  #results
  #isMaps = false
  #count = 0
  #start = null
  #interrupted = false
  #paused = false
  #timer = null
  #measure
  #write
  #stdin
  #pending = []
  #isBroken = false
  /** What was passed over because it is no result. */
  #passedOver = 0
  #notes = 0
  #counters
  /** What the set-up has handed over, as JSON. */
  #value
  /** `set_up` or `tear_down`, for a process that plays no users; and what it hands over, as JSON. */
  #once
  #handedOver = Buffer.alloc(0)
  #program
  #needs
  /** What the program has said that it knows; null as long as it has said nothing. */
  #knows = null
  #declaration = null
  /** Why it is not given its plan. */
  #refusal = null

  /** `counters`: a file for what has been read and is in no batch yet, should this agent be killed. */
  constructor(program, args, environment, directory, order, run, agent, interval, counters, events) {
    super(order, events)
    this.#counters = counters ? fs.openSync(counters, 'w', 0o600) : null
    this.#names = { run, agent }
    this.#value = order.value
    this.#once = once.includes(order.phase) ? order.phase : null
    this.#interval = interval
    this.#measure = new Measure({ maxNames: this.plan.max_names ?? 1000, rawHits: this.plan.raw_hits ?? false })
    const child = this.start_(
      program, args, { ...environment, ...essentials(this.plan, this.#names) }, directory, ['pipe', 'pipe', 'pipe', 'pipe'])
    this.#stdin = child.stdin
    this.#write = writer(child.stdin)
    this.#results = child.stdio[3]
    this.#results.on('error', () => {})
    this.#results.on('data', (bytes) => this.#take(bytes))
    this.#program = [program, ...args].map(quoted).join(' ')
    this.#needs = this.#once === null ? needs(this.plan) : []
    child.on('spawn', () => {
      if (this.#needs.length === 0) events.ready()
      else if (this.#knows !== null) this.#judge()
      else this.#declaration = setTimeout(() => this.#judge(), declaration * 1000)
    })
  }

  /** Whether the program knows what its plan needs: it is ready, or refused. */
  #judge() {
    clearTimeout(this.#declaration)
    this.#declaration = null
    const missing = this.#needs.filter((name) => !this.#knows?.includes(name))
    if (missing.length === 0) {
      this.events.ready()
      return
    }
    this.#refusal = lack(missing, this.#program, this.#knows)
    this.kill('it does not know its plan')
  }

  // Told by the master.

  start(at) {
    const begin = () => {
      if (this.#interrupted) return
      this.#start = BigInt(at)
      const late = this.#now()
      if (this.#once !== null) {
        this.#tell(onceLine(this.#once, this.plan, this.#names, this.#value))
        this.events.report(message('started', { late_s: late }))
        this.expectEnd(length(this.plan), 'its time was over and it did not exit')
        return
      }
      this.#tell(planLine(this.plan, this.#names, late, at, this.#measure.rawHits, this.#value))
      for (const command of this.#pending.splice(0)) this.#tell(command())
      // Of the other models only the program can tell.
      this.#measure.users = this.plan.cycles ? users(this.plan) : 0
      this.events.report(message('started', { late_s: late }))
      const seconds = length(this.plan)
      if (seconds !== null) this.expectEnd(seconds + this.grace + patience, 'its time was over and it did not end')
      this.#tick()
    }
    // A timer counts in whole milliseconds of its own and may fire too soon.
    const waitOn = () => {
      const wait = Number(BigInt(at) - clock()) / 1e6
      if (wait > 0) setTimeout(waitOn, Math.ceil(wait))
      else begin()
    }
    waitOn()
  }

  adjust(users, first, at, change) {
    const command = () => adjustLine(users, first, Math.max(0, Number(BigInt(at) - this.#start) / 1e9), change)
    if (this.#start === null) this.#pending.push(command)
    else this.#tell(command())
  }

  rawHits(wanted) {
    this.#measure.rawHits = wanted
  }

  stop() {
    this.#endSoon({ stop: { grace_s: this.grace } }, this.grace + patience)
  }

  abort() {
    this.#endSoon({ abort: {} }, patience)
  }

  #endSoon(command, seconds) {
    this.#interrupted = true
    this.#measure.isStopped = true
    // Without a plan yet, the end of its input tells it that there will be none.
    if (this.#start === null) this.#stdin.end()
    else this.#tell(command)
    this.expectEnd(seconds, 'it was told to end and did not')
  }

  /** While the spool is full no batch is cut: what comes is added to the next one. */
  pause(paused) {
    this.#paused = paused
  }

  setInterval(seconds) {
    this.#interval = seconds
  }

  #tell(command) {
    this.#write(JSON.stringify(command) + '\n')
  }

  // Told by the program.

  /** Seconds since the start of the run. */
  #now() {
    return this.#start === null ? 0 : Math.max(0, Number(clock() - this.#start) / 1e9)
  }

  #take(bytes) {
    if (this.#isBroken) return
    this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, bytes]) : bytes
    // A map of MessagePack begins with a byte that no line of JSON begins with.
    if (this.#count === 0) this.#isMaps = this.#buffer[0] >= 0x80
    if (this.#isMaps) this.#takeMaps()
    else this.#takeLines()
    if (this.#counters === null) return
    const [iterations, hits] = this.#measure.totals.map(BigInt)
    fs.writeSync(this.#counters, new BigUint64Array([iterations, iterations, hits]), 0, 24, 0)
  }

  #takeLines() {
    let place = 0
    for (let end = this.#buffer.indexOf(10); end >= 0; end = this.#buffer.indexOf(10, place)) {
      const line = this.#buffer.toString('utf8', place, end)
      place = end + 1
      this.#count += 1
      if (line.trim() === '') continue
      try {
        this.#record(JSON.parse(line))
      } catch (error) {
        if (!(error instanceof BadResult || error instanceof SyntaxError)) throw error
        this.#passOver(`${error instanceof BadResult ? error.message : 'not JSON'}: ${cut(line, 80)}`)
      }
    }
    this.#buffer = this.#buffer.subarray(place)
    if (this.#buffer.length > lineBytes) {
      this.#passOver(`a line of more than ${lineBytes} bytes`)
      this.#buffer = Buffer.alloc(0)
    }
  }

  #takeMaps() {
    let taken = 0
    const records = []
    try {
      taken = unpackMany(this.#buffer, records)
    } catch (error) {
      if (!(error instanceof MessagePackError)) throw error
      // There is no next line to go on from.
      this.#isBroken = true
      this.#note(`result ${this.#count + records.length + 1} of the program is broken MessagePack (${error.message}): nothing more is read from it`)
    }
    this.#buffer = this.#buffer.subarray(taken)
    for (const record of records) {
      this.#count += 1
      try {
        this.#record(record)
      } catch (error) {
        if (!(error instanceof BadResult)) throw error
        this.#passOver(error.message)
      }
    }
  }

  #record(record) {
    if (Array.isArray(record?.knows)) {
      this.#knows = record.knows.map(String)
      if (this.#declaration !== null) this.#judge()
      return
    }
    if (this.#once === 'set_up' && typeof record === 'object' && Object.keys(record ?? {}).join() === 'value') {
      this.#handedOver = Buffer.from(JSON.stringify(record.value))
      return
    }
    const note = this.#measure.take(record, this.#now())
    if (note !== undefined) this.#note(note)
  }

  #note(text) {
    this.#notes += 1
    if (this.#notes <= noteLimit) this.events.report(message('note', { text: cut(text) }))
  }

  #passOver(reason) {
    this.#passedOver += 1
    if (this.#passedOver === 1) this.#note(`result ${this.#count} of the program is none, and was passed over (${reason})`)
  }

  #tick() {
    if (!this.#paused) this.#cut()
    this.#timer = setTimeout(() => this.#tick(), Math.ceil(untilNext(this.#now(), this.#interval)))
  }

  #cut(isLast = false) {
    const now = this.#now()
    // A timer is a little late, and a batch of that little would be one more in each second.
    const at = isLast || now % 1 > 0.05 ? now : Math.floor(now)
    for (const batch of this.#measure.batches(at, peak(this.pid), isLast)) this.events.report(batch)
  }

  exited(code, signal) {
    clearTimeout(this.#timer)
    // A last line without an end may still be whole.
    if (this.#buffer.length > 0) this.#take(Buffer.from('\n'))
    if (this.#passedOver > 1) {
      this.#notes = Math.min(this.#notes, noteLimit - 1)
      this.#note(`${this.#passedOver} results of the program were none, and were passed over`)
    }
    // What is done once is no load: nothing is measured.
    if (this.#start !== null && this.#once === null) {
      this.#measure.users = 0
      this.#cut(true)
    }
    if (this.#counters !== null) fs.closeSync(this.#counters)
    if (this.#declaration !== null) {
      clearTimeout(this.#declaration)
      if (code === 0 && this.fault === null) this.#refusal = lack(this.#needs, this.#program, this.#knows)
    }
    if (this.#refusal !== null && !this.#interrupted) this.events.refused(64, this.#refusal)
    else if (this.#handedOver.length > valueBytes) {
      const words = `its value has ${this.#handedOver.length} bytes: at most ${valueBytes} can be handed over`
      this.events.ended({ state: 'refused', code: 69, message: words })
    } else if (code === 0 && this.fault === null && (this.#start !== null || this.#interrupted)) {
      if (this.#once !== null && this.#start !== null) this.events.report(message('value', { value: this.#handedOver }))
      this.events.ended({ state: 'finished', interrupted: this.#interrupted, seconds: this.#measure.lastEnd })
    } else {
      this.crashed(code, signal, code === 0 ? 'it exited before its plan was given to it' : null)
    }
  }
}

/** A word as a shell would take it. */
function quoted(word) {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`
}
