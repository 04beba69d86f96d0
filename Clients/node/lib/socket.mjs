// A ZeroMQ socket over one TCP connection that is made again for ever: as much of DEALER and PUSH as an agent needs.

import { EventEmitter } from 'node:events'
import net from 'node:net'
import { decodeCommand, encodeCommand, encodeFrame, greeting, NullMechanism, Parser, ProtocolError } from './zmtp.mjs'
import { frameBytes } from './wire.mjs'

/** What may wait in the kernel's and Node's buffers before `send` says no, in bytes. */
const highWater = 4 << 20
const heartbeat = 2000
const heartbeatPatience = 6000
const handshakePatience = 10_000

/**
 * Emits `connected` when a handshake is done, `message` (a Buffer: the last frame), `drain` when `send` takes messages
 * again, and `trouble` (a text) when the other side cannot be understood or turns us away.
 */
export class Socket extends EventEmitter {
  #type
  #host
  #port
  #keys
  #connection = null
  #mechanism = null
  #parser = null
  #pause = 100
  #retry = null
  #beat = null
  #lastSign = 0
  #closed = false

  /** `type`: DEALER or PUSH. `mechanism`: makes the security of a connection; none by default. */
  constructor(type, host, port, { mechanism = (socketType) => new NullMechanism(socketType) } = {}) {
    super()
    this.#type = type
    this.#host = host
    this.#port = port
    this.#keys = mechanism
    this.#connect()
  }

  get isConnected() {
    return this.#mechanism?.isReady === true
  }

  /** Whether `send` takes a message now. */
  get isRoomy() {
    return this.isConnected && this.#connection.writableLength <= highWater
  }

  /** Sends a message of one frame. False when there is no connection or no room: it is not sent then. */
  send(bytes) {
    if (!this.isRoomy) return false
    this.#connection.write(this.#mechanism.seal(bytes, {}))
    return true
  }

  /** Drops the connection and makes another. */
  reconnect() {
    this.#connection?.destroy()
  }

  /** Closes once everything is written, or after a second. */
  close() {
    this.#closed = true
    clearTimeout(this.#retry)
    const connection = this.#connection
    if (!connection) return Promise.resolve()
    return new Promise((resolve) => {
      connection.once('close', resolve)
      connection.end()
      setTimeout(() => connection.destroy(), 1000).unref()
    })
  }

  #connect() {
    const connection = net.connect({ host: this.#host, port: this.#port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 })
    this.#connection = connection
    this.#mechanism = this.#keys(this.#type)
    this.#parser = new Parser(frameBytes + 1024)
    connection.on('connect', () => {
      connection.write(greeting(this.#mechanism.name))
      this.#lastSign = performance.now()
      this.#beat = setInterval(() => this.#heartbeat(), heartbeat)
    })
    connection.on('data', (bytes) => this.#receive(bytes))
    connection.on('drain', () => this.emit('drain'))
    // A connection that fails closes, and that is dealt with there.
    connection.on('error', () => {})
    connection.on('close', () => this.#lost())
  }

  #lost() {
    clearInterval(this.#beat)
    this.#connection = null
    this.#mechanism = null
    if (this.#closed) return
    this.#retry = setTimeout(() => this.#connect(), this.#pause)
    this.#pause = Math.min(this.#pause * 2, 2000)
  }

  #receive(bytes) {
    const connection = this.#connection
    this.#lastSign = performance.now()
    try {
      for (const part of this.#parser.feed(bytes)) {
        if (connection.destroyed) return
        if (part.greeting) this.#greeted(part.greeting)
        else if (!this.isConnected) this.#handshake(part)
        else this.#frame(this.#mechanism.open(part))
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.emit('trouble', error.message)
      connection.destroy()
    }
  }

  #greeted({ mechanism }) {
    if (mechanism !== this.#mechanism.name) {
      const ours = this.#mechanism.name === 'NULL' ? 'without keys (start it with --keys)' : 'with keys'
      throw new ProtocolError(`the master wants ${mechanism}, this agent comes ${ours}`)
    }
    this.#command(this.#mechanism.begin())
  }

  #handshake({ body, isCommand }) {
    if (!isCommand) throw new ProtocolError('a message during the handshake')
    this.#command(this.#mechanism.handshake(body))
    if (this.isConnected) {
      this.#pause = 100
      this.emit('connected')
      this.emit('drain')
    }
  }

  #command(bodies) {
    for (const body of bodies) this.#connection.write(encodeFrame(body, { isCommand: true }))
  }

  #frame({ body, isCommand, hasMore }) {
    if (!isCommand) {
      // An empty frame before the message is what some proxies add.
      if (!hasMore) this.emit('message', body)
      return
    }
    const { name, data } = decodeCommand(body)
    if (name === 'PING') {
      // Two bytes say how long the other side waits; what follows comes back.
      this.#connection.write(this.#mechanism.seal(encodeCommand('PONG', data.subarray(2)), { isCommand: true }))
    }
  }

  /** On control only: on results a master that is held up answers none. There its silence on control is enough. */
  #heartbeat() {
    if (this.isConnected && this.#type !== 'DEALER') return
    const silence = performance.now() - this.#lastSign
    if (silence > (this.isConnected ? heartbeatPatience : handshakePatience)) {
      this.#connection.destroy()
    } else if (this.isConnected) {
      const patience = Buffer.alloc(2)
      patience.writeUInt16BE(heartbeatPatience / 100)
      this.#connection.write(this.#mechanism.seal(encodeCommand('PING', patience), { isCommand: true }))
    }
  }
}
