// MessagePack, as much of it as the wire uses: no extension types.
// Format: https://github.com/msgpack/msgpack/blob/master/spec.md

/** Bytes that are no MessagePack, or more than a message may hold. */
export class MessagePackError extends Error {}

const depthLimit = 12
const objectLimit = 1_000_000

/**
 * Packs null, booleans, numbers, BigInts, strings, Buffers, arrays, Maps and plain objects; undefined fields are left
 * out. A number that is whole becomes an integer, every other one a double.
 */
export function pack(value) {
  const writer = new Writer()
  writer.value(value)
  return writer.bytes()
}

class Writer {
  #buffer = Buffer.allocUnsafe(256)
  #length = 0

  bytes() {
    return this.#buffer.subarray(0, this.#length)
  }

  #room(count) {
    if (this.#length + count > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    const place = this.#length
    this.#length += count
    return place
  }

  #head(byte, width, number) {
    const place = this.#room(1 + width)
    this.#buffer[place] = byte
    if (width > 0) this.#buffer.writeUIntBE(number, place + 1, width)
  }

  /** The head of something that has a length: in the first byte, or behind one of three bytes. */
  #length_(count, fix, limit, bytes) {
    if (count < limit) this.#head(fix | count, 0)
    else if (count < 256 && bytes[0] !== null) this.#head(bytes[0], 1, count)
    else if (count < 65536) this.#head(bytes[1], 2, count)
    else this.#head(bytes[2], 4, count)
  }

  value(value) {
    if (value === null || value === undefined) this.#head(0xc0, 0)
    else if (typeof value === 'boolean') this.#head(value ? 0xc3 : 0xc2, 0)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#bigint(value)
    else if (typeof value === 'string') {
      const count = Buffer.byteLength(value)
      this.#length_(count, 0xa0, 32, [0xd9, 0xda, 0xdb])
      const place = this.#room(count)
      this.#buffer.write(value, place)
    } else if (value instanceof Uint8Array) {
      this.#length_(value.length, 0, 0, [0xc4, 0xc5, 0xc6])
      const place = this.#room(value.length)
      this.#buffer.set(value, place)
    } else if (Array.isArray(value)) {
      this.#length_(value.length, 0x90, 16, [null, 0xdc, 0xdd])
      for (const element of value) this.value(element)
    } else {
      const entries = (value instanceof Map ? [...value] : Object.entries(value)).filter(([, entry]) => entry !== undefined)
      this.#length_(entries.length, 0x80, 16, [null, 0xde, 0xdf])
      for (const [key, entry] of entries) {
        this.value(key)
        this.value(entry)
      }
    }
  }

  #number(value) {
    if (!Number.isSafeInteger(value)) {
      const place = this.#room(9)
      this.#buffer[place] = 0xcb
      this.#buffer.writeDoubleBE(value, place + 1)
    } else if (value >= 2 ** 32 || value < -(2 ** 31)) this.#bigint(BigInt(value))
    else if (value >= 0) {
      if (value < 128) this.#head(value, 0)
      else if (value < 256) this.#head(0xcc, 1, value)
      else if (value < 65536) this.#head(0xcd, 2, value)
      else this.#head(0xce, 4, value)
    } else if (value >= -32) this.#head(256 + value, 0)
    else if (value >= -128) this.#head(0xd0, 1, 256 + value)
    else if (value >= -32768) this.#head(0xd1, 2, 65536 + value)
    else this.#head(0xd2, 4, 2 ** 32 + value)
  }

  #bigint(value) {
    const small = Number(value)
    if (small < 2 ** 32 && small >= -(2 ** 31)) return this.#number(small)
    const place = this.#room(9)
    this.#buffer[place] = value < 0n ? 0xd3 : 0xcf
    if (value < 0n) this.#buffer.writeBigInt64BE(value, place + 1)
    else this.#buffer.writeBigUInt64BE(value, place + 1)
  }
}

