import fs from 'node:fs'
import path from 'node:path'
import { BadFile, Fetching, place } from './files.mjs'
import { Held } from './held.mjs'
import { unknown } from './lines-plan.mjs'
import { LinesRunner } from './lines-runner.mjs'
import { counts } from './merge.mjs'
import { MessagesRunner } from './messages-runner.mjs'
import { commandFor } from './url-runner.mjs'
import { platform } from './usage.mjs'
import { decode } from './wire.mjs'

/** A chunk that has not come for so long is asked for again, in seconds. */
const chunkPatience = 5
/** The runners that an agent brings along. */
export const builtIn = ['url']

/** The run cannot be carried out here; nothing was started. `code` is an exit code of `loads`. */
export class Refusal extends Error {
  constructor(reason, code = 69) {
    super(reason)
    this.code = code
  }
}

/**
 * One run on this agent: its files, its runner, its results, from the order to the acknowledgement of the end.
 *
 * Told by the agent what the master wants; tells the agent what to say: `status`, `fetch`, `result`, `refused`.
 */
export class Work extends Held {
  #launch
  #order
  #identity
  #agent
  #interval
  #cache
  #directory
  /** Whether the content of files that lay here is being looked at. */
  #isChecking = false
  #fetching = null
  #askedAt = 0
  #runner = null
  #isReady = false
  #hasStarted = false
  #isStopped = false

  constructor(run, launch, order, identity, data, interval, agent) {
    super(run)
    this.#launch = launch
    this.#order = order
    this.#identity = identity
    this.#agent = agent
    this.#interval = interval
    this.#cache = agent.cache
    this.files = launch.files
    this.#directory = path.join(data, 'runs', run)
  }

  // Preparation.

