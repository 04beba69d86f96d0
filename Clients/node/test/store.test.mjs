import { crc32, tableCRC32 } from '../lib/crc32.mjs'
import assert from 'node:assert'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { own } from '../lib/lock.mjs'
import { Spool } from '../lib/spool.mjs'
import { readCounters, Store } from '../lib/store.mjs'
import { message } from '../lib/wire.mjs'

const epoch = '00000000000000ab'
const result = (number, content = { report: Buffer.alloc(20, 120) }) =>
  message('result', { run: 'r', agent: 'a', epoch, seq: number, ...content })

function folder(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'loads-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  return directory
}

/** A store that has what a killed agent left, and what it complained of. */
function filled(t, count, segmentBytes) {
  const directory = path.join(folder(t), 'spool')
  const troubles = []
  const open = () => new Store(directory, (text) => troubles.push(text), segmentBytes)
  const store = open()
  store.begin('r', epoch)
  const spool = new Spool({ store })
  for (let number = 1; number <= count; number += 1) {
    spool.add('r', number, result(number), [number, number - 1, 10 * number])
  }
  const segments = () => fs.readdirSync(path.join(directory, 'r')).filter((name) => name.endsWith('.seg')).sort()
  return { directory, troubles, open, store, spool, segments }
}

test('what was not acknowledged is there after a restart', (t) => {
  const { open } = filled(t, 3)
  const store = open()
  const { epoch: found, runs: [run] } = store.recover()
  assert.deepEqual([found, run.run, run.first, run.counts, run.hasEnded], [epoch, 'r', 1, [3, 2, 30], false])
  const spool = new Spool({ store })
  run.places.forEach((place, index) => spool.recover('r', run.first + index, place))
  const sent = []
  for (let entry = spool.next(0); entry; entry = spool.next(0)) sent.push(spool.read(entry))
  assert.deepEqual(sent, [result(1), result(2), result(3)], 'byte for byte')
  store.append('r', result(4, { ended: { state: 'finished' } }), 4, [0, 0, 0])
  const again = open().recover().runs[0]
  assert.deepEqual([again.places.length, again.hasEnded], [4, true])
})

test('whole files go when they are acknowledged', (t) => {
  const { open, spool, segments, directory } = filled(t, 10, 300)
  assert(segments().length > 3)
  spool.acknowledge('r', 9, 0)
  const [run] = open().recover().runs
  assert.equal(run.first + run.places.length - 1, 10)
  assert(run.first > 6)
  spool.acknowledge('r', 10, 0)
  assert.deepEqual(segments(), ['0000000000000000010.seg'], 'empty, and knows its number')
  assert.equal(open().recover().runs[0].first, 11)
  spool.forget('r')
  assert.equal(open().recover(), null)
  assert.deepEqual(fs.readdirSync(directory), [], 'the epoch is forgotten')
})

test('a run may have any name, also that of a file of the store', (t) => {
  const directory = path.join(folder(t), 'spool')
  const store = new Store(directory, assert.fail)
  for (const run of ['epoch', 'epoch.new', 'counters']) {
    store.begin(run, epoch)
    assert(store.append(run, result(1), 1, [0, 0, 0]))
  }
  const { epoch: found, runs } = new Store(directory, assert.fail).recover()
  assert.deepEqual([found, runs.map((run) => run.run).sort()], [epoch, ['counters', 'epoch', 'epoch.new']])
})

test('what is torn or damaged is cut off', (t) => {
  const { open, segments, directory } = filled(t, 3)
  const file = path.join(directory, 'r', segments()[0])
  const whole = fs.readFileSync(file)
  for (const size of [1, 30, 60]) {
    fs.writeFileSync(file, whole.subarray(0, -size))
    assert.equal(open().recover().runs[0].places.length, 2)
  }
  whole[whole.length - 1] ^= 1
  fs.writeFileSync(file, whole)
  assert.equal(open().recover().runs[0].places.length, 2)
})

test('behind a hole nothing is recovered, nor of another epoch', (t) => {
  const { open, segments, directory } = filled(t, 10, 300)
  const names = segments()
  fs.rmSync(path.join(directory, 'r', names[1]))
  const [run] = open().recover().runs
  assert.deepEqual([run.first, run.places.length], [1, parseInt(names[1], 10)])
  assert.deepEqual(segments(), names.slice(0, 1))
  fs.writeFileSync(path.join(directory, '.epoch'), '00000000000000cd')
  assert.equal(open().recover(), null)
})

test("a number beyond the disk's begins a new file", (t) => {
  const { open } = filled(t, 3)
  const store = open()
  store.recover()
  store.append('r', result(8), 8, [0, 0, 0])
  const [run] = open().recover().runs
  assert.deepEqual([run.first, run.places.length], [8, 1])
})

test('what the counters know and no result holds is missing', (t) => {
  const { open, directory } = filled(t, 2)
  const bytes = Buffer.alloc(128)
  for (const slot of [0, 64]) [3n, 2n, 15n].forEach((count, place) => bytes.writeBigUInt64LE(count, slot + 8 * place))
  fs.writeFileSync(path.join(directory, 'r', 'counters'), bytes)
  assert.deepEqual(readCounters(path.join(directory, 'r', 'counters')), [6, 4, 30])
  assert.deepEqual(open().recover().runs[0].unreported, [4, 3, 10])
})

test('a full disk is said, and memory goes on', (t) => {
  const { open, store, spool, troubles, directory } = filled(t, 2, 200)
  // The next file cannot be made where there is a folder of its name.
  fs.mkdirSync(path.join(directory, 'r', '0000000000000000002.seg'))
  spool.add('r', 3, result(3))
  assert.match(troubles[0], /kept in memory only/)
  assert.equal(store.isWorking, false)
  const entries = [1, 2, 3].map(() => spool.next(0))
  assert.deepEqual(entries.map((entry) => spool.read(entry)), [result(1), result(2), result(3)])
  assert.equal(open().recover(), null, 'what has holes is not gone on with')
})

test("beyond the memory's limit results are on disk only", (t) => {
  const { store } = filled(t, 0)
  const spool = new Spool({ limit: 100, diskLimit: 200, store })
  const add = (number) => spool.add('r', number, Buffer.alloc(40, number))
  for (let number = 1; number <= 4; number += 1) add(number)
  assert.equal(spool.full, false)
  add(5)
  assert.equal(spool.full, true)
  const entries = [1, 2, 3, 4, 5].map(() => spool.next(0))
  assert.deepEqual(entries.map((entry) => entry.bytes === null), [false, false, true, true, true])
  assert.deepEqual(entries.map((entry) => spool.read(entry)[0]), [1, 2, 3, 4, 5])
  spool.acknowledge('r', 5, 0)
  assert.deepEqual([spool.length, spool.bytes, spool.full], [0, 0, false])
})

test("a directory is one living agent's alone", (t) => {
  const directory = folder(t)
  fs.mkdirSync(path.join(directory, 'runs'))
  own(directory)
  assert.deepEqual(fs.readdirSync(directory), ['lock'], 'runs of an agent that was killed are gone')
  assert.throws(() => own(directory), /another agent/)
  // A number that is another process's by now: it began at another time.
  fs.writeFileSync(path.join(directory, 'lock'), `${process.pid} 1\n`)
  own(directory)
})

test('the CRC-32 of older Node is the same', () => {
  const bytes = Buffer.from('123456789')
  assert.equal(tableCRC32(bytes), 0xcbf43926)
  assert.equal(tableCRC32(bytes.subarray(4), tableCRC32(bytes.subarray(0, 4))), 0xcbf43926)
  assert.equal(crc32(bytes), 0xcbf43926)
})
