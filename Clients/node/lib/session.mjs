import http from 'node:http'
import https from 'node:https'

const redirects = new Set([301, 302, 303, 307, 308])
const repeatable = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

/** The URL where others read it: with `***` in place of its password. */
export function shown(url) {
  return url.replace(/^([^/?#:]*:\/\/[^/?#:]*):[^/?#]*@/, '$1:***@')
}

/** No complete response came. `kind` is one word, as reports show it: resolve, connect, tls, timeout, reset … */
export class RequestError extends Error {
  constructor(kind, message) {
    super(message)
    this.name = 'RequestError'
    this.kind = kind
  }
}

/** `requireSuccess()` on a response whose status is 400 or above. */
export class StatusError extends Error {
  constructor(message) {
    super(message)
    this.name = 'StatusError'
  }
}

/** A complete response. Any status is a response, 500 included. */
export class Response {
  constructor(url, status, headers, body) {
    this.url = url
    this.status = status
    /** Names in lower case, as Node gives them. */
    this.headers = headers
    /** A Buffer. */
    this.body = body
  }

  get ok() {
    return this.status < 400
  }

  get text() {
    return this.body.toString()
  }

  json() {
    return JSON.parse(this.text)
  }

  requireSuccess() {
    if (!this.ok) throw new StatusError(`${this.url} answered ${this.status}`)
    return this
  }
}

/** A user's connections, kept alive from iteration to iteration. */
export class Connections {
  constructor() {
    this.plain = new http.Agent({ keepAlive: true })
    this.secure = new https.Agent({ keepAlive: true })
  }

  close() {
    this.plain.destroy()
    this.secure.destroy()
  }
}

/**
 * Sends requests and records each call as one hit, redirects included.
 *
 * A session starts clean in every iteration: its cookies (kept by host) and default headers are its own, the
 * connections are the user's.
 */
export class Session {
  headers = {}
  cookies = new Map()
  #record
  #connections
  #signal

  /**
   * @param record called with a hit, its start and its end (seconds of `performance.now() / 1000`)
   * @param options `base` (URL), `connections`, `timeout` (seconds for a whole call), `signal` that ends every call
   */
  constructor(record, { base = null, connections = new Connections(), timeout = 60, signal } = {}) {
    this.base = base
    this.timeout = timeout
    this.#record = record
    this.#connections = connections
    this.#signal = signal
  }

  get(url, options) {
    return this.request('GET', url, options)
  }

  head(url, options) {
    return this.request('HEAD', url, options)
  }

  post(url, options) {
    return this.request('POST', url, options)
  }

  put(url, options) {
    return this.request('PUT', url, options)
  }

  patch(url, options) {
    return this.request('PATCH', url, options)
  }

  delete(url, options) {
    return this.request('DELETE', url, options)
  }

  /**
   * Performs a request.
   *
   * @param options `params` (object), `headers`, `body` (string or Buffer), `form` (object), `json` (any value),
   *   `name` (under which the hit is counted; by default the method and the path), `timeout` (seconds for the whole
   *   call), `redirect` (false: do not follow)
   * @returns the response, whatever its status
   * @throws {RequestError} when no complete one came; the hit is recorded
   */
  async request(method, url, options = {}) {
    const hit = {
      name: options.name ?? null, method, url: shown(`${url}`), status: null, bytes: 0, bytes_sent: 0, requests: 0, error: null,
    }
    const start = performance.now() / 1000
    const end = new AbortController()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      end.abort()
    }, Math.min(2 ** 31 - 1, (options.timeout ?? this.timeout) * 1000))
    const cut = () => end.abort()
    this.#signal?.addEventListener('abort', cut, { once: true })
    try {
      if (this.#signal?.aborted) throw new RequestError('cancelled', 'the run was told to end')
      const target = this.#target(url, options.params)
      hit.url = shown(target.href)
      hit.name ??= `${method} ${target.pathname}`
      return await this.#follow(hit, target, options, end.signal)
    } catch (error) {
      const translated = translate(error, hit.url, isLate, this.#signal)
      hit.error = translated.kind ?? 'body'
      hit.status = null
      throw translated
    } finally {
      clearTimeout(timer)
      this.#signal?.removeEventListener('abort', cut)
      hit.name ??= `${method} ${shown(`${url}`)}`
      this.#record(hit, start, performance.now() / 1000)
    }
  }

  #target(url, params) {
    let target
    try {
      target = new URL(url, this.base ?? undefined)
    } catch {
      throw new RequestError('badURL', `${url}: not an absolute URL (is the run's --server-url set?)`)
    }
    if (target.protocol !== 'http:' && target.protocol !== 'https:') {
      throw new RequestError('badURL', `${url}: not an http or https URL`)
    }
    for (const [key, value] of Object.entries(params ?? {})) target.searchParams.append(key, value)
    return target
  }

  async #follow(hit, target, options, signal) {
    let method = hit.method
    let headers = { ...this.headers, ...options.headers }
    let body = encode(options, headers)
    for (let count = 0; count <= 20; count += 1) {
      const response = await this.#exchange(hit, method, target, headers, body, signal)
      hit.status = response.status
      const place = response.headers.location
      if (options.redirect === false || !redirects.has(response.status) || !place) return response
      const next = new URL(place, target)
      // What proves who we are is not for another server.
      if (next.host !== target.host) headers = without(headers, (key) => key === 'authorization')
      target = next
      if ((response.status === 303 && method !== 'HEAD') || (response.status <= 302 && method === 'POST')) {
        method = 'GET'
        body = undefined
        headers = without(headers, (key) => key.startsWith('content-'))
      }
    }
    throw new RequestError('tooManyRedirects', `more than 20 redirects from ${hit.url}`)
  }

  async #exchange(hit, method, target, headers, body, signal) {
    const jar = this.cookies.get(target.hostname)
    const sent = { ...headers }
    if (jar?.size) sent.Cookie = [...jar].map(([key, value]) => `${key}=${value}`).join('; ')
    if (body !== undefined) sent['Content-Length'] = body.length
    hit.requests += 1
    const response = await this.#send(hit, method, target, sent, body, signal)
    this.#keepCookies(target.hostname, response.headers['set-cookie'] ?? [])
    return response
  }

  async #send(hit, method, target, headers, body, signal) {
    for (;;) {
      let request
      let count = () => {}
      try {
        return await new Promise((resolve, reject) => {
          const secure = target.protocol === 'https:'
          const agent = secure ? this.#connections.secure : this.#connections.plain
          request = (secure ? https : http).request(target, { method, headers, agent, signal }, (incoming) => {
            const parts = []
            incoming.on('data', (part) => parts.push(part))
            incoming.on('error', reject)
            incoming.on('end', () => {
              resolve(new Response(target.href, incoming.statusCode, incoming.headers, Buffer.concat(parts)))
            })
          })
          request.on('error', reject)
          // Heads and bodies, as HTTP has them (in TLS, what is encrypted).
          request.once('socket', (socket) => {
            const { bytesRead, bytesWritten } = socket
            count = () => {
              hit.bytes += socket.bytesRead - bytesRead
              hit.bytes_sent += socket.bytesWritten - bytesWritten
            }
          })
          request.end(body)
        })
      } catch (error) {
        // A server may close a connection that nobody uses; it has not seen this request then.
        const idle = request?.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        if (!idle || signal.aborted || !repeatable.has(method)) throw error
      } finally {
        count()
      }
    }
  }

  #keepCookies(host, lines) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';')
      const sign = pair.indexOf('=')
      if (sign < 1) continue
      if (!this.cookies.has(host)) this.cookies.set(host, new Map())
      const jar = this.cookies.get(host)
      const name = pair.slice(0, sign).trim()
      if (attributes.some((text) => /^\s*max-age=(0|-\d+)\s*$/i.test(text))) jar.delete(name)
      else jar.set(name, pair.slice(sign + 1).trim())
    }
  }
}

