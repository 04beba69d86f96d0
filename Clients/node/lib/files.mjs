// Files that the master ships: fetched in chunks on credit, known by their hash, checked on arrival.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

export const chunkBytes = 256 << 10
/** What is asked for at once: beats and acknowledgements must not wait behind megabytes. */
const credit = 4 * chunkBytes

/** What arrived is not the file that was asked for. */
export class BadFile extends Error {}

/** The files that one run lacks, one after the other. No I/O but to the cache; the caller sends the requests. */
export class Fetching {
  #cache
  #wanted = new Map()
  #offset = 0
  #asked = 0
  #digest = createHash('sha256')
  #failed = new Set()

  constructor(cache, files) {
    this.#cache = cache
    for (const { hash, bytes } of files) if (!fs.existsSync(path.join(cache, hash))) this.#wanted.set(hash, bytes)
    this.#skipEmpty()
  }

  get missingBytes() {
    return [...this.#wanted.values()].reduce((sum, bytes) => sum + bytes, 0) - this.#offset
  }

  get isDone() {
    return this.#wanted.size === 0
  }

  get #current() {
    const [hash, bytes] = this.#wanted.entries().next().value
    return { hash, bytes }
  }

  /** A file without bytes needs no chunk. */
  #skipEmpty() {
    while (!this.isDone && this.#current.bytes === 0) this.#complete(this.#current.hash)
  }

  /** What to ask the master for now, or undefined while it owes us something. */
  request() {
    if (this.isDone || this.#offset < this.#asked) return undefined
    const { hash, bytes } = this.#current
    const count = Math.min(credit, bytes - this.#offset)
    this.#asked = this.#offset + count
    return { hash, offset: this.#offset, bytes: count }
  }

  /** What was asked for does not come: ask anew. */
  again() {
    this.#asked = this.#offset
  }

  /**
   * Stores a chunk; one that was not asked for is passed over.
   *
   * @throws {BadFile} when the file is complete for the second time and is not the one whose hash was asked for
   */
  take(hash, offset, data) {
    if (this.isDone || this.#current.hash !== hash || offset !== this.#offset || data.length === 0) return
    const size = this.#current.bytes
    if (offset + data.length > size) {
      throw new BadFile(`file ${hash.slice(0, 12)}… is longer than the ${size} bytes that were announced`)
    }
    const file = fs.openSync(this.#part(hash), offset > 0 ? 'r+' : 'w')
    fs.writeSync(file, data, 0, data.length, offset)
    fs.closeSync(file)
    this.#digest.update(data)
    this.#offset += data.length
    if (this.#offset === size) {
      this.#complete(hash)
      this.#skipEmpty()
    }
  }

  #complete(hash) {
    const found = this.#digest.digest('hex')
    this.#digest = createHash('sha256')
    this.#offset = this.#asked = 0
    if (found !== hash) {
      this.discard()
      if (this.#failed.has(hash) || this.#wanted.get(hash) === 0) {
        throw new BadFile(`file ${hash.slice(0, 12)}… arrived twice with another hash: it is damaged at the master`)
      }
      this.#failed.add(hash)
      return
    }
    if (this.#wanted.get(hash) === 0) fs.writeFileSync(this.#part(hash), '')
    this.#wanted.delete(hash)
    fs.renameSync(this.#part(hash), path.join(this.#cache, hash))
  }

  /** Removes what has arrived of the current file. */
  discard() {
    if (!this.isDone) fs.rmSync(this.#part(this.#current.hash), { force: true })
  }

  #part(hash) {
    return path.join(this.#cache, `${hash}.part`)
  }
}

/** Puts a run's files where it expects them. Copies: a run may write into its directory, the cache stays as it is. */
export function place(cache, files, directory) {
  for (const file of files) {
    const target = path.resolve(directory, file.path)
    if (!target.startsWith(directory + path.sep)) throw new BadFile(`${file.path}: leads out of the run's directory`)
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.copyFileSync(path.join(cache, file.hash), target)
    fs.chmodSync(target, file.executable ? 0o755 : 0o644)
  }
}
