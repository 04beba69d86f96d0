// What plans come to: the same in all languages, by the vectors that Swift's tests record.

import assert from 'node:assert'
import fs from 'node:fs'
import { test } from 'node:test'
import { ArrivalCursor } from '../lib/cursor.mjs'
import { SplitMix, ThinkTime } from '../lib/draws.mjs'
import { parsePlan } from '../lib/plan.mjs'
import { Roster } from '../lib/roster.mjs'
import { Schedule, Stripe } from '../lib/schedule.mjs'
import { UserTimeline } from '../lib/timeline.mjs'
import { plans } from './support.mjs'

const text = fs.readFileSync(plans, 'utf8')
const vectors = JSON.parse(text)
/** Logarithms and cosines of two libraries may differ in their last bit: times that are drawn, by so many nanoseconds. */
const tolerance = 10

test('arrivals are due when they are everywhere', () => {
  assert(vectors.schedules.length > 5)
  for (const { stages, total, length_ns, times, counts } of vectors.schedules) {
    const schedule = new Schedule(stages)
    assert.deepEqual([schedule.total, schedule.length], [total, length_ns])
    assert.deepEqual(times.map(([number]) => [number, schedule.time(number)]), times)
    assert.deepEqual(counts.map(([time]) => [time, schedule.countBefore(time)]), counts)
  }
})

test('numbers have the owners that they have everywhere', () => {
  const range = (first, count) => Array.from({ length: count }, (_, index) => first + index)
  for (const vector of vectors.stripes) {
    const stripe = new Stripe(vector.stripe)
    assert.deepEqual(range(0, 300).filter((number) => stripe.owns(number)), vector.below_300)
    assert.deepEqual(
      range(4294967290, 40).filter((number) => stripe.owns(number)), vector.from_4294967290_to_4294967329)
  }
})

test('a course of arrivals is the same, with its change', () => {
  assert(vectors.cursors.length > 5)
  for (const { arrivals, change, from_ns, heard_ns, times } of vectors.cursors) {
    const cursor = new ArrivalCursor(arrivals)
    const taken = []
    const take = (end) => {
      for (; cursor.due !== null && cursor.due < end; cursor.advance()) taken.push(cursor.due)
    }
    if (change) {
      take(heard_ns)
      cursor.change(change, from_ns)
    }
    take(Infinity)
    if (arrivals.poisson) {
      assert.equal(taken.length, times.length)
      for (const [index, time] of taken.entries()) assert(Math.abs(time - times[index]) <= tolerance, `${time}`)
    } else assert.deepEqual(taken, times)
  }
})

test('users come and go when they do everywhere', () => {
  assert(vectors.timelines.length > 5)
  for (const { user_stages, moves } of vectors.timelines) {
    const timeline = new UserTimeline(user_stages)
    const seen = [[0, timeline.count(0)]]
    for (let time = timeline.next(0); time !== null; time = timeline.next(time)) seen.push([time, timeline.count(time)])
    assert.deepEqual(seen, moves)
  }
})

test('what is drawn is the same', () => {
  assert(vectors.draws.length > 5)
  for (const { seed, numbers, think, times_ns } of vectors.draws) {
    const plain = new SplitMix(seed)
    assert.deepEqual(numbers.map(() => String(plain.next())), numbers)
    const random = new SplitMix(seed)
    const time = new ThinkTime(think.ns[0] / 1e9, think.kind === 'constant' ? undefined : think)
    for (const wanted of times_ns) assert(Math.abs(time.draw(random) * 1e9 - wanted) <= tolerance)
  }
})

test('a plan is read with all that it has', () => {
  const plan = parsePlan({
    plan: { arrivals: { stages: [] }, warm_up_s: 2, pacing_s: 0.5, think_s: 1.5, think: { kind: 'uniform', ns: [1, 2] } },
    t: 0.25, start_ns: 9,
  })
  assert.deepEqual([plan.arrivals, plan.cycles, plan.userStages], [{ stages: [] }, [], null])
  assert.deepEqual([plan.warmUp, plan.pacing, plan.startNs], [2, 0.5, 9])
  for (const think of [{ kind: 'lunar', ns: [1] }, { kind: 'normal', ns: [1] }]) {
    assert.throws(() => parsePlan({ plan: { users: 1, iterations: 1, think } }))
  }
})

test('users that are done count as the cycle\'s', () => {
  const roster = new Roster(5, 3, 0)
  assert.deepEqual(roster.adjust(5, 100), { added: [100, 101], surplus: [] })
  assert.deepEqual(roster.adjust(2, 0), { added: [], surplus: [101, 100, 7] })
  assert.deepEqual(roster.adjust(3, 50), { added: [102], surplus: [] }, 'numbers are given out once')
})
