import assert from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { BadFile, Cache, chunkBytes, Fetching, place } from '../lib/files.mjs'
import { BadResult } from '../lib/grouped.mjs'
import { bucket, Histogram } from '../lib/histogram.mjs'
import { essentials, lack, length, needs, planLine, unknown } from '../lib/lines-plan.mjs'
import { Measure, secondLimit, untilNext } from '../lib/measure.mjs'
import { counts, merge, Merger } from '../lib/merge.mjs'
import { pack, unpack } from '../lib/msgpack.mjs'
import { shown } from '../lib/session.mjs'
import { Spool } from '../lib/spool.mjs'
import { decode, frame, Frames, message, WireError } from '../lib/wire.mjs'
import { decodeMetadata, encodeFrame, encodeMetadata, greeting, NullMechanism, Parser, ProtocolError } from '../lib/zmtp.mjs'
import { vectors } from './support.mjs'

/** What was unpacked as the JSON beside a vector has it: bytes as `{"hex": …}`. */
function plain(value) {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') }
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
  }
  return value
}

test('the recorded messages are what stands beside them', () => {
  const names = fs.readdirSync(vectors).filter((name) => name.endsWith('.msgpack'))
  assert(names.length > 50)
  for (const name of names) {
    const fields = decode(fs.readFileSync(path.join(vectors, name)))
    const text = fs.readFileSync(path.join(vectors, name.replace('.msgpack', '.json')), 'utf8')
    assert.deepEqual(plain(fields), JSON.parse(text), name)
    assert.deepEqual(plain(unpack(pack(fields))), plain(fields), name)
  }
})

test('every value comes back', () => {
  const values = [
    0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -32, -33, -128, -129, -32768,
    -32769, -(2 ** 31), -(2 ** 31) - 1, 1.5, -1e300, 2n ** 63n - 1n, -(2n ** 63n), '', 'é'.repeat(20), 'x'.repeat(70000),
    null, true, false, [], Array(20).fill(1), Array(70000).fill(0), Buffer.from([1, 2]), Buffer.alloc(70000),
  ]
  for (const value of values) assert.deepEqual(unpack(pack(value)), value)
  const map = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, index]))
  assert.deepEqual({ ...unpack(pack(map)) }, map)
})

test('hostile bytes are an error', () => {
  const deep = Buffer.alloc(100_000, 0x91)
  for (const bytes of [
    Buffer.alloc(0), Buffer.from([0xc1]), Buffer.from([0xdd, 255, 255, 255, 255]), deep, Buffer.from([1]),
    message('x').subarray(0, -1), Buffer.concat([message('x'), Buffer.from([0])]), pack({ v: 2, type: 'x' }),
    Buffer.from([0xc6, 127, 255, 255, 255, 0]),
  ]) {
    assert.throws(() => decode(bytes), WireError)
  }
  assert.throws(() => new Frames().feed(Buffer.from([0x7f, 255, 255, 255])), WireError)
})

test('frames of a pipe come whole however they are cut', () => {
  const bytes = Buffer.concat(['one', '', 'three'].map((text) => frame(Buffer.from(text))))
  for (let size = 1; size <= bytes.length; size += 1) {
    const frames = new Frames()
    const got = []
    for (let at = 0; at < bytes.length; at += size) got.push(...frames.feed(bytes.subarray(at, at + size)))
    assert.deepEqual(got.map(String), ['one', '', 'three'])
  }
})

test('buckets are those of the protocol', () => {
  const cases = [[0, 0], [2047, 2047], [2048, 2048], [2049, 2048], [4096, 3072], [1_000_000, (9 << 10) + (1_000_000 >> 9)]]
  for (const [value, index] of cases) assert.equal(bucket(value), index, value)
  for (let power = 12; power < 53; power += 1) {
    assert.equal(bucket(2 ** power), (power - 10 + 1) * 1024, `2^${power}`)
    assert.equal(bucket(2 ** power - 1), (power - 10 + 1) * 1024 - 1, `2^${power} - 1`)
  }
})

test('a packed histogram comes back', () => {
  const histogram = new Histogram()
  for (const value of [900, 1_500_000, 1_500_001, 2_000_000_000, 0]) histogram.record(value)
  const back = Histogram.unpacked(histogram.packed())
  assert.deepEqual([back.min, back.max, back.sum, back.count], [0, 2_000_000_000, 2_003_000_901, 5])
  assert.deepEqual(back.buckets, histogram.buckets)
  assert.equal(new Histogram().packed(), null)
})