/**
 * Unpacks exactly one value. Maps become objects without a prototype; whole numbers beyond 2^53 become BigInts.
 *
 * @throws {MessagePackError} whatever the bytes are
 */
export function unpack(bytes) {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.place !== bytes.length) throw new MessagePackError('bytes after the end')
  return value
}

/**
 * Appends the values that are complete at the beginning of `bytes` to `values`; returns how many bytes they took.
 *
 * @throws {MessagePackError} when what follows them is none
 */
export function unpackMany(bytes, values) {
  const reader = new Reader(bytes)
  let taken = 0
  while (taken < bytes.length) {
    try {
      values.push(reader.value(0))
    } catch (error) {
      if (error instanceof CutOff) break
      throw error
    }
    reader.begin()
    taken = reader.place
  }
  return taken
}

class CutOff extends MessagePackError {}

class Reader {
  #bytes
  #objects = 0
  place = 0

  constructor(bytes) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Begins to count values anew: for the next of several. */
  begin() {
    this.#objects = 0
  }

  #take(count) {
    if (count > this.#bytes.length - this.place) throw new CutOff('cut off')
    this.place += count
    return this.place - count
  }

  #uint(width) {
    return this.#bytes.readUIntBE(this.#take(width), width)
  }

  value(depth) {
    this.#objects += 1
    if (depth > depthLimit || this.#objects > objectLimit) throw new MessagePackError('too deep or too many values')
    const head = this.#uint(1)
    if (head < 0x80) return head
    if (head < 0x90) return this.#map(head & 15, depth)
    if (head < 0xa0) return this.#array(head & 15, depth)
    if (head < 0xc0) return this.#string(head & 31)
    if (head >= 0xe0) return head - 256
    switch (head) {
      case 0xc0: return null
      case 0xc2: return false
      case 0xc3: return true
      case 0xc4: case 0xc5: case 0xc6: return this.#binary(this.#uint(1 << (head - 0xc4)))
      case 0xca: return this.#bytes.readFloatBE(this.#take(4))
      case 0xcb: return this.#bytes.readDoubleBE(this.#take(8))
      case 0xcc: case 0xcd: case 0xce: return this.#uint(1 << (head - 0xcc))
      case 0xcf: return narrow(this.#bytes.readBigUInt64BE(this.#take(8)))
      case 0xd0: return this.#bytes.readInt8(this.#take(1))
      case 0xd1: return this.#bytes.readInt16BE(this.#take(2))
      case 0xd2: return this.#bytes.readInt32BE(this.#take(4))
      case 0xd3: return narrow(this.#bytes.readBigInt64BE(this.#take(8)))
      case 0xd9: case 0xda: case 0xdb: return this.#string(this.#uint(1 << (head - 0xd9)))
      case 0xdc: return this.#array(this.#uint(2), depth)
      case 0xdd: return this.#array(this.#uint(4), depth)
      case 0xde: return this.#map(this.#uint(2), depth)
      case 0xdf: return this.#map(this.#uint(4), depth)
      default: throw new MessagePackError(`no MessagePack: byte ${head}`)
    }
  }

  #string(count) {
    const place = this.#take(count)
    return this.#bytes.toString('utf8', place, place + count)
  }

  #binary(count) {
    const place = this.#take(count)
    return Buffer.from(this.#bytes.subarray(place, place + count))
  }

  // Every element takes a byte at least: nothing is made for a count that no bytes stand behind.
  #enough(count) {
    if (count > this.#bytes.length - this.place) throw new CutOff('cut off')
  }

  #array(count, depth) {
    this.#enough(count)
    const array = []
    for (let index = 0; index < count; index += 1) array.push(this.value(depth + 1))
    return array
  }

  #map(count, depth) {
    this.#enough(count * 2)
    const map = Object.create(null)
    for (let index = 0; index < count; index += 1) {
      const key = this.value(depth + 1)
      map[key] = this.value(depth + 1)
    }
    return map
  }
}

function narrow(value) {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
