// Messages of the wire (Docs/WireProtocol.md): MessagePack maps with a version and a type.

import { pack, unpack } from './msgpack.mjs'

export const version = 1
/** The longest message, in bytes; in its envelope on a socket it may be 4 KiB longer. */
export const messageBytes = 8 << 20
export const frameBytes = messageBytes + 4096

/** Bytes that are no message; `code` is what the `error` message calls it. */
export class WireError extends Error {
  constructor(code, text) {
    super(text)
    this.code = code
  }
}

/** A message's bytes; undefined fields are left out. */
export function message(type, fields = {}) {
  return pack({ v: version, type, ...fields })
}

/**
 * A message's fields. Unknown ones are for the reader to pass over.
 *
 * @throws {WireError} whatever the bytes are
 */
export function decode(bytes) {
  let fields
  try {
    if (bytes.length > frameBytes) throw new Error(`${bytes.length} bytes`)
    fields = unpack(bytes)
  } catch (error) {
    throw new WireError('malformed', `no message: ${error.message}`)
  }
  if (typeof fields !== 'object' || fields === null || typeof fields.type !== 'string') {
    throw new WireError('malformed', 'a message is a map with v and type')
  }
  if (fields.v !== version) throw new WireError('version', `version ${fields.v}, but this side speaks version ${version}`)
  return fields
}

/** A string cut to so many bytes of UTF-8. */
export function cut(value, limit = 32 << 10) {
  const bytes = Buffer.from(String(value))
  return bytes.length <= limit ? String(value) : bytes.subarray(0, limit).toString().replace(/\ufffd+$/, '')
}

/** Cuts a pipe's bytes into messages: each is four bytes of length, big-endian, and the message. */
export class Frames {
  #buffer = Buffer.alloc(0)

  /**
   * The messages that are complete now.
   *
   * @throws {WireError} when one is too long; the pipe is lost then
   */
  feed(bytes) {
    this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, bytes]) : bytes
    const messages = []
    while (this.#buffer.length >= 4) {
      const length = this.#buffer.readUInt32BE()
      if (length > messageBytes) throw new WireError('malformed', `a message of ${length} bytes`)
      if (this.#buffer.length < 4 + length) break
      messages.push(Buffer.from(this.#buffer.subarray(4, 4 + length)))
      this.#buffer = this.#buffer.subarray(4 + length)
    }
    return messages
  }
}

/** A message with its length before it. */
export function frame(bytes) {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