const hit = {
  t: 0.5, user: 3, iteration: 1, name: 'GET /', method: 'GET', url: 'http://h/', status: 200, ms: 1.5, bytes: 10,
  bytes_sent: 2, requests: 2, error: null,
}

/** The last batch until then. */
const last = (measure, now) => decode(measure.batches(now).at(-1))

test('single hits are bounded by their texts, and the rest is counted', () => {
  // As while a spool is full: no batch is cut for long.
  const measure = new Measure({ rawHits: true })
  for (let number = 0; number < 300; number += 1) {
    const url = `http://h/${number}/${'u'.repeat(50_000)}`
    measure.take({ url, name: 'n'.repeat(5_000), ms: 1, error: 'e'.repeat(5_000) }, 0.5)
  }
  const packed = measure.batches(0.95)
  assert(packed.reduce((sum, { length }) => sum + length, 0) < 5 << 20)
  const batch = decode(packed.at(-1))
  assert.equal(batch.names['n'.repeat(1000)].count, 300)
  const hits = batch.hits.t.length
  assert(hits > 100)
  assert.equal(hits + batch.health.dropped_hits, 300)
  assert(batch.hits.strings.every((string) => Buffer.byteLength(string) <= 32 << 10))
  // The next batch has room again.
  measure.take({ url: 'http://h/', name: 'n', ms: 1 }, 1.5)
  assert.equal(decode(measure.batches(1.9).at(-1)).hits.t.length, 1)
})

test('hits are counted by name and status', () => {
  const measure = new Measure({ rawHits: true })
  measure.take(hit, 0.9)
  measure.take({ ...hit, status: 404 }, 0.9)
  measure.take({ ...hit, status: null, error: 'connect', t: 0.25 }, 0.9)
  measure.take({ iteration: { user: 3, number: 1, outcome: 'failed', ms: 4 } }, 0.9)
  measure.take({ failure: { at: 'a.mjs:3', message: 'no' } }, 0.9)
  measure.take({ users: 7 }, 0.9)
  assert.equal(measure.take({ note: 'hello' }, 0.9), 'hello')
  const batch = last(measure, 0.95)
  const name = batch.names['GET /']
  assert.deepEqual([name.count, name.failed, name.requests, name.bytes_received, name.bytes_sent], [3, 2, 6, 30, 6])
  assert.deepEqual(name.status, [200, 1, 404, 1])
  assert.equal(batch.errors.connect.count, 1)
  assert.equal(batch.failures['a.mjs:3'].sample, 'no')
  assert.deepEqual({ ...batch.iterations }, { started: 1, ok: 0, failed: 1, skipped: 0, interrupted: 0 })
  assert.deepEqual([batch.users, batch.from_s, batch.to_s], [7, 0, 0.95])
  assert.deepEqual(batch.hits.strings, ['GET /', 'GET', 'http://h/', 'connect'])
  assert.deepEqual([batch.hits.error, batch.hits.status], [[null, null, 3], [200, 404, null]])
  assert.equal(Object.keys(last(measure, 2).names).length, 0, 'a batch begins anew')
})

test('arrivals and both times of iterations are counted', () => {
  const measure = new Measure()
  measure.take({ arrivals: { planned: 5, started: 2, dropped: 1, lag_ms: [0.5, 2] } }, 0.9)
  measure.take({ arrivals: { started: 1, cancelled: 2, lag_ms: [1.25] } }, 0.9)
  measure.take({ iteration: { outcome: 'ok', ms: 4, response_ms: 7.5 } }, 0.9)
  measure.take({ iteration: { outcome: 'interrupted', ms: 100, response_ms: 200 } }, 0.9)
  const batch = last(measure, 1)
  assert.deepEqual(batch.arrivals, { planned: 5, started: 3, dropped: 1, cancelled: 2 })
  assert.deepEqual(batch.schedule_lag.slice(0, 3), [500_000, 2_000_000, 3_750_000])
  assert.deepEqual(batch.service.slice(0, 3), [4_000_000, 100_000_000, 104_000_000])
  assert.deepEqual(batch.response.slice(0, 3), [7_500_000, 200_000_000, 207_500_000])
  assert.deepEqual([batch.iterations.interrupted, batch.iterations.cut_off], [1, 1])
  const next = last(measure, 3)
  for (const key of ['arrivals', 'response', 'schedule_lag', 'warm_up']) assert(!(key in next), key)
})