function encode(options, headers) {
  const given = Object.keys(headers).some((key) => key.toLowerCase() === 'content-type')
  if (options.json !== undefined) {
    if (!given) headers['Content-Type'] = 'application/json'
    return Buffer.from(JSON.stringify(options.json))
  }
  if (options.form !== undefined) {
    if (!given) headers['Content-Type'] = 'application/x-www-form-urlencoded'
    return Buffer.from(new URLSearchParams(options.form).toString())
  }
  return options.body === undefined ? undefined : Buffer.from(options.body)
}

function without(headers, condition) {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => !condition(key.toLowerCase())))
}

/** An error of Node's by the word that reports show. */
function translate(error, url, isLate, ending) {
  if (error instanceof RequestError) return error
  if (ending?.aborted) return new RequestError('cancelled', 'the run was told to end')
  if (isLate) return new RequestError('timeout', `${url}: timed out`)
  const kinds = {
    ENOTFOUND: 'resolve', EAI_AGAIN: 'resolve', ECONNREFUSED: 'connect', ETIMEDOUT: 'connect', EHOSTUNREACH: 'connect',
    ENETUNREACH: 'connect', ECONNRESET: 'reset', EPIPE: 'reset', ERR_INVALID_URL: 'badURL', EMFILE: 'connect',
    EADDRNOTAVAIL: 'connect',
  }
  const code = error.code ?? ''
  const kind = kinds[code] ?? (code.startsWith('HPE_') ? 'protocol' : null)
    ?? (/SSL|TLS|CERT|SELF_SIGNED|VERIFY|ISSUER/.test(code) ? 'tls' : null) ?? (code ? 'reset' : null)
  return kind ? new RequestError(kind, `${url}: ${error.message || code}`) : error
}
