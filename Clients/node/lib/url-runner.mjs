// The runner of URL targets, which the agent brings along: each iteration of a user is one request. The agent starts it as
// `node lib/url-runner.mjs FILE`; the file holds the order's options as JSON.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './runner.mjs'
import { RequestError } from './session.mjs'

/** How much of a body `--debug-requests` shows. */
const shown = 2000

/** How the agent starts it: the program and its arguments. */
export function commandFor(options, directory) {
  const file = path.join(directory, 'url.json')
  fs.writeFileSync(file, JSON.stringify(options))
  return [process.execPath, fileURLToPath(import.meta.url), file]
}

/**
 * What each user does: one request an iteration, which is ok when the hit is.
 *
 * @param options arrays of strings: `url`, `method`, `header` (`Name: value`), `body`, `name`, `debug`
 */
export function visit(options) {
  const [url] = options.url ?? []
  if (!url) throw new Error('the URL runner was started without a URL: a fault of loads')
  const method = options.method?.[0] ?? 'GET'
  const headers = {}
  for (const header of options.header ?? []) {
    const colon = header.indexOf(':')
    const [name, value] = [header.slice(0, colon).trim(), header.slice(colon + 1).trim()]
    // The same one twice is a list.
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  const request = { headers, body: options.body?.[0], name: options.name?.[0] }
  return async (user) => {
    const shows = options.debug?.length && user.iteration === 0 && user.number === user.firstUser
    try {
      const response = await user.request(method, url, request)
      user.failed = !response.ok
      if (shows) user.note(text(method, url, headers, response))
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      user.failed = true
      if (shows) user.note(`> ${method} ${url}\n! ${error.message}`)
    }
  }
}

function text(method, url, headers, response) {
  const lines = (mark, fields) => Object.entries(fields).map(([key, value]) => `${mark} ${key}: ${value}`)
  return [
    `> ${method} ${url}`, ...lines('>', headers), `< ${response.status}`, ...lines('<', response.headers), '',
    response.text.slice(0, shown),
  ].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await run(visit(JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))))
}