test('what a stop interrupts has no times, and what it cancels is counted by itself', () => {
  const measure = new Measure({ rawHits: true })
  const cancelled = { name: 'a', ms: 5, t: 0.1, error: 'cancelled' }
  measure.take(cancelled, 0.5)
  measure.isStopped = true
  measure.take(cancelled, 0.6)
  measure.take({ ...cancelled, error: { kind: 'cancelled' }, warm_up: true }, 0.6)
  measure.take({ ...cancelled, error: 'reset' }, 0.6)
  measure.take({ iteration: { outcome: 'interrupted', ms: 100, response_ms: 200 } }, 0.7)
  const batch = last(measure, 1)
  const name = batch.names.a
  assert.deepEqual([name.count, name.cancelled, name.failed, name.requests], [2, 1, 2, 2])
  assert.equal(Histogram.unpacked(name.latency).count, 2)
  const errors = Object.entries(batch.errors).map(([kind, { count }]) => [kind, count])
  assert.deepEqual(Object.fromEntries(errors), { cancelled: 1, reset: 1 })
  const apart = batch.warm_up
  assert.deepEqual([apart.names.a.count, apart.names.a.cancelled, Object.keys(apart.errors)], [0, 1, []])
  assert.deepEqual([batch.iterations.interrupted, 'cut_off' in batch.iterations, batch.service], [1, false, null])
  assert.deepEqual([batch.hits.t.length, measure.totals, counts(batch)], [4, [1, 4], [1, 1, 4]])
})

test('no batch reaches over a second, and what comes late is in its own', () => {
  const measure = new Measure({ rawHits: true })
  const cut = (now, isLast) => measure.batches(now, {}, isLast).map(decode).map((batch) => [
    batch.from_s, batch.to_s, Object.values(batch.names).reduce((sum, { count }) => sum + count, 0), batch.hits?.t.length ?? 0,
  ])
  assert.deepEqual(cut(0.9), [[0, 0.9, 0, 0]])
  // One ended before the end of the second, one on it, one just behind it; and one's clock is wrong.
  for (const t of [0.5, 0.75, 0.76, 50]) measure.take({ name: 'a', t, ms: 250 }, 1.02)
  assert.deepEqual(cut(1.05), [[0.9, 1, 1, 1], [1, 1.05, 3, 3]])
  measure.take({ name: 'a', t: 0.5, ms: 1, error: 'reset' }, 1.1)
  measure.take({ step: { name: 's', ms: 1 } }, 1.1)
  const [late, present] = measure.batches(1.2, { cpu: 0.5 }).map(decode)
  assert.deepEqual([late.from_s, late.to_s, present.from_s, present.to_s], [0, 1, 1.05, 1.2])
  assert.deepEqual([Object.keys(late.names), late.errors.reset.last_s, 'steps' in late], [['a'], 0.501, false])
  assert.deepEqual([Object.keys(present.names), Object.keys(present.steps)], [[], ['s']])
  assert.deepEqual([late.health.cpu_s, present.health.cpu_s], [0, 0.5])
  measure.take({ name: 'a', ms: 1 }, 4)
  assert.deepEqual(cut(3.5), [[1.2, 2, 0, 0], [2, 3, 0, 0], [3, 3.5, 0, 0]], 'a later second stays')
  assert.deepEqual(cut(3.5, true), [[3.5, 3.5, 0, 0], [4, 4, 1, 1]])
  assert.deepEqual(cut(3.5), [[3.5, 3.5, 0, 0]], 'no batch goes back')
  assert.deepEqual(cut(5), [[3.5, 4, 0, 0], [4, 5, 0, 0]])
  for (let t = 0; t < secondLimit + 10; t += 1) measure.take({ name: 'a', t, ms: 0 }, 1000)
  assert.deepEqual(cut(1000).map(([, , count]) => count).filter((count) => count > 0), [...Array(secondLimit - 1).fill(1), 11])
})

test('batches end with the seconds', () => {
  for (const [now, interval, next] of [
    [0, 0.1, 0.1], [0.3, 0.1, 0.4], [0.9001, 0.1, 1], [0.6, 0.4, 0.8], [0.85, 0.4, 1], [7.1, 1, 8], [0.9995, 0.1, 1.1],
  ]) assert(Math.abs(now + untilNext(now, interval) / 1000 - next) < 0.001, `${now}, ${interval}`)
})

