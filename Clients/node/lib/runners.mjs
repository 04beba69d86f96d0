// The two kinds of runner that an agent starts (Docs/RunnerProtocol.md), behind one face.
//
// A runner tells its `events`: `ready()`, then `report(bytes)` for each message of the master's, and at last
// `ended(fields)`; or `failed(error)` when the program could not be started.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { BadResult, Measure } from './measure.mjs'
import { Merger } from './merge.mjs'
import { MessagePackError, unpackMany } from './msgpack.mjs'
import { peak } from './usage.mjs'
import { cut, decode, frame, Frames, message } from './wire.mjs'

/** Beyond the grace: five seconds for iterations that ignore their cancellation, ten for the rest. */
const patience = 15
/** How long a runner may take to exit once it has reported its end. */
const exitPatience = 60
const counterBytes = 65_536
/** The longest line of the dialect `lines`. */
const lineBytes = 64 << 10
/** Notes of a program that are passed on. */
const noteLimit = 1000
/** How much of what a program prints is kept, for the case that it crashes. */
const tailBytes = 16 << 10

/** The monotonic clock that agents and runners share, in nanoseconds. */
export const clock = () => process.hrtime.bigint()

/** What both dialects share: a process in a group of its own, and the patience with it. */
class Runner {
  #process
  #overdue = null
  #overdueAt = Infinity
  #tail = Buffer.alloc(0)
  #over = false
  fault = null

  constructor(order, events) {
    this.plan = order.plan
    this.events = events
  }

  get pid() {
    return this.#process?.pid
  }

  get grace() {
    return Number(this.plan.grace_ns ?? 30_000_000_000) / 1e9
  }

  /** The end of what it printed. */
  get tail() {
    return this.#tail.subarray(-tailBytes).toString()
  }

