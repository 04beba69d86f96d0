// One append-only file of the spool: a header, then records. Little-endian.
//
// Header (64 bytes): `LOADSSPL`, version (4), nothing (4), epoch (16), the sequence number before the first record (8),
// the run's counts until then (3 × 8). Record: length of the message (4), CRC-32 of all that follows (4), sequence number
// (8), the run's counts with it (3 × 8), the message.

import fs from 'node:fs'
import { crc32 } from './crc32.mjs'

const magic = 'LOADSSPL'
const version = 1
const headerBytes = 64
const recordBytes = 40

function writeCounts(bytes, at, counts) {
  counts.forEach((count, place) => bytes.writeBigInt64LE(BigInt(count), at + 8 * place))
}

const readCounts = (bytes, at) => [0, 8, 16].map((place) => Number(bytes.readBigInt64LE(at + place)))

export class Segment {
  #descriptor
  #size = 0

  constructor(path, descriptor, base) {
    this.path = path
    this.#descriptor = descriptor
    /** The number before its first record, and the last one in it. */
    this.base = base
    this.last = base
    this.counts = [0, 0, 0]
  }

  get size() {
    return this.#size
  }

  static create(path, epoch, base, counts) {
    const segment = new Segment(path, fs.openSync(path, 'w+', 0o600), base)
    segment.counts = counts
    const header = Buffer.alloc(headerBytes)
    header.write(magic, 0, 'ascii')
    header.writeUInt32LE(version, 8)
    header.write(epoch, 16, 16, 'ascii')
    header.writeBigUInt64LE(BigInt(base), 32)
    writeCounts(header, 40, counts)
    segment.#write(header)
    return segment
  }

  /** Writes a message; returns its place: `{ segment, offset, size }`. */
  append(message, sequence, counts) {
    const record = Buffer.alloc(recordBytes + message.length)
    record.writeUInt32LE(message.length, 0)
    record.writeBigUInt64LE(BigInt(sequence), 8)
    writeCounts(record, 16, counts)
    record.set(message, recordBytes)
    record.writeUInt32LE(crc32(record.subarray(8)), 4)
    const place = { segment: this, offset: this.#size + recordBytes, size: message.length }
    this.#write(record)
    this.last = sequence
    this.counts = counts
    return place
  }

  #write(bytes) {
    let done = 0
    try {
      while (done < bytes.length) {
        done += fs.writeSync(this.#descriptor, bytes, done, bytes.length - done, this.#size + done)
      }
    } catch (error) {
      // What was written of it would be taken for a torn end; better that there is nothing.
      fs.ftruncateSync(this.#descriptor, this.#size)
      throw error
    }
    this.#size += bytes.length
  }

  /** A message's bytes, or null. */
  read({ offset, size }) {
    try {
      return this.#read(offset, size)
    } catch {
      return null
    }
  }

  #read(offset, size) {
    const bytes = Buffer.alloc(size)
    return fs.readSync(this.#descriptor, bytes, 0, size, offset) === size ? bytes : null
  }

  /**
   * Opens a file of an earlier process, and cuts off what is torn at its end: it was never acknowledged.
   *
   * @returns `{ segment, places }`, or null when it is none of ours, or of another epoch
   */
  static recover(path, epoch) {
    const segment = new Segment(path, fs.openSync(path, 'r+'), 0)
    const header = segment.#read(0, headerBytes)
    if (
      header === null || header.toString('ascii', 0, 8) !== magic || header.readUInt32LE(8) !== version ||
      header.toString('ascii', 16, 32).replace(/\0+$/, '') !== epoch
    ) {
      segment.close()
      return null
    }
    segment.base = segment.last = Number(header.readBigUInt64LE(32))
    segment.counts = readCounts(header, 40)
    segment.#size = headerBytes
    const length = fs.fstatSync(segment.#descriptor).size
    const places = []
    for (let head = segment.#read(headerBytes, recordBytes); head !== null; head = segment.#read(segment.#size, recordBytes)) {
      const size = head.readUInt32LE(0)
      const offset = segment.#size + recordBytes
      const sequence = Number(head.readBigUInt64LE(8))
      if (size > length - offset || sequence !== segment.last + 1) break
      const message = segment.#read(offset, size)
      if (message === null || crc32(message, crc32(head.subarray(8))) !== head.readUInt32LE(4)) break
      places.push({ segment, offset, size })
      segment.last = sequence
      segment.counts = readCounts(head, 16)
      segment.#size = offset + size
    }
    fs.ftruncateSync(segment.#descriptor, segment.#size)
    return { segment, places }
  }

  /** Flushes it to the disk, on another thread. */
  flush() {
    fs.fdatasync(this.#descriptor, () => {})
  }

  close() {
    fs.closeSync(this.#descriptor)
  }

  remove() {
    this.close()
    fs.rmSync(this.path, { force: true })
  }
}