test('a warm-up is counted apart', () => {
  const measure = new Measure({ maxNames: 1, rawHits: true })
  for (const more of [{ warm_up: true }, {}, { warm_up: true }]) {
    measure.take({ name: 'a', ms: 1, ...more }, 0.9)
    measure.take({ iteration: { ms: 2, failure: { at: 'x', message: 'y' } }, ...more }, 0.9)
    measure.take({ arrivals: { planned: 1, started: 1, lag_ms: [1] }, ...more }, 0.9)
    measure.take({ step: { name: 's', ms: 1 }, ...more }, 0.9)
  }
  measure.take({ check: { name: 'c', passed: true }, warm_up: true }, 0.9)
  measure.take({ name: 'b', ms: 1, warm_up: true }, 0.9)
  const batch = last(measure, 1)
  const apart = batch.warm_up
  for (const count of [
    (part) => part.names.a.count, (part) => part.iterations.ok, (part) => part.arrivals.planned,
    (part) => part.steps.s.count, (part) => part.failures.x.count,
  ]) assert.deepEqual([count(batch), count(apart)], [1, 2])
  assert.deepEqual([apart.checks.c, apart.names['(other)'].count], [{ passed: 1, failed: 0 }, 1])
  assert.equal(batch.hits.t.length, 4, 'whoever watches sees them all')
  assert.deepEqual([measure.totals, batch.health.overflowed_names], [[3, 4], 1])
  assert(!('warm_up' in last(measure, 3)))
})

test('a hit may say very little', () => {
  const measure = new Measure({ rawHits: true })
  measure.take({ url: 'http://h/a?b', ms: 500, phases: { wait: 400, other: 1 } }, 2)
  measure.take({ name: 'b', error: { kind: 'dns', message: 'no such host' } }, 2)
  const batch = last(measure, 3)
  assert.deepEqual(Object.keys(batch.names), ['GET /a', 'b'])
  assert.deepEqual(batch.hits.t, [1.5, 2])
  assert.deepEqual(batch.names['GET /a'].phases[5].slice(0, 2), [400_000_000, 400_000_000])
  assert.equal(batch.errors.dns.sample, 'no such host')
})

test('further names are counted together', () => {
  const measure = new Measure({ maxNames: 2 })
  for (const name of 'abcdd') measure.take({ name, ms: 1 }, 0)
  const batch = last(measure, 1)
  const counts = Object.entries(batch.names).map(([name, entry]) => [name, entry.count])
  assert.deepEqual(Object.fromEntries(counts), { a: 1, b: 1, '(other)': 3 })
  assert.equal(batch.health.overflowed_names, 2)
})

test('what is no result is refused', () => {
  for (const record of [
    {}, null, [], { name: 'a', ms: -1 }, { name: 'a', ms: 'x' }, { name: 'a', ms: 1, status: 1000 }, { name: 'a' }, { ms: 1 },
    { name: 'a', ms: 1, t: Infinity }, { name: 'a', ms: 1, t: NaN }, { name: 'a', ms: 1, t: '1' },
    { iteration: { outcome: 'good' } }, { users: -1 }, { failure: 3 },
  ]) {
    assert.throws(() => new Measure().take(record, 0), BadResult, JSON.stringify(record))
  }
})

const batchBytes = fs.readFileSync(path.join(vectors, 'report-batch.msgpack'))

test('two batches add up', () => {
  const merged = decode(batchBytes)
  merge(merged, decode(batchBytes))
  const one = decode(batchBytes)
  const [name, once] = [merged.names['GET /'], one.names['GET /']]
  assert.deepEqual([name.count, name.failed], [2 * once.count, 2 * once.failed])
  assert.deepEqual(name.status, once.status.map((number, place) => number * (1 + (place % 2))))
  const [histogram, alone] = [Histogram.unpacked(name.latency), Histogram.unpacked(once.latency)]
  assert.deepEqual([histogram.count, histogram.sum, histogram.max], [2 * alone.count, 2 * alone.sum, alone.max])
  assert.equal(merged.iterations.started, 2 * one.iterations.started)
  assert.equal(merged.health.cpu_s, one.health.cpu_s)
  assert.equal(merged.health.dropped_hits, 2 * one.health.dropped_hits)
  assert.deepEqual(merged.hits.strings, one.hits.strings)
  assert.deepEqual(merged.hits.error, [...one.hits.error, ...one.hits.error])
})

