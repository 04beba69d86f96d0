// What the two kinds of runner that an agent starts have in common (Docs/RunnerProtocol.md): a process, its end, patience.
//
// A runner tells its `events`: `ready()`, then `report(bytes)` for each message of the master's, and at last
// `ended(fields)`; or `failed(error)` when the program could not be started, and `refused(code, reason)` instead of `ready()`.

import { spawn } from 'node:child_process'
import os from 'node:os'
import { cut } from './wire.mjs'

/** Beyond the grace: five seconds for iterations that ignore their cancellation, ten for the rest. */
export const patience = 15
/** How much of what a program prints is kept, for the case that it crashes. */
const tailBytes = 16 << 10

/** The monotonic clock that agents and runners share, in nanoseconds. */
export const clock = () => process.hrtime.bigint()

/**
 * Starts a process that kills a process group when this process is gone, however it went: its end of the pipe is open as long
 * as this process lives. It is there before the group is, and then told its number.
 */
function guard() {
  const child = spawn('/bin/sh', ['-c', 'read -r group && { read -r end; kill -KILL -"$group"; }'], {
    detached: true, cwd: '/', env: {}, stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a shell there is none.
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  child.unref()
  child.stdin.unref()
  return child
}

/** What both dialects share: a process in a group of its own, and the patience with it. */
export class Runner {
  #process
  #overdue = null
  #overdueAt = Infinity
  #tail = Buffer.alloc(0)
  #over = false
  /** Whether it may have to wait because what it writes is not read. */
  isUnread = false
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
    const sentinel = guard()
    const child = spawn(program, args, {
      env: { ...environment, LOADS_RUNNER: '1' }, cwd: directory, detached: true, stdio,
    })
    this.#process = child
    if (child.pid === undefined) sentinel.kill('SIGKILL')
    else sentinel.stdin.write(`${child.pid}\n`)
    child.on('error', (error) => {
      if (child.pid === undefined) this.events.failed(error)
    })
    for (const output of [child.stdout, child.stderr]) output.on('data', (bytes) => this.#keep(bytes))
    child.on('exit', () => {
      this.#over = true
      // What it started goes with it. Then its number may become another group's.
      this.#killGroup()
      sentinel.kill('SIGKILL')
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
    const kill = () => {
      // That it does not end is not its fault then.
      if (this.isUnread) this.#overdue = setTimeout(kill, 1000)
      else this.kill(`${reason}, and was killed`)
    }
    this.#overdue = setTimeout(kill, seconds * 1000)
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
export function writer(stream) {
  stream.on('error', () => {})
  return (bytes) => {
    if (!stream.destroyed && !stream.writableEnded) stream.write(bytes)
  }
}
