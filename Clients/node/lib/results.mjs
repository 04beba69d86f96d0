import { closeSync, write } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Writes what a runner measures to the descriptor that its agent reads: one JSON object a line. */
export class Results {
  #descriptor
  #limit
  #onGone
  #text = []
  #waiting = 0
  #gone = false
  #closing = false
  #room = []
  #writer

  /** `limit`: characters that may wait for an agent that does not read; then users wait too. Nothing is dropped. */
  constructor(descriptor, onGone = () => {}, limit = 8 << 20) {
    this.#descriptor = descriptor
    this.#onGone = onGone
    this.#limit = limit
    this.#writer = this.#write()
  }

  put(record) {
    const line = JSON.stringify(record) + '\n'
    this.#text.push(line)
    this.#waiting += line.length
  }

  /** Whether so much waits that users should wait for `room()`. */
  get full() {
    return this.#waiting > this.#limit && !this.#gone
  }

  room() {
    return this.full ? new Promise((resolve) => this.#room.push(resolve)) : Promise.resolve()
  }

  /** Resolves when everything is written or the agent is gone. */
  async close() {
    this.#closing = true
    await this.#writer
  }

  async #write() {
    while (!(this.#closing && this.#text.length === 0)) {
      // Half of a batch's interval: lines gather, and still reach the batch that they belong to.
      if (!this.#closing && this.#waiting < 1 << 16) await sleep(50)
      const text = this.#text.join('')
      this.#text = []
      this.#waiting = 0
      for (const resolve of this.#room.splice(0)) resolve()
      if (text.length > 0 && !(await this.#writeAll(Buffer.from(text)))) {
        this.#gone = true
        for (const resolve of this.#room.splice(0)) resolve()
        this.#onGone()
        break
      }
    }
    closeSync(this.#descriptor)
  }

  async #writeAll(bytes) {
    while (bytes.length > 0) {
      const [error, count] = await new Promise((resolve) => {
        write(this.#descriptor, bytes, 0, bytes.length, null, (...result) => resolve(result))
      })
      if (error?.code === 'EAGAIN') await sleep(5)
      else if (error) return false
      else bytes = bytes.subarray(count)
    }
    return true
  }
}

/** What takes the place of `Results` when nobody loads: prints what happens, for a person who tries a scenario. */
export class Printed {
  full = false
  /** Whether the iteration failed. */
  failed = false

  put(record) {
    if (record.name !== undefined) {
      const result = record.error ?? record.status
      console.log(`${record.name.padEnd(40)} ${result}  ${record.ms.toFixed(1)} ms  ${record.bytes} bytes`)
    } else if (record.failure) {
      console.log(`FAILED at ${record.failure.at}: ${record.failure.message}`)
    } else if (record.note !== undefined) {
      console.log(record.note)
    } else if (record.iteration) {
      this.failed = record.iteration.outcome === 'failed'
    }
  }

  room() {
    return Promise.resolve()
  }

  close() {
    return Promise.resolve()
  }
}