test('what only some plans have adds up as well', () => {
  const one = decode(batchBytes)
  const { v, type, from_s: from, to_s: to, hits, ...statistics } = decode(batchBytes)
  const some = () => structuredClone({
    arrivals: { planned: 5, started: 3, dropped: 1 }, response: one.service, schedule_lag: one.service, warm_up: statistics,
  })
  const merged = decode(batchBytes)
  merge(merged, { ...decode(batchBytes), ...some() })
  assert.deepEqual(merged.arrivals, some().arrivals)
  merge(merged, { ...decode(batchBytes), ...some() })
  assert.deepEqual(merged.arrivals, { planned: 10, started: 6, dropped: 2 })
  assert.equal(merged.response[2], 2 * one.service[2])
  assert.equal(merged.warm_up.names['GET /'].count, 2 * one.names['GET /'].count)
  assert.deepEqual(counts(merged), counts(one).map((own) => 5 * own))
})

test('what a Swift runner counts besides adds up as well', () => {
  const scenarios = () => decode(fs.readFileSync(path.join(vectors, 'report-batch-scenarios.msgpack')))
  const batch = () => {
    const fields = scenarios()
    Object.assign(fields.iterations, { interrupted: 2, cut_off: 1 })
    fields.names.a = {
      count: 0, cancelled: 3, failed: 0, requests: 0, bytes_sent: 0, bytes_received: 0, latency: null,
      phases: Array(7).fill(null), status: [],
    }
    fields.health.held_ns = 5
    const histogram = fields.scenarios['Shop/buys'].service
    return { ...fields, unscheduled: histogram, user_wait: histogram }
  }
  const { scenarios: _, ...plainFields } = scenarios()
  for (const [merged, times] of [[batch(), 2], [plainFields, 1]]) {
    // What one of them does not have is not lost either.
    merge(merged, batch())
    const histogram = batch().user_wait
    assert.equal(merged.iterations.cut_off, times)
    assert.deepEqual([merged.names.a.cancelled, merged.health.held_ns], [3 * times, 5 * times])
    for (const key of ['unscheduled', 'user_wait']) {
      assert.deepEqual(merged[key].slice(0, 3), [histogram[0], histogram[1], histogram[2] * times])
    }
    const { 'Shop/buys': buys, 'Shop/looks': looks } = merged.scenarios
    assert.deepEqual([buys.iterations.ok, buys.arrivals.planned], [3 * times, 8 * times])
    assert.deepEqual([buys.service[2], buys.response[2]], [3_500_000 * times, 4_500_000 * times])
    assert.deepEqual([looks.iterations.skipped, looks.service], [times, null])
  }
  assert.deepEqual(counts(batch()), [7, 2, 3])
  const merger = new Merger()
  const { v, type, ...fields } = batch()
  const bytes = message(type, fields)
  const take = (now) => merger.take(bytes, decode(bytes), now, 1)
  assert.deepEqual([take(1), take(1.1)], [[bytes], []], 'it can be added')
})

test('batches of two seconds stay two, and what is late hurries nobody', () => {
  const { v, type, ...fields } = decode(batchBytes)
  const merger = new Merger()
  const out = []
  const take = (from, to, now) => {
    const bytes = message(type, { ...fields, from_s: from, to_s: to })
    out.push(...merger.take(bytes, decode(bytes), now, 1))
  }
  for (let tenth = 0; tenth < 30; tenth += 1) {
    take(tenth / 10, (tenth + 1) / 10, 7 + tenth / 10)
    if (tenth === 14) take(0, 1, 7 + tenth / 10)
  }
  out.push(...merger.flush(10))
  const spans = out.map(decode).map(({ from_s: from, to_s: to }) => [from, to])
  assert.deepEqual(spans, [[0, 0.1], [0.1, 1], [0, 1], [1, 2], [2, 3]])
})

