// A complete agent (Docs/WireProtocol.md).

import { randomBytes } from 'node:crypto'
import os from 'node:os'
import path from 'node:path'
import { farewell } from './farewell.mjs'
import { Cache } from './files.mjs'
import { Orphan } from './held.mjs'
import { Spool } from './spool.mjs'
import { Socket } from './socket.mjs'
import { Store } from './store.mjs'
import { memoryBytes, platform, Usage } from './usage.mjs'
import { cut, decode, message, WireError } from './wire.mjs'
import { clock } from './runners.mjs'
import { builtIn, Refusal, Work } from './work.mjs'

/** Seconds between two hellos while nobody welcomes us. */
const helloInterval = 1
// After so many seconds without a word of a master that is told, and again whenever so many have passed since.
const silence = 5
const tellInterval = 60
/** A new connection is measured with so many beats in quick succession, so many milliseconds apart. */
const fastBeats = 8
const fastBeatInterval = 100
/** Runs that are over and must not begin again when a late copy of their order comes. */
const remembered = 1000

const now = () => performance.now() / 1000

export function log(line) {
  process.stderr.write(`loads-agent: ${line}\n`)
}

/** Serves one master until it is told to end. */
export class Agent {
  #options
  /** Drawn at each start, unless what was not acknowledged was recovered: what was in memory is gone. */
  #epoch
  #control
  #results = null
  #resultsPlace = null
  #store = null
  #spool
  #usage = new Usage()
  #works = new Map()
  #finished = new Set()
  #welcome = null
  #leaseUntil = 0
  #lastSign = now()
  #tellAt = 0
  #echo = null
  #saidTrouble = ''
  #timer = null
  #isLeaving = false
  #isReady = false

  /**
   * `options`: host, port, name, identity, labels, data (a directory for files and runs), keeps (whether results are kept
   * there too, until the master has them), filesLimit (bytes of shipped files kept for later runs), orphanTimeout (seconds),
   * mechanism, ready.
   */
  constructor(options) {
    this.#options = options
    this.cache = new Cache(path.join(options.data, 'files'), options.filesLimit)
    if (options.keeps) this.#store = new Store(path.join(options.data, 'spool'), log)
    this.#spool = new Spool({ store: this.#store })
    this.#epoch = this.#recover() ?? randomBytes(8).toString('hex')
  }

  /** Takes up what an earlier process of this agent has left on disk. Returns its epoch, if there is anything. */
  #recover() {
    const recovered = this.#store?.recover()
    for (const found of recovered?.runs ?? []) {
      log(`run ${found.run}: results of an earlier start are kept until the master has them`)
      this.#works.set(found.run, new Orphan(found))
      found.places.forEach((place, index) => this.#spool.recover(found.run, found.first + index, place))
    }
    return recovered?.epoch
  }

  start() {
    const { host, port, mechanism } = this.#options
    this.#control = new Socket('DEALER', host, port, { mechanism })
    this.#control.on('connected', () => this.#connected())
    this.#control.on('message', (bytes) => this.#received(bytes))
    this.#control.on('trouble', (reason) => this.#trouble(reason))
    for (const orphan of [...this.#works.values()]) this.#acknowledged(orphan, 0)
    this.#tick()
  }

  /** Ends the runners, hands over what there is, and says goodbye. */
  async leave() {
    this.#isLeaving = true
    // First of all: whatever the master gives out from now on goes to others.
    if (this.#welcome) this.#beat()
    await farewell(() => [...this.#works.values()], () => this.#welcome !== null)
    this.#say('goodbye', { reason: 'the agent was told to end' })
    if (this.#spool.length > 0) {
      const then = this.#store?.isWorking ? 'they are delivered when this agent is started again' : 'they are lost'
      log(`${this.#spool.length} messages of results were not acknowledged: ${then}`)
    }
    clearTimeout(this.#timer)
    for (const work of this.#works.values()) work.discard()
    await Promise.all([this.#control.close(), this.#results?.close()])
  }

  // Time passes.

  #tick() {
    const time = now()
    if (this.#welcome && time > this.#leaseUntil) {
      log('the master is silent: connecting anew')
      this.#welcome = null
      this.#control.reconnect()
      // Nothing else tells that it is dead.
      this.#results?.reconnect()
    }
    if (this.#welcome) {
      this.#beat()
      // Node has no TCP_USER_TIMEOUT: a connection that leads nowhere would take what is sent again, for many minutes.
      if (this.#spool.overdue(time)) this.#results?.reconnect()
    } else {
      this.#hello()
      if (time - this.#lastSign > silence && time >= this.#tellAt) {
        log(`no master answers at ${this.#options.host}:${this.#options.port}: trying on`)
        this.#tellAt = time + tellInterval
      }
    }
    for (const work of [...this.#works.values()]) {
      this.guard(work, () => work.tick(time))
      if (time - this.#lastSign > this.#options.orphanTimeout) {
        work.kill(`its master was away for ${this.#options.orphanTimeout} s`)
      }
    }
    this.#store?.flush()
    const pause = this.#welcome ? Number(this.#welcome.beat_ns) / 1e9 : helloInterval
    this.#timer = setTimeout(() => this.#tick(), pause * 1000)
  }

  #hello() {
    const runs = [...this.#works.values()].map((work) => ({
      run: work.run, seq: work.sequence, running: work.isRunning,
    }))
    this.#say('hello', {
      agent: this.#options.identity, name: cut(this.#options.name, 256), epoch: this.#epoch,
      software: 'loads-node 0.1.0', platform: platform(), cores: os.availableParallelism(), memory_bytes: memoryBytes(),
      labels: this.#options.labels, dialects: ['messages', 'lines'], built_in: builtIn, runs,
    })
  }

  #beat() {
    const usage = this.#usage.read([...this.#works.values()].map((work) => work.pid).filter((pid) => pid !== undefined))
    this.#say('beat', {
      sent_ns: clock(), echo: this.#echo ?? undefined, usage, spool_messages: this.#spool.length,
      spool_bytes: this.#spool.bytes, leaving: this.#isLeaving || undefined,
    })
    // The round trip of an echo is measured once.
    this.#echo = null
  }

  #say(type, fields) {
    return this.#control.send(message(type, fields))
  }

  // From the master.

  /** Another connection is another peer to the master: it wants a hello first. */
  #connected() {
    this.#saidTrouble = ''
    this.#welcome = null
    this.#hello()
  }

