// The frames of ZeroMQ's protocol, ZMTP 3.1: https://rfc.zeromq.org/spec/37/. Pure: bytes in, what they mean out.

const greetingLength = 64
const more = 1
const long = 2
const command = 4

/** The other side does not speak ZMTP 3, or said something that the protocol does not allow. */
export class ProtocolError extends Error {}

/** What each side sends first. */
export function greeting(mechanism) {
  const bytes = Buffer.alloc(greetingLength)
  bytes[0] = 0xff
  bytes[9] = 0x7f
  bytes[10] = 3
  bytes[11] = 1
  bytes.write(mechanism, 12, 'ascii')
  return bytes
}

/** A frame's bytes. */
export function encodeFrame(body, { isCommand = false, hasMore = false } = {}) {
  const flags = (isCommand ? command : 0) | (hasMore ? more : 0) | (body.length > 255 ? long : 0)
  const head = Buffer.alloc(body.length > 255 ? 9 : 2)
  head[0] = flags
  if (body.length > 255) head.writeBigUInt64BE(BigInt(body.length), 1)
  else head[1] = body.length
  return Buffer.concat([head, body])
}

/** The body of a command: its name's length, its name, its data. */
export function encodeCommand(name, data) {
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'ascii'), data])
}

/** A command's name and data. */
export function decodeCommand(body) {
  if (body.length === 0 || body.length < 1 + body[0]) throw new ProtocolError('a command is cut off')
  return { name: body.toString('ascii', 1, 1 + body[0]), data: body.subarray(1 + body[0]) }
}

/** Properties as `READY` carries them. */
export function encodeMetadata(properties) {
  const parts = []
  for (const [name, value] of Object.entries(properties)) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(value))
    parts.push(Buffer.from([name.length]), Buffer.from(name, 'ascii'), length, Buffer.from(value))
  }
  return Buffer.concat(parts)
}

export function decodeMetadata(bytes) {
  const properties = {}
  for (let place = 0; place < bytes.length; ) {
    const nameEnd = place + 1 + bytes[place]
    if (nameEnd + 4 > bytes.length) throw new ProtocolError('metadata is cut off')
    const end = nameEnd + 4 + bytes.readUInt32BE(nameEnd)
    if (end > bytes.length) throw new ProtocolError('metadata is cut off')
    properties[bytes.toString('ascii', place + 1, nameEnd)] = bytes.toString('utf8', nameEnd + 4, end)
    place = end
  }
  return properties
}

/** Cuts what comes into the greeting and frames. */
export class Parser {
  #parts = []
  #length = 0
  #greeted = false
  #limit

  /** `limit`: the longest frame that is taken, in bytes. */
  constructor(limit) {
    this.#limit = limit
  }

  /**
   * What is complete now: `{ greeting: { mechanism } }` first, then `{ body, isCommand, hasMore }`.
   *
   * @throws {ProtocolError}
   */
  feed(bytes) {
    this.#parts.push(bytes)
    this.#length += bytes.length
    const found = []
    for (let next = this.#next(); next !== undefined; next = this.#next()) found.push(next)
    return found
  }

  #next() {
    return this.#greeted ? this.#frame() : this.#greeting()
  }

  /** The first bytes together, or undefined while there are not so many. Joins parts only once enough are there. */
  #peek(count) {
    if (this.#length < count) return undefined
    if (this.#parts[0].length < count) this.#parts = [Buffer.concat(this.#parts)]
    return this.#parts[0].subarray(0, count)
  }

  #drop(count) {
    this.#length -= count
    if (this.#parts[0].length === count) this.#parts.shift()
    else this.#parts[0] = this.#parts[0].subarray(count)
  }

  #greeting() {
    const start = this.#peek(1)
    if (start !== undefined && start[0] !== 0xff) throw new ProtocolError('the other side does not speak ZeroMQ')
    const bytes = this.#peek(greetingLength)
    if (bytes === undefined) return undefined
    if (bytes[9] !== 0x7f || bytes[10] < 3) throw new ProtocolError('the other side speaks no ZMTP 3')
    const mechanism = bytes.toString('ascii', 12, 32).replace(/\0+$/, '')
    this.#drop(greetingLength)
    this.#greeted = true
    return { greeting: { mechanism } }
  }

  #frame() {
    const head = this.#peek(2)
    if (head === undefined) return undefined
    const flags = head[0]
    if (flags > 7) throw new ProtocolError('a frame with unknown flags')
    let length = head[1]
    let headLength = 2
    if (flags & long) {
      const whole = this.#peek(9)
      if (whole === undefined) return undefined
      if (whole.readBigUInt64BE(1) > BigInt(this.#limit)) throw new ProtocolError('a frame is too long')
      length = Number(whole.readBigUInt64BE(1))
      headLength = 9
    }
    const bytes = this.#peek(headLength + length)
    if (bytes === undefined) return undefined
    const body = Buffer.from(bytes.subarray(headLength))
    this.#drop(headLength + length)
    return { body, isCommand: (flags & command) !== 0, hasMore: (flags & more) !== 0 }
  }
}

/** The mechanism without security: each side says READY with its socket's type. */
export class NullMechanism {
  name = 'NULL'
  isReady = false
  #metadata

  constructor(socketType) {
    this.#metadata = encodeMetadata({ 'Socket-Type': socketType, Identity: '' })
  }

  /** What is sent as commands once the greetings are exchanged. */
  begin() {
    return [encodeCommand('READY', this.#metadata)]
  }

  /** Takes a command of the handshake; returns the commands to answer with. */
  handshake(body) {
    const { name, data } = decodeCommand(body)
    if (name === 'ERROR') throw new ProtocolError(`the master turns this agent away: ${data.toString('ascii', 1) || 'no reason given'}`)
    if (name !== 'READY') throw new ProtocolError(`${name} during the handshake`)
    decodeMetadata(data)
    this.isReady = true
    return []
  }

  seal(body, flags) {
    return encodeFrame(body, flags)
  }

  open(frame) {
    return frame
  }
}