test('a batch waits until the interval is over', () => {
  const merger = new Merger()
  const take = (now) => merger.take(batchBytes, decode(batchBytes), now, 1)
  assert.deepEqual(take(10), [batchBytes], 'unchanged, since nothing was added to it')
  assert.deepEqual(take(10.1), [])
  assert.deepEqual(take(10.2), [])
  assert.deepEqual(take(11).map((batch) => decode(batch).names['GET /'].count), [9])
  assert.deepEqual(take(11.1), [])
  // What cannot be added is not, and overtakes nothing.
  const { v, type, ...fields } = decode(batchBytes)
  const other = message('batch', { ...fields, something_new: 1 })
  assert.deepEqual(merger.take(other, decode(other), 11.15, 1), [batchBytes, other])
  assert.deepEqual(take(11.17), [])
  assert.deepEqual(merger.flush(11.2), [batchBytes])
  assert.deepEqual(merger.flush(11.3), [])
})

function filled(count, options) {
  const spool = new Spool(options)
  for (let number = 1; number <= count; number += 1) spool.add('r', number, Buffer.alloc(10))
  return spool
}

function sent(spool, now = 0) {
  const numbers = []
  for (let entry = spool.next(now); entry; entry = spool.next(now)) numbers.push(entry.sequence)
  return numbers
}

test('no more than the window is in flight', () => {
  const spool = filled(10, { window: 4 })
  assert.deepEqual(sent(spool), [1, 2, 3, 4])
  spool.acknowledge('r', 2, 1)
  assert.deepEqual(sent(spool), [5, 6])
  assert.deepEqual(sent(filled(10, { windowBytes: 25 })), [1, 2])
  assert.deepEqual(sent(filled(2, { windowBytes: 5 })), [1], 'a message larger than the window still goes')
})

test('what is not acknowledged goes again, what is does not', () => {
  const spool = filled(3)
  sent(spool)
  spool.rewind()
  spool.acknowledge('r', 1, 1)
  assert.deepEqual(sent(spool, 10), [2, 3])
  assert.equal(spool.overdue(14), false)
  assert.equal(spool.overdue(15), true)
  assert.deepEqual(sent(spool, 15), [2, 3])
  assert.equal(spool.overdue(24), false, 'the patience doubles')
  assert.equal(spool.overdue(25), true)
  sent(spool, 25)
  spool.acknowledge('r', 2, 26)
  assert.equal(spool.overdue(31), true, 'an acknowledgement brings it back')
  spool.acknowledge('r', 3, 32)
  assert.deepEqual([spool.length, spool.bytes, spool.overdue(1000)], [0, 0, false])
})

test('runs do not touch each other', () => {
  const spool = filled(2)
  spool.add('s', 1, Buffer.alloc(0))
  spool.acknowledge('r', 5, 0)
  assert.equal(spool.next(0).run, 's')
})

function cache(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'loads-test-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const folder = path.join(directory, 'cache')
  return { folder, cache: new Cache(folder), run: path.join(directory, 'run') }
}

const content = randomBytes(chunkBytes * 5 + 7)
/** Another first byte, whatever that was. */
const damaged = Buffer.concat([Buffer.from([content[0] ^ 1]), content.subarray(1)])
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const file = { path: 'a/b.bin', executable: true, bytes: content.length, hash: sha256(content) }

function serve(fetching, bytes) {
  const asked = []
  for (let request = fetching.request(); request; request = fetching.request()) {
    asked.push(request.bytes)
    const last = request.offset + request.bytes
    for (let offset = request.offset; offset < last; offset += chunkBytes) {
      fetching.take(request.hash, offset, bytes.subarray(offset, Math.min(offset + chunkBytes, last)))
    }
  }
  return asked
}

test('a file comes in chunks and is known the next time', (t) => {
  const places = cache(t)
  const empty = { path: 'empty', executable: false, bytes: 0, hash: sha256('') }
  const fetching = new Fetching(places.cache, [file, empty])
  assert.equal(fetching.missingBytes, content.length)
  assert.deepEqual(serve(fetching, content), [4 * chunkBytes, chunkBytes + 7])
  place(places.cache, [file, empty], places.run)
  assert(fs.readFileSync(path.join(places.run, 'a/b.bin')).equals(content))
  fs.accessSync(path.join(places.run, 'a/b.bin'), fs.constants.X_OK)
  assert.equal(fs.statSync(path.join(places.run, 'empty')).size, 0)
  assert(new Fetching(places.cache, [file, empty]).isDone)
  assert.throws(() => place(places.cache, [{ ...file, path: '../x' }], places.run), BadFile)
})

