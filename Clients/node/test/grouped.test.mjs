import assert from 'node:assert'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { BadResult, tagged } from '../lib/grouped.mjs'
import { Measure } from '../lib/measure.mjs'
import { merge } from '../lib/merge.mjs'
import { decode } from '../lib/wire.mjs'
import { vectors } from './support.mjs'

function batch(...records) {
  const measure = new Measure()
  for (const record of records) measure.take(record, 2)
  return decode(measure.batches(3).at(-1))
}

test('steps, checks and metrics are counted', () => {
  const fields = batch(
    { step: { name: 'checkout', ms: 12.5, tags: { plan: 'pro', n: 3 } } }, { step: { name: 'checkout', ms: 2, failed: true } },
    { check: { name: 'has token', passed: true } }, { check: { name: 'has token', passed: false, tags: { x: true } } },
    { metric: { name: 'orders', kind: 'counter' } }, { metric: { name: 'orders', kind: 'counter', value: 2.5 } },
    { metric: { name: 'cached', kind: 'rate', value: true } },
    { metric: { name: 'cart', kind: 'trend', value: 19.99, unit: 'EUR', tags: { a: 'b c' } } },
    { metric: { name: 'cart', kind: 'trend', value: -1 } }, { name: 'n', ms: 1, step: 'checkout' })
  assert.deepEqual(
    Object.entries(fields.steps).map(([name, step]) => [name, step.failed]), [['checkout', 1], ['checkout{n=3,plan=pro}', 0]])
  assert.deepEqual(fields.steps['checkout{n=3,plan=pro}'].duration.slice(0, 2), [12_500_000, 12_500_000])
  assert.deepEqual({ ...fields.checks['has token'] }, { passed: 1, failed: 0 })
  assert.deepEqual({ ...fields.checks['has token{x=true}'] }, { passed: 0, failed: 1 })
  assert.deepEqual([fields.metrics.orders.sum, fields.metrics.cached.sum], [3.5, 1])
  const cart = fields.metrics['cart{a="b c"}']
  assert.deepEqual([cart.unit, cart.last, cart.last_s, cart.trend[0]], ['EUR', 19.99, 2, 19_990_000])
  assert.equal(fields.metrics.cart.refused, 1)
  assert.deepEqual(Object.keys(fields.names), ['n'])
})

test('metrics of one name and different kinds are kept apart', () => {
  const { metrics } = batch(
    { metric: { name: 'm', kind: 'gauge', value: 3 } }, { metric: { name: 'm', kind: 'gauge', value: 4, unit: 's' } })
  assert.deepEqual(Object.entries(metrics).map(([name, { last }]) => [name, last]), [['m', 3], ['m (gauge, s)', 4]])
})

test('a step, check or metric that is incomplete is refused', () => {
  for (const record of [
    { step: { ms: 1 } }, { step: { name: 's' } }, { step: { name: 's', ms: 1, failed: 1 } }, { check: { name: 'c' } },
    { check: { name: 'c', passed: 'yes' } }, { check: { passed: true } }, { metric: { name: 'm', value: 1 } },
    { metric: { name: 'm', kind: 'set', value: 1 } }, { metric: { name: 'm', kind: 'gauge' } },
    { metric: { name: 'm', kind: 'rate', value: 0.5 } }, { metric: { name: 'm', kind: 'gauge', value: 1, tags: ['a'] } },
    { metric: { name: 'm', kind: 'gauge', value: 1, tags: { a: [] } } },
  ]) {
    assert.throws(() => new Measure().take(record, 0), BadResult, JSON.stringify(record))
  }
})

test('tags are quoted where they must be', () => {
  assert.equal(tagged('a', { z: '', 'k y': 'q"\\', b: 'é' }), 'a{b=é,"k y"="q\\"\\\\",z=""}')
})

test('steps, checks and metrics of two batches add up', () => {
  const data = fs.readFileSync(path.join(vectors, 'report-batch.msgpack'))
  const [merged, one] = [decode(data), decode(data)]
  merge(merged, decode(data))
  const name = 'checkout{plan=pro}'
  assert.equal(merged.steps[name].count, 2 * one.steps[name].count)
  assert.equal(merged.steps[name].duration[2], 2 * one.steps[name].duration[2])
  assert.deepEqual({ ...merged.checks['has token'] }, { passed: 10, failed: 2 })
  assert.deepEqual([merged.metrics['a gauge'].min, merged.metrics['a gauge'].sum], [-2.5, 11])
  assert.deepEqual([merged.metrics['a trend'].refused, merged.metrics['a trend'].trend[2]], [2, 25_500_000])
  const none = decode(new Measure().batches(1).at(-1))
  merge(none, decode(data))
  assert.deepEqual(Object.keys(none.metrics), Object.keys(one.metrics))
})
