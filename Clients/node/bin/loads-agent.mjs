#!/usr/bin/env node
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Agent, log } from '../lib/agent.mjs'
import { own } from '../lib/lock.mjs'

const usage = `usage: loads-agent.mjs --master tcp://HOST:7780 [--name NAME] [--id ID] [--labels a=b,c=d] [--data DIR]
                       [--keys DIR] [--orphan-timeout SECONDS] [--files-limit MIB]

  --master   the master's control address
  --name     the name that people see; the host's by default
  --id       the stable identity; with keys it is the key's name. The name by default
  --labels   what the master may choose agents by
  --data     directory of shipped files and of results that the master does not have: an agent that was killed goes on
             with them. By default files are temporary, and results in memory
  --keys     directory of CURVE keys
  --orphan-timeout   how long runners go on while the master is away: 120
  --files-limit      shipped files kept at most for later runs, in MiB; those not used for the longest time go first: 4096`

function refuse(text) {
  process.stderr.write(`loads-agent: ${text}\n`)
  process.exit(64)
}

function options() {
  const text = { type: 'string' }
  try {
    const { values } = parseArgs({
      options: {
        master: text, name: text, id: text, labels: text, data: text, keys: text, 'orphan-timeout': text,
        'files-limit': text,
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    return refuse(`${error.message}\n${usage}`)
  }
}

const given = options()
if (given.help) {
  console.log(usage)
  process.exit(0)
}
const address = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d+)$/.exec(given.master ?? '')
if (!address) refuse(`--master ${given.master ?? ''}: not an address (try tcp://127.0.0.1:7780)\n${usage}`)
const host = address[1] ?? address[2]

const labels = {}
for (const pair of (given.labels ?? '').split(',').filter((text) => text !== '')) {
  const [key, ...rest] = pair.split('=')
  if (key === '' || rest.length === 0) refuse(`--labels ${pair}: not a label (try zone=b)`)
  labels[key] = rest.join('=')
}
const orphanTimeout = Number(given['orphan-timeout'] ?? 120)
if (!(orphanTimeout > 0)) refuse(`--orphan-timeout ${given['orphan-timeout']}: not a number of seconds`)
const filesLimit = Number(given['files-limit'] ?? 4096)
if (!(filesLimit >= 0)) refuse(`--files-limit ${given['files-limit']}: not a number of MiB`)

let mechanism
if (given.keys !== undefined) {
  try {
    const { curve } = await import('../lib/curve.mjs')
    mechanism = curve(given.keys)
  } catch (error) {
    refuse(error.message)
  }
} else if (!(host === 'localhost' || host === '::1' || host.startsWith('127.'))) {
  refuse(
    `${given.master}: beyond this machine keys are needed, since whoever is a master there may start programs here.\n` +
      "On the master's machine:  loads keys master --dir KEYS\n" +
      '                          loads keys agent NAME --dir KEYS\n' +
      'Copy the folder KEYS/NAME that the second makes to this machine, and name it with --keys.')
}

const name = given.name ?? `${os.hostname()}-node`
const identity = given.id ?? (name.replace(/[^A-Za-z0-9_.-]/g, '-').replace(/^\.+/, '').slice(0, 64) || 'node')
if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(identity)) {
  refuse(`--id ${identity}: 1 to 64 letters, digits, '-', '_' or '.', not beginning with a dot`)
}
const temporary = given.data === undefined ? fs.mkdtempSync(path.join(os.tmpdir(), 'loads-agent-')) : null
const data = path.resolve(given.data ?? temporary)
if (temporary === null) {
  try {
    own(data)
  } catch (error) {
    refuse(`--data ${given.data}: ${error.message}`)
  }
}

// For whoever started this process and waits for it.
const ready = () => console.log(`ready agent=${identity} master=${given.master}`)
const agent = new Agent({
  host, port: Number(address[3]), name, identity, labels, data, keeps: temporary === null,
  filesLimit: filesLimit * 2 ** 20, orphanTimeout, mechanism, ready,
})
agent.start()

let leaving = false
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    if (leaving) return
    leaving = true
    log(`${signal}: ending`)
    await agent.leave()
    if (temporary) fs.rmSync(temporary, { recursive: true, force: true })
    process.exit(0)
  })
}