test('a damaged file is fetched once more, then refused, and not kept', (t) => {
  const places = cache(t)
  const fetching = new Fetching(places.cache, [file])
  assert.throws(() => serve(fetching, damaged), BadFile)
  assert.deepEqual(fs.readdirSync(places.folder), [])
  const other = new Fetching(places.cache, [file])
  let first = true
  for (let request = other.request(); request; request = other.request()) {
    const last = request.offset + request.bytes
    for (let offset = request.offset; offset < last; offset += chunkBytes) {
      other.take(request.hash, offset, (first ? damaged : content).subarray(offset, Math.min(offset + chunkBytes, last)))
    }
    if (last === content.length) first = false
  }
  assert(other.isDone)
})

test('what is not the file does not count as there', async (t) => {
  const places = cache(t)
  serve(new Fetching(places.cache, [file]), content)
  assert.deepEqual(places.cache.unchecked([file]), [])
  for (const other of [Buffer.alloc(0), Buffer.from('short'), damaged]) {
    fs.writeFileSync(places.cache.path(file.hash), other)
    // Another process, after a power cut.
    const later = new Cache(places.folder)
    for (const hash of later.unchecked([file])) await later.check(hash)
    const fetching = new Fetching(later, [file])
    assert.equal(fetching.missingBytes, content.length)
    serve(fetching, content)
    const again = new Cache(places.folder)
    assert.deepEqual(again.unchecked([file]), [file.hash])
    await again.check(file.hash)
    assert(new Fetching(again, [file]).isDone)
  }
})

test('what was not used for long makes room', (t) => {
  const { folder } = cache(t)
  const small = new Cache(folder, 250)
  const files = [0, 1, 2, 3].map((number) => {
    const bytes = Buffer.alloc(100, number)
    const one = { path: 'a', executable: false, bytes: 100, hash: sha256(bytes) }
    serve(new Fetching(small, [one]), bytes)
    fs.utimesSync(small.path(one.hash), number, number)
    return one
  })
  // It is used once more.
  assert(small.has(files[0]))
  small.makeRoom(0, new Set([files[1].hash]))
  assert.deepEqual(new Set(fs.readdirSync(folder)), new Set([files[0].hash, files[1].hash]))
  // Needed, though it is older.
  small.makeRoom(1000, new Set([files[1].hash]))
  assert.deepEqual(fs.readdirSync(folder), [files[1].hash])
})

test('ZMTP comes whole however it is cut', () => {
  const bytes = Buffer.concat([
    greeting('NULL'), encodeFrame(new NullMechanism('DEALER').begin()[0], { isCommand: true }),
    encodeFrame(Buffer.from('short')), encodeFrame(Buffer.alloc(300, 7), { hasMore: true }),
  ])
  for (const size of [1, 2, 7, 64, bytes.length]) {
    const parser = new Parser(1000)
    const got = []
    for (let at = 0; at < bytes.length; at += size) got.push(...parser.feed(bytes.subarray(at, at + size)))
    assert.equal(got[0].greeting.mechanism, 'NULL')
    assert.deepEqual(got.slice(1).map((part) => [part.body.length, part.isCommand, part.hasMore]), [
      [got[1].body.length, true, false], [5, false, false], [300, false, true],
    ])
    const mechanism = new NullMechanism('DEALER')
    mechanism.handshake(got[1].body)
    assert(mechanism.isReady)
  }
  assert.deepEqual(decodeMetadata(encodeMetadata({ A: '', 'Socket-Type': 'PUSH' })), { A: '', 'Socket-Type': 'PUSH' })
})

test('what is no ZMTP is an error', () => {
  const long = Buffer.from([2, 0, 0, 1, 0, 0, 0, 0, 0])
  const hello = greeting('NULL')
  for (const bytes of [
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), Buffer.concat([hello, long]), Buffer.concat([hello, Buffer.from([9, 0])]),
  ]) {
    assert.throws(() => new Parser(1000).feed(bytes), ProtocolError)
  }
})

test('a password is not shown', () => {
  for (const [url, text] of [
    ['http://u:p@a.test/x', 'http://u:***@a.test/x'], ['https://u:p:q@r@a.test', 'https://u:***@a.test'],
  ]) assert.equal(shown(url), text)
  for (const url of ['http://u@a.test:80/x:y@z', 'http://a.test/?b:c@d', '/x:y@z']) assert.equal(shown(url), url)
})