  #trouble(reason) {
    if (reason !== this.#saidTrouble) log(reason)
    this.#saidTrouble = reason
  }

  #received(bytes) {
    try {
      const fields = decode(bytes)
      // A type that this version does not know is passed over: a newer master may have more to say.
      if (!Object.hasOwn(handlers, fields.type)) return
      for (const name of needed[fields.type] ?? []) {
        if (fields[name] == null) throw new WireError('malformed', `${fields.type}: ${name} is missing`)
      }
      handlers[fields.type].call(this, fields)
    } catch (error) {
      const isOurs = !(error instanceof WireError || error instanceof TypeError || error instanceof SyntaxError)
      // Whatever it is, the other runs go on.
      if (isOurs) log(`a fault while a message of the master was dealt with: ${error.stack}`)
      else this.#say('error', { code: error instanceof WireError ? error.code : 'malformed', message: cut(error.message) })
    }
  }

  /** Lets something happen to a run, which may turn out to be impossible. */
  guard(work, body) {
    try {
      body()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.refused(work, error)
    }
  }

  static {
    Agent.handlers = {
      welcome(fields) {
        const first = this.#welcome === null
        this.#welcome = fields
        this.#lastSign = now()
        this.#leaseUntil = now() + Number(fields.lease_ns) / 1e9
        this.#echo = { sent_ns: fields.sent_ns, received_ns: clock() }
        for (const work of this.#works.values()) work.setInterval(Number(fields.batch_interval_ns) / 1e9)
        this.#connectResults(fields.host ?? this.#options.host, fields.results_port)
        if (!first) return
        log(`welcomed by master ${fields.boot}`)
        // What was under way may be lost, and the master knows what it has: everything again from there.
        this.#spool.rewind()
        this.#push()
        for (const work of [...this.#works.values()]) this.guard(work, () => work.fetchAgain())
        for (let count = 0; count < fastBeats; count += 1) {
          setTimeout(() => this.#welcome === fields && this.#beat(), count * fastBeatInterval)
        }
      },

      lease(fields) {
        const received = clock()
        this.#lastSign = now()
        if (!this.#welcome) return
        this.#leaseUntil = now() + Number(this.#welcome.lease_ns) / 1e9
        this.#echo = { sent_ns: fields.sent_ns, received_ns: received }
        // Now the master counts on this agent.
        if (!this.#isReady) this.#options.ready?.()
        this.#isReady = true
        for (const work of this.#works.values()) work.setInterval(Number(fields.batch_interval_ns) / 1e9)
      },

      run({ run, launch, order }) {
        const known = this.#works.get(run)
        if (known) {
          known.sayStatus()
          return
        }
        if (this.#finished.has(run) || this.#isLeaving) {
          this.#say('error', { code: 'state', message: `run ${run} is over on this agent`, run })
          return
        }
        if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(run)) {
          throw new WireError('malformed', `"${cut(run, 100)}" cannot be the name of a run`)
        }
        const interval = Number(this.#welcome?.batch_interval_ns ?? 100_000_000) / 1e9
        const work = new Work(run, launch, order, this.#options.identity, this.#options.data, interval, this)
        this.#works.set(run, work)
        this.#store?.begin(run, this.#epoch)
        this.guard(work, () => work.prepare())
      },

      start({ run, at_ns }) {
        this.#work(run)?.start(at_ns)
      },

      adjust({ run, users, first_new_user, at_ns, change }) {
        this.#work(run)?.adjust(users, first_new_user, at_ns, change)
      },

      raw_hits({ run, wanted }) {
        this.#work(run)?.rawHits(wanted)
      },

      // For a run that is not known it is passed over: it may come again.
      stop({ run, abort }) {
        this.#works.get(run)?.stop(abort)
      },

      chunk({ hash, offset, bytes }) {
        for (const work of [...this.#works.values()]) this.guard(work, () => work.takeChunk(hash, offset, bytes))
      },

      ack({ run, epoch, seq }) {
        if (epoch !== this.#epoch) return
        this.#spool.acknowledge(run, seq, now())
        const work = this.#works.get(run)
        if (work) this.#acknowledged(work, Number(seq))
        if (!this.#spool.full) for (const other of this.#works.values()) other.pause(false)
        this.#push()
      },

      error({ code, message: text, run }) {
        if (code === 'unknown-run' && run != null) {
          const work = this.#works.get(run)
          if (!work) return
          log(`the master has no use for run ${run}: ${text}`)
          work.kill('the master has no use for the run')
          this.#forget(work)
          return
        }
        this.#trouble(`the master says: ${text} (${code})`)
        if (code !== 'not-welcome') return
        // It does not know this connection, perhaps because it was started anew.
        this.#welcome = null
        this.#hello()
      },
    }
  }

  /** Everything up to a number is stored, and perhaps all. */
  #acknowledged(work, sequence) {
    const end = this.#spool.isWaiting(work.run) ? undefined : work.acknowledged(sequence)
    if (end) this.result(work, { ended: end })
    else if (work.isOver && sequence >= work.sequence) this.#forget(work)
  }

  #work(run) {
    const work = this.#works.get(run)
    if (!work && !this.#finished.has(run)) {
      this.#say('error', { code: 'unknown-run', message: `run ${run} is not known to this agent`, run })
    }
    return work
  }

  #connectResults(host, port) {
    const place = `${host} ${port}`
    if (place === this.#resultsPlace) return
    this.#results?.close()
    this.#resultsPlace = place
    this.#results = new Socket('PUSH', host, port, { mechanism: this.#options.mechanism })
    this.#results.on('drain', () => this.#push())
    this.#results.on('connected', () => {
      // What was written into the connection before may have died with it.
      this.#spool.rewind()
      this.#push()
    })
    this.#results.on('trouble', (reason) => this.#trouble(reason))
  }

  /** Sends what the window allows. */
  #push() {
    while (this.#welcome && this.#results?.isRoomy) {
      const entry = this.#spool.next(now())
      if (!entry) return
      this.#results.send(this.#spool.read(entry) ?? this.#lost(entry))
    }
  }

  /** What takes the place of a result that cannot be read back. */
  #lost(entry) {
    log(`a message of run ${entry.run} cannot be read back from the spool's files: it is lost`)
    const lost = { messages: 1, hits: 0, iterations: 0, from_s: 0, to_s: 0 }
    const fields = { run: entry.run, agent: this.#options.identity, epoch: this.#epoch, seq: entry.sequence, lost }
    this.#spool.replace(entry, message('result', fields))
    return entry.bytes
  }

  // From the runs.

  /** Where the counters of a run's runner lie, should this agent be killed; undefined without a disk to keep them. */
  countersPath(run) {
    return this.#store?.countersPath(run)
  }

  status(work, fields) {
    this.#say('status', { run: work.run, ...fields })
  }

  /** Shipped files that no run needs make room for others. */
  makeRoom(bytes = 0) {
    const runs = [...this.#works.values()].filter((work) => !work.isOver)
    this.cache.makeRoom(bytes, new Set(runs.flatMap((work) => work.files.map(({ hash }) => hash))))
  }

  fetch(fields) {
    this.#say('fetch', fields)
  }

  /** Nothing was started: the master is told, and the run is forgotten. */
  refused(work, refusal) {
    this.status(work, { state: 'refused', code: refusal.code, message: cut(refusal.message) })
    work.discard()
    this.#spool.forget(work.run)
    this.#works.delete(work.run)
    this.makeRoom()
  }

  /** Puts a result into the spool, numbered. */
  result(work, content) {
    if (this.#works.get(work.run) !== work) return
    work.sequence += 1
    const fields = { run: work.run, agent: this.#options.identity, epoch: this.#epoch, seq: work.sequence, ...content }
    this.#spool.add(work.run, work.sequence, message('result', fields), work.counts)
    this.#push()
    if (this.#spool.full) for (const other of this.#works.values()) other.pause(true)
  }

  #forget(work) {
    work.discard()
    this.#spool.forget(work.run)
    this.#works.delete(work.run)
    this.makeRoom()
    this.#finished.add(work.run)
    if (this.#finished.size > remembered) this.#finished.delete(this.#finished.values().next().value)
  }
}

const handlers = Agent.handlers
/** Without these fields a message is none. */
const needed = {
  welcome: ['boot', 'results_port', 'beat_ns', 'lease_ns', 'sent_ns', 'batch_interval_ns'],
  lease: ['sent_ns', 'batch_interval_ns'],
  run: ['run', 'launch', 'order'],
  start: ['run', 'at_ns'],
  adjust: ['run', 'users', 'first_new_user', 'at_ns'],
  raw_hits: ['run', 'wanted'],
  stop: ['run', 'abort'],
  chunk: ['hash', 'offset', 'bytes'],
  ack: ['run', 'epoch', 'seq'],
  error: ['code', 'message'],
}
