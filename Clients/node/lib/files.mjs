// Files that the master ships: fetched in chunks on credit, known by their hash, checked on arrival.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

export const chunkBytes = 256 << 10
/** What is asked for at once: beats and acknowledgements must not wait behind megabytes. */
const credit = 4 * chunkBytes

/** What arrived is not the file that was asked for. */
export class BadFile extends Error {}

/**
 * The files that came, by their hash: checked when they came, and once in the life of an agent before they are used again,
 * since a power cut may leave less than was written.
 *
 * Bounded: when more is wanted, what has not been used for the longest time goes.
 */
export class Cache {
  #directory
  #limit
  /** Hashes of the files whose content this process has seen. */
  #checked = new Set()

  /** `limit`: bytes that are kept, unless runs need more. */
  constructor(directory, limit = 2 ** 32) {
    this.#directory = directory
    this.#limit = limit
    fs.mkdirSync(directory, { recursive: true })
    for (const name of fs.readdirSync(directory)) if (name.endsWith('.part')) fs.unlinkSync(this.path(name))
  }

  path(name) {
    return path.join(this.#directory, name)
  }

  /** Whether a file is there, and as long as it should be. One of another length is removed. */
  has({ hash, bytes }) {
    const found = fs.lstatSync(this.path(hash), { throwIfNoEntry: false })
    if (!found) return false
    if (!found.isFile() || found.size !== Number(bytes)) {
      this.#drop(hash)
      return false
    }
    // The last use decides who goes first.
    const now = new Date()
    fs.utimesSync(this.path(hash), now, now)
    return true
  }

  /** Those of some files that are there with a content which nobody has looked at since this agent was started. */
  unchecked(files) {
    return [...new Set(files.filter((file) => this.has(file)).map(({ hash }) => hash))].filter((hash) => !this.#checked.has(hash))
  }

  /** Reads a file as it should be; one with another content is removed. */
  async check(hash) {
    const digest = createHash('sha256')
    try {
      for await (const bytes of fs.createReadStream(this.path(hash), { highWaterMark: 1 << 20 })) digest.update(bytes)
    } catch (error) {
      if (!error.code) throw error
    }
    if (digest.digest('hex') === hash) this.#checked.add(hash)
    else this.#drop(hash)
  }

  /** Takes in a file that has come. */
  keep(part, hash) {
    fs.renameSync(part, this.path(hash))
    this.#checked.add(hash)
  }

  /**
   * Removes what was not used for the longest time, until so many bytes more are within the limit.
   *
   * `needed`: a set of hashes that stay in any case: runs need them, even if all of it is beyond the limit then.
   */
  makeRoom(bytes, needed) {
    const names = fs.readdirSync(this.#directory).filter((name) => !name.endsWith('.part'))
    const files = names.map((name) => ({ name, ...pick(fs.lstatSync(this.path(name))) }))
    let total = files.reduce((sum, { size }) => sum + size, bytes)
    for (const { name, size } of files.sort((a, b) => a.used - b.used)) {
      if (total <= this.#limit) return
      if (needed.has(name)) continue
      this.#drop(name)
      total -= size
    }
  }

  #drop(name) {
    this.#checked.delete(name)
    fs.rmSync(this.path(name), { recursive: true, force: true })
  }
}

const pick = ({ size, mtimeMs }) => ({ size, used: mtimeMs })

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
    for (const file of files) if (!cache.has(file)) this.#wanted.set(file.hash, file.bytes)
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
    this.#cache.keep(this.#part(hash), hash)
  }

  /** Removes what has arrived of the current file. */
  discard() {
    if (!this.isDone) fs.rmSync(this.#part(this.#current.hash), { force: true })
  }

  #part(hash) {
    return this.#cache.path(`${hash}.part`)
  }
}

/** Puts a run's files where it expects them. Copies: a run may write into its directory, the cache stays as it is. */
export function place(cache, files, directory) {
  for (const file of files) {
    const target = path.resolve(directory, file.path)
    if (!target.startsWith(directory + path.sep)) throw new BadFile(`${file.path}: leads out of the run's directory`)
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.copyFileSync(cache.path(file.hash), target)
    fs.chmodSync(target, file.executable ? 0o755 : 0o644)
  }
}