test('what no program knows is named with what to do', () => {
  const cycles = [{ users: 2, iterations: 3 }]
  for (const plan of [{ cycles, pacing_ns: 1 }, { arrivals: {} }, { user_stages: {} }]) {
    assert.equal(unknown({ plan, phase: 'run', options: { url: ['https://h/'] } }), null)
  }
  for (const [order, words] of [
    [{ plan: { mix: [] } }, 'a mix of scenarios'], [{ plan: { tides: [] } }, 'a model'],
    [{ plan: { cycles }, phase: 'wake' }, 'wake'], [{ plan: { cycles }, scenarios: ['a', 'b'] }, 'several URLs'],
    [{ plan: { cycles }, options: { insecure: ['1'] } }, '--insecure:'], [{ plan: { cycles }, options: { ca: ['PEM'] } }, '--ca:'],
  ]) {
    const problem = unknown(order)
    assert(problem.includes(words) && problem.includes('--label'), problem)
  }
})

test('what a program must know is named', () => {
  const cycles = [{ users: 2, iterations: 3 }]
  assert.deepEqual(needs({ cycles, think_ns: 10, pacing_ns: 0, seed: 4 }), [])
  for (const [plan, names] of [
    [{ arrivals: {} }, ['arrivals']], [{ user_stages: {}, warm_up_ns: 1n }, ['user_stages', 'warm_up']],
    [{ cycles, pacing_ns: 1 }, ['pacing']], [{ cycles, think: { kind: 'uniform', ns: [1, 2] } }, ['think']],
  ]) assert.deepEqual(needs(plan), names)
  const words = lack(['arrivals', 'warm_up'], 'node shop.mjs', ['pacing'])
  assert(words.startsWith('--rate and --warm-up: node shop.mjs does not know it (it has said that it knows pacing)'), words)
  assert(words.includes('{"knows":["arrivals", "warm_up"]}'))
  assert(lack(['arrivals'], 'x', null).includes('nothing of what it knows'))
})

test('other models are told as they are', () => {
  const arrivals = {
    stages: [{ duration_ns: 0, rate_uph: 36 }, { duration_ns: 1_500_000_000, rate_uph: 36 }], max_users: 5, queue: 7,
    stripe: [0, 99],
  }
  const plan = { arrivals, warm_up_ns: 500_000_000, grace_ns: 1_000_000_000, first_user: 3 }
  const line = planLine(plan, { run: 'r1', agent: 'a1' }, 0.5, 77n, false)
  assert.deepEqual([line.plan.arrivals, line.plan.warm_up_s, line.start_ns], [arrivals, 0.5, 77])
  for (const key of ['users', 'cycles', 'iterations']) assert(!(key in line.plan), key)
  assert.equal(length(plan), 1.5)
  const variables = essentials(plan, { run: 'r1', agent: 'a1' })
  assert.deepEqual(
    [variables.LOADS_TOTAL_USERS, variables.LOADS_DURATION, variables.LOADS_NEEDS], ['5', '1.5', 'arrivals,warm_up'])
  const stages = { user_stages: { stages: [{ duration_ns: 10 ** 9, users: 8 }], stripe: [0, 2 ** 31] } }
  assert.equal(essentials(stages, { run: 'r1', agent: 'a1' }).LOADS_TOTAL_USERS, '5')
  // What is beyond 2^53 comes as a BigInt.
  const big = { ...arrivals, stages: [{ duration_ns: 2n ** 54n, rate_uph: 2n ** 55n }] }
  assert.deepEqual(
    JSON.parse(JSON.stringify(planLine({ arrivals: big }, {}, 0, 0n, false))).plan.arrivals.stages,
    [{ duration_ns: 2 ** 54, rate_uph: 2 ** 55 }])
})

test('the seed, the part and the value of the set-up are passed on', () => {
  const cycles = [{ users: 2, iterations: 3 }]
  const names = { run: 'r1', agent: 'a1' }
  const told = planLine({ cycles, seed: 7, part: { index: 1, count: 3 } }, names, 0.5, 77n, false, Buffer.from('{"token": 1}'))
  assert.deepEqual([told.plan.seed, told.plan.part, told.value], [7, { index: 1, count: 3 }, { token: 1 }])
  const plain = planLine({ cycles }, names, 0.5, 77n, false)
  assert.deepEqual([plain.plan.seed, plain.plan.part, 'value' in plain], [0, { index: 0, count: 1 }, false])
})
