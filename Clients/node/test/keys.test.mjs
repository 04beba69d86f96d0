// An agent that is told to use keys, on a machine without the cryptography.

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from './support.mjs'

/** Before the program: what is named tweetnacl is nowhere, wherever it may be installed. */
const without = `
const Module = require('node:module')
const resolve = Module._resolveFilename
Module._resolveFilename = function (name, ...rest) {
  if (!/tweetnacl/.test(name)) return resolve.call(this, name, ...rest)
  throw Object.assign(new Error('Cannot find module ' + name), { code: 'MODULE_NOT_FOUND' })
}`

test('without tweetnacl keys are refused with what to install', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'loads-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const preload = path.join(directory, 'without.cjs')
  fs.writeFileSync(preload, without)
  const agent = spawnSync(
    process.execPath,
    ['-r', preload, path.join(root, 'bin/loads-agent.mjs'), '--master', 'tcp://127.0.0.1:9', '--keys', directory],
    { encoding: 'utf8', timeout: 60_000 })
  assert.equal(agent.status, 64)
  assert.equal(agent.stdout, '')
  assert.match(agent.stderr, /^loads-agent: --keys needs tweetnacl, which is not there\. Run: apt install node-tweetnacl \(or: npm install tweetnacl\)\n$/)
})
