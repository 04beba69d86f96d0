// CURVE, ZeroMQ's encryption, from the client's side: https://rfc.zeromq.org/spec/26/. The cryptography is tweetnacl's.

import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { decodeCommand, decodeMetadata, encodeCommand, encodeFrame, encodeMetadata, ProtocolError } from './zmtp.mjs'

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

/** The bytes of a text in Z85 (https://rfc.zeromq.org/spec/32/), or undefined when it is none. */
export function z85(text) {
  const bytes = Buffer.alloc((text.length / 5) * 4)
  for (let place = 0; place < text.length; place += 5) {
    const digits = [...text.slice(place, place + 5)].map((letter) => alphabet.indexOf(letter))
    const value = digits.reduce((sum, digit) => sum * 85 + digit, 0)
    if (digits.length < 5 || digits.includes(-1) || value > 0xffffffff) return undefined
    bytes.writeUInt32BE(value, (place / 5) * 4)
  }
  return bytes
}

function sodium() {
  const require = createRequire(import.meta.url)
  for (const name of ['tweetnacl', '/usr/share/nodejs/tweetnacl/nacl-fast.js']) {
    try {
      return require(name)
    } catch {
      // The next place.
    }
  }
  throw new Error('--keys needs tweetnacl, which is not there. Run: apt install node-tweetnacl (or: npm install tweetnacl)')
}

function readKey(file, isSecret) {
  let text
  try {
    if (isSecret && fs.statSync(file).mode & 0o077) {
      throw new Error(`${file} may be read by others: it is a secret. Run: chmod 600 ${file}`)
    }
    text = fs.readFileSync(file, 'latin1').trim().split(/\s/)[0]
  } catch (error) {
    throw error.code ? new Error(`${file} cannot be read: ${error.code}`) : error
  }
  const key = text.length === 40 ? z85(text) : undefined
  if (!key) throw new Error(`${file} holds no key: 40 characters of Z85 are expected`)
  return key
}

/**
 * What makes a connection's security from an agent's folder of keys.
 *
 * @throws {Error} when tweetnacl or a key is missing, or a secret may be read by others
 */
export function curve(directory) {
  const nacl = sodium()
  const own = nacl.box.keyPair.fromSecretKey(readKey(path.join(directory, 'agent.secret'), true))
  const master = readKey(path.join(directory, 'master.public'), false)
  return (socketType) => new CurveMechanism(nacl, own, master, socketType)
}

/** One connection's handshake and messages: HELLO, WELCOME, INITIATE, READY, then MESSAGE both ways. */
export class CurveMechanism {
  name = 'CURVE'
  isReady = false
  #nacl
  #own
  #server
  #metadata
  #transient
  #sentNonce = 0n
  #receivedNonce = 0n
  /** Precomputed of our transient key and the server's. */
  #shared = null

  constructor(nacl, own, server, socketType) {
    this.#nacl = nacl
    this.#own = own
    this.#server = server
    this.#transient = nacl.box.keyPair()
    this.#metadata = encodeMetadata({ 'Socket-Type': socketType, Identity: '' })
  }

  #nextNonce() {
    this.#sentNonce += 1n
    const short = Buffer.alloc(8)
    short.writeBigUInt64BE(this.#sentNonce)
    return short
  }

  begin() {
    const short = this.#nextNonce()
    const nonce = Buffer.concat([Buffer.from('CurveZMQHELLO---'), short])
    const box = this.#nacl.box(new Uint8Array(64), nonce, this.#server, this.#transient.secretKey)
    const version = Buffer.from([1, 0])
    return [encodeCommand('HELLO', Buffer.concat([version, Buffer.alloc(72), this.#transient.publicKey, short, box]))]
  }

  handshake(body) {
    const { name, data } = decodeCommand(body)
    if (name === 'WELCOME') return [this.#initiate(data)]
    if (name === 'READY') return this.#ready(data)
    if (name === 'ERROR') {
      throw new ProtocolError('the master turns this key away: it is not among its keys for this purpose')
    }
    throw new ProtocolError(`${name} during the handshake`)
  }

  #initiate(welcome) {
    const nonce = Buffer.concat([Buffer.from('WELCOME-'), welcome.subarray(0, 16)])
    const plain = this.#nacl.box.open(welcome.subarray(16), nonce, this.#server, this.#transient.secretKey)
    if (!plain || plain.length !== 128) throw new ProtocolError('the master has another key than master.public says')
    const transientServer = plain.subarray(0, 32)
    const cookie = plain.subarray(32)
    this.#shared = this.#nacl.box.before(transientServer, this.#transient.secretKey)

    const vouchNonce = randomBytes(16)
    const vouch = this.#nacl.box(
      Buffer.concat([this.#transient.publicKey, this.#server]), Buffer.concat([Buffer.from('VOUCH---'), vouchNonce]),
      transientServer, this.#own.secretKey)
    const short = this.#nextNonce()
    const box = this.#nacl.box.after(
      Buffer.concat([this.#own.publicKey, vouchNonce, vouch, this.#metadata]),
      Buffer.concat([Buffer.from('CurveZMQINITIATE'), short]), this.#shared)
    return encodeCommand('INITIATE', Buffer.concat([cookie, short, box]))
  }

  #ready(data) {
    if (!this.#shared) throw new ProtocolError('READY before WELCOME')
    const nonce = Buffer.concat([Buffer.from('CurveZMQREADY---'), data.subarray(0, 8)])
    const plain = this.#nacl.box.open.after(data.subarray(8), nonce, this.#shared)
    if (!plain) throw new ProtocolError('a READY that cannot be opened')
    decodeMetadata(Buffer.from(plain))
    this.#receivedNonce = data.readBigUInt64BE(0)
    this.isReady = true
    return []
  }

  /** A frame on the wire for a message or, after the handshake, a command. */
  seal(body, { isCommand = false, hasMore = false } = {}) {
    const short = this.#nextNonce()
    const flags = Buffer.from([(hasMore ? 1 : 0) | (isCommand ? 2 : 0)])
    const nonce = Buffer.concat([Buffer.from('CurveZMQMESSAGEC'), short])
    const box = this.#nacl.box.after(Buffer.concat([flags, body]), nonce, this.#shared)
    return encodeFrame(encodeCommand('MESSAGE', Buffer.concat([short, box])))
  }

  open({ body }) {
    const { name, data } = decodeCommand(body)
    if (name !== 'MESSAGE' || data.length < 25) throw new ProtocolError(`${name} where an encrypted message belongs`)
    const number = data.readBigUInt64BE(0)
    if (number <= this.#receivedNonce) throw new ProtocolError('an encrypted message that was sent before')
    this.#receivedNonce = number
    const nonce = Buffer.concat([Buffer.from('CurveZMQMESSAGES'), data.subarray(0, 8)])
    const plain = this.#nacl.box.open.after(data.subarray(8), nonce, this.#shared)
    if (!plain) throw new ProtocolError('an encrypted message that cannot be opened')
    return { body: Buffer.from(plain.subarray(1)), isCommand: (plain[0] & 2) !== 0, hasMore: (plain[0] & 1) !== 0 }
  }
}