  /** Sees to the files, and then starts the runner. @throws {Refusal} */
  prepare() {
    if (this.#launch.platform) checkPlatform(this.#launch.platform)
    if (this.#launch.built_in != null && !builtIn.includes(this.#launch.built_in)) {
      throw new Refusal(`this agent brings along no runner named "${this.#launch.built_in}": it has ${builtIn.join(', ')}`)
    }
    fs.mkdirSync(this.#directory, { recursive: true })
    const unchecked = this.#cache.unchecked(this.files)
    if (unchecked.length === 0) this.#fetch()
    else this.#check(unchecked)
  }

  async #check(hashes) {
    this.#isChecking = true
    for (const hash of hashes) await this.#cache.check(hash)
    if (!this.#isChecking) return
    this.#isChecking = false
    this.#agent.guard(this, () => this.#fetch())
  }

  /** Begins to fetch what is missing, or starts the runner. */
  #fetch() {
    this.#guard(() => {
      this.#fetching = new Fetching(this.#cache, this.files)
      this.#agent.makeRoom(this.#fetching.missingBytes)
    })
    this.#proceed()
  }

  takeChunk(hash, offset, data) {
    if (!this.#fetching) return
    this.#guard(() => this.#fetching.take(hash, offset, data))
    this.#askedAt = performance.now() / 1000
    this.#proceed()
  }

  #guard(body) {
    try {
      body()
    } catch (error) {
      if (error instanceof BadFile || error.code) throw new Refusal(error.message, 70)
      throw error
    }
  }

  #proceed() {
    if (this.#fetching && !this.#fetching.isDone) {
      const request = this.#fetching.request()
      if (!request) return
      this.#askedAt = performance.now() / 1000
      this.#agent.fetch(request)
      return
    }
    this.#fetching = null
    this.#guard(() => place(this.#cache, this.files, this.#directory))
    this.#launchRunner()
  }

  #launchRunner() {
    const launch = this.#launch
    const environment = { ...process.env, ...launch.environment }
    if (launch.built_in != null) {
      const [program, ...args] = commandFor(this.#order.options, this.#directory)
      this.#startLines([program, args, environment, undefined, this.#order])
      return
    }
    const program = this.#find(launch.path, environment.PATH ?? '/usr/bin:/bin')
    let directory
    if (launch.directory != null) directory = path.resolve(this.#directory, launch.directory)
    else if (launch.files.length > 0) directory = this.#directory
    if (directory !== undefined && !fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      throw new Refusal(`${directory}, the runner's directory: there is none`)
    }
    const parts = [program, launch.arguments, environment, directory, this.#order]
    if (launch.dialect === 'lines') this.#startLines(parts)
    else this.#runner = new MessagesRunner(...parts, this.#interval, this.#agent.countersPath(this.run), this)
  }

  #startLines(parts) {
    const problem = unknown(this.#order)
    if (problem !== null) throw new Refusal(problem, 64)
    const counters = this.#agent.countersPath(this.run)
    this.#runner = new LinesRunner(...parts, this.run, this.#identity, this.#interval, counters, this)
  }

  #find(name, searched) {
    const isThere = (file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK)
        return fs.statSync(file).isFile()
      } catch {
        return false
      }
    }
    if (name.includes('/')) {
      const file = path.resolve(this.#directory, name)
      if (!isThere(file)) throw new Refusal(`${name}: there is no such program on this agent`)
      return file
    }
    const found = searched.split(':').map((directory) => path.join(directory, name)).find(isThere)
    if (!found) throw new Refusal(`${name}: there is no such program in this agent's PATH`)
    return found
  }

  /** Once a beat; `now` in seconds. */
  tick(now) {
    if (!this.#fetching) return
    if (now - this.#askedAt > chunkPatience) this.fetchAgain()
    if (this.#fetching) this.sayStatus()
  }

  /** What was asked for may be lost with the connection. */
  fetchAgain() {
    if (!this.#fetching) return
    this.#fetching.again()
    this.#proceed()
  }

  /** How far the preparation is; nothing once the run has started. */
  sayStatus() {
    if (this.#fetching) {
      this.#agent.status(this, { state: 'preparing', missing_bytes: this.#fetching.missingBytes })
    } else if (this.#isReady && !this.isOver) this.#agent.status(this, { state: 'ready' })
  }

  // From the master.

  start(at) {
    if (!this.#runner || !this.#isReady || this.#hasStarted) return
    this.#hasStarted = true
    this.#runner.start(at)
  }

  adjust(users, first, at, change) {
    this.#runner?.adjust(users, first, at, change)
  }

  rawHits(wanted) {
    this.#order.plan.raw_hits = wanted
    this.#runner?.rawHits(wanted)
  }

  stop(abort) {
    this.#isStopped = true
    if (this.isOver) return
    // Without a runner yet the run ends before there is one.
    if (!this.#runner) {
      this.discard()
      this.ended({ state: 'finished', interrupted: true, seconds: 0 })
    } else if (abort) this.#runner.abort()
    else this.#runner.stop()
  }

  kill(reason) {
    if (!this.isOver) this.#runner?.kill(reason)
  }

  pause(paused) {
    this.#runner?.pause(paused)
  }

  setInterval(seconds) {
    this.#interval = seconds
    this.#runner?.setInterval(seconds)
  }

  get isRunning() {
    return this.#runner !== null && !this.isOver
  }

  get pid() {
    return this.isRunning ? this.#runner.pid : undefined
  }

  /** Removes what the run left on the disk. */
  discard() {
    this.#fetching?.discard()
    this.#fetching = null
    this.#isChecking = false
    fs.rmSync(this.#directory, { recursive: true, force: true })
  }

  // From the runner.

  ready() {
    this.#isReady = true
    this.sayStatus()
  }

  refused(code, reason) {
    this.#agent.refused(this, new Refusal(reason, code))
  }

  failed(error) {
    this.#agent.refused(this, new Refusal(`the runner cannot be started: ${error.message}`))
  }

  report(bytes) {
    if (this.#agent.countersPath(this.run) !== undefined) this.#count(decode(bytes))
    this.#agent.result(this, { report: bytes })
  }

  /** What is on disk tells how much of what its runner did it holds. */
  #count(fields) {
    if (fields.type !== 'batch') return
    const more = counts(fields)
    this.counts = this.counts.map((count, place) => count + more[place])
  }

  ended(fields) {
    this.isOver = true
    // What is stopped before its start has not failed, however its runner took it.
    const early = this.#isStopped && !this.#hasStarted
    this.#agent.result(this, { ended: early ? { state: 'finished', interrupted: true, seconds: 0 } : fields })
  }
}

function checkPlatform(wanted) {
  const own = platform()
  if (wanted.system !== own.system || wanted.architecture !== own.architecture) {
    throw new Refusal(
      `the program is for ${wanted.system} ${wanted.architecture}, this agent is ${own.system} ${own.architecture}`)
  }
  const [name, least] = wanted.library.split(' ')
  const [library, version] = own.library.split(' ')
  if (name === library && older(version, least)) {
    throw new Refusal(`the program needs ${wanted.library}, this agent has ${own.library}`)
  }
}

function older(version, least) {
  const [have, want] = [version, least].map((text) => (text ?? '').split('.').map(Number))
  for (let place = 0; place < want.length; place += 1) {
    if ((have[place] ?? 0) !== want[place]) return (have[place] ?? 0) < want[place]
  }
  return false
}