  start_(program, args, environment, directory, stdio) {
    const child = spawn(program, args, {
      env: { ...environment, LOADS_RUNNER: '1' }, cwd: directory, detached: true, stdio,
    })
    this.#process = child
    child.on('error', (error) => {
      if (child.pid === undefined) this.events.failed(error)
    })
    for (const output of [child.stdout, child.stderr]) output.on('data', (bytes) => this.#keep(bytes))
    child.on('exit', () => {
      this.#over = true
      // What it started goes with it.
      this.#killGroup()
      // A process that left the group may hold the pipes open: what is in them is read, more is not waited for.
      setTimeout(() => {
        for (const stream of child.stdio) if (stream && !stream.isPaused()) stream.destroy()
      }, 500)
    })
    child.on('close', (code, signal) => {
      clearTimeout(this.#overdue)
      if (child.pid !== undefined) this.exited(code, signal)
    })
    return child
  }

  #keep(bytes) {
    this.#tail = Buffer.concat([this.#tail, bytes])
    if (this.#tail.length > 2 * tailBytes) this.#tail = this.#tail.subarray(-tailBytes)
  }

  #killGroup() {
    try {
      process.kill(-this.#process.pid, 'SIGKILL')
    } catch {
      // Nobody is left in it.
    }
  }

  /** Kills it and whatever it started. Its end is told as always. */
  kill(reason) {
    if (this.#over || this.#process?.pid === undefined) return
    this.fault ??= reason
    this.#killGroup()
  }

  /** Kills the process when it has not ended by then. A shorter patience replaces a longer one. */
  expectEnd(seconds, reason) {
    const at = performance.now() + seconds * 1000
    if (at >= this.#overdueAt) return
    clearTimeout(this.#overdue)
    this.#overdueAt = at
    this.#overdue = setTimeout(() => this.kill(`${reason}, and was killed`), seconds * 1000)
  }

  crashed(code, signal, reason, [started, ended, hits] = [0, 0, 0]) {
    this.events.ended({
      state: 'crashed', reason: cut(this.fault ?? reason ?? describe(code, signal)), output: cut(this.tail),
      unreported_started: Math.max(0, started), unreported_ended: Math.max(0, ended), unreported_hits: Math.max(0, hits),
    })
  }
}

export function describe(code, signal) {
  return signal ? `signal ${os.constants.signals[signal]} (${signal})` : `exit code ${code}`
}

/** What a program that is gone says when it is written to is no error: its end is told anyway. */
function writer(stream) {
  stream.on('error', () => {})
  return (bytes) => {
    if (!stream.destroyed && !stream.writableEnded) stream.write(bytes)
  }
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

  constructor(program, args, environment, directory, order, interval, events) {
    super(order, events)
    this.#interval = interval
    // Node has no memory to share; a file without a name is as good.
    const name = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'loads-counters-')), 'counters')
    this.#counters = fs.openSync(name, 'w+')
    fs.rmSync(path.dirname(name), { recursive: true })
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

  adjust(users, first, at) {
    this.#tell('adjust', { users, first_new_user: first, at_ns: at })
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
        const { started, ok, failed, skipped, interrupted } = fields.iterations
        this.#counted[0] += started
        this.#counted[1] += ok + failed + skipped + interrupted
        for (const { count } of Object.values(fields.names)) this.#counted[2] += count
        for (const batch of this.#merger.take(bytes, fields, performance.now() / 1000, this.#interval)) {
          this.events.report(batch)
        }
        break
      }
      case 'started': case 'note': this.events.report(bytes); break
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

/** Speaks lines of JSON: it is given its plan at the start, and what it writes is added up here. */
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

  constructor(program, args, environment, directory, order, run, agent, interval, events) {
    super(order, events)
    this.#names = { run, agent }
    this.#interval = interval
    this.#measure = new Measure({ maxNames: this.plan.max_names ?? 1000, rawHits: this.plan.raw_hits ?? false })
    const child = this.start_(
      program, args, { ...environment, ...this.#essentials() }, directory, ['pipe', 'pipe', 'pipe', 'pipe'])
    this.#stdin = child.stdin
    this.#write = writer(child.stdin)
    this.#results = child.stdio[3]
    this.#results.on('error', () => {})
    this.#results.on('data', (bytes) => this.#take(bytes))
    child.on('spawn', () => events.ready())
  }

  /** What the plan's line says, for programs that do not want to read it. */
  #essentials() {
    const cycle = this.plan.cycles[0]
    const variables = {
      LOADS_RESULTS_FD: '3', LOADS_RUN_ID: this.#names.run, LOADS_AGENT_ID: this.#names.agent,
      LOADS_TOTAL_USERS: String(cycle.users), LOADS_FIRST_USER: String(this.plan.first_user ?? 0),
    }
    for (const key of ['ramp_up', 'think', 'grace']) {
      variables[`LOADS_${key.toUpperCase()}`] = String(Number(this.plan[`${key}_ns`] ?? 0) / 1e9)
    }
    if (cycle.iterations != null) variables.LOADS_TOTAL_HITS = String(cycle.iterations)
    else variables.LOADS_DURATION = String(Number(cycle.duration_ns) / 1e9)
    if (this.plan.server_url) variables.LOADS_SERVER_URL = this.plan.server_url
    return variables
  }

  #planLine() {
    const cycles = this.plan.cycles.map(({ users, iterations, duration_ns }) =>
      iterations != null ? { users, iterations } : { users, duration_s: Number(duration_ns) / 1e9 })
    const line = { ...cycles[0], first_user: this.plan.first_user ?? 0 }
    for (const key of ['ramp_up', 'think', 'pause', 'grace', 'timeout']) {
      if (this.plan[`${key}_ns`] != null) line[`${key}_s`] = Number(this.plan[`${key}_ns`]) / 1e9
    }
    for (const key of ['server_url', 'new_connections']) if (this.plan[key] != null) line[key] = this.plan[key]
    return { plan: { ...line, raw: this.#measure.rawHits, cycles }, ...this.#names, t: this.#now() }
  }

  // Told by the master.

  start(at) {
    const begin = () => {
      if (this.#interrupted) return
      this.#start = BigInt(at)
      const late = this.#now()
      this.#tell(this.#planLine())
      for (const command of this.#pending.splice(0)) this.#tell(command())
      this.#measure.users = this.plan.cycles[0].users
      this.events.report(message('started', { late_s: late }))
      const { cycles } = this.plan
      if (cycles.every((cycle) => cycle.iterations == null)) {
        const pauses = (cycles.length - 1) * Number(this.plan.pause_ns ?? 0)
        const seconds = (cycles.reduce((sum, cycle) => sum + Number(cycle.duration_ns), 0) + pauses) / 1e9
        this.expectEnd(seconds + this.grace + patience, 'its durations were over and it did not end')
      }
      this.#tick()
    }
    const wait = Number(BigInt(at) - clock()) / 1e6
    if (wait > 0) setTimeout(begin, wait)
    else begin()
  }

  adjust(users, first, at) {
    const command = () => ({
      adjust: { users, first_new_user: first, at_s: Math.max(0, Number(BigInt(at) - this.#start) / 1e9) },
    })
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
    this.#timer = setTimeout(() => this.#tick(), this.#interval * 1000)
  }

  #cut() {
    this.events.report(this.#measure.batch(this.#now(), peak(this.pid)))
  }

  exited(code, signal) {
    clearTimeout(this.#timer)
    // A last line without an end may still be whole.
    if (this.#buffer.length > 0) this.#take(Buffer.from('\n'))
    if (this.#passedOver > 1) {
      this.#notes = Math.min(this.#notes, noteLimit - 1)
      this.#note(`${this.#passedOver} results of the program were none, and were passed over`)
    }
    if (this.#start !== null) {
      this.#measure.users = 0
      this.#cut()
    }
    if (code === 0 && this.fault === null && (this.#start !== null || this.#interrupted)) {
      this.events.ended({ state: 'finished', interrupted: this.#interrupted, seconds: this.#measure.lastEnd })
    } else {
      this.crashed(code, signal, code === 0 ? 'it exited before its plan was given to it' : null)
    }
  }
}
