// A web server, and a runner program with its pipes, for the tests.

import { spawn } from 'node:child_process'
import http from 'node:http'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
export const vectors = path.resolve(root, '../../Tests/LoadsWireTests/Vectors')

/** What plans come to, as Swift's tests record it. */
export const plans = path.resolve(root, '../../Tests/LoadsCoreTests/Vectors/plans.json')

/** HTTP/1.1 with keep-alive: `/`, `/slow` (never answers), `/redirect`, `/cookie`, `/gone` (404). */
export async function serve(test) {
  const seen = { connections: new Set(), requests: [], cookies: [] }
  const server = http.createServer((request, response) => {
    seen.connections.add(request.socket)
    seen.requests.push(request.url)
    seen.cookies.push(request.headers.cookie)
    if (request.url === '/slow') return
    const status = { '/redirect': 302, '/gone': 404 }[request.url] ?? 200
    const headers = { 'Content-Length': 16 }
    if (status === 302) headers.Location = '/'
    if (request.url === '/cookie') headers['Set-Cookie'] = 'id=7; Path=/'
    response.writeHead(status, headers).end('Tarek wrote this')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  seen.url = `http://127.0.0.1:${server.address().port}`
  return seen
}

/** A program as an agent starts it for the dialect `lines`. */
export class Runner {
  /** `first`: another first line than one with the plan. */
  constructor(test, code, plan, first) {
    const program = `import { run, Skip } from ${JSON.stringify(path.join(root, 'lib/index.mjs'))}\n${code}`
    this.process = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'inherit', first ? 'ignore' : 'inherit', 'pipe'], env: { ...process.env, LOADS_RESULTS_FD: '3' },
    })
    this.ended = new Promise((resolve) => this.process.on('exit', (code, signal) => resolve(code ?? signal)))
    test.after(() => this.process.kill('SIGKILL'))
    this.records = this.#read()
    this.startNs = process.hrtime.bigint()
    this.tell(first ?? { plan, run: 'r', agent: 'a', t: 0 })
  }

  tell(command) {
    this.process.stdin.write(JSON.stringify(command) + '\n')
  }

  async *#read() {
    for await (const line of readline.createInterface({ input: this.process.stdio[3] })) yield JSON.parse(line)
  }

  /** The next record for which a condition holds. */
  async next(condition) {
    for (;;) {
      const { value, done } = await this.records.next()
      if (done) throw new Error('the runner ended before')
      if (condition(value)) return value
    }
  }

  /** Everything that it still reports; then it must have ended well. */
  async rest() {
    const records = []
    for await (const record of this.records) records.push(record)
    const code = await this.ended
    if (code !== 0) throw new Error(`the runner ended with ${code}`)
    return records
  }
}
