// A runner's load models, as programs. Nothing here depends on how fast a machine is.

import assert from 'node:assert'
import { test } from 'node:test'
import { Runner } from './support.mjs'

const second = 10 ** 9

function rate(perSecond, seconds, more = {}) {
  const stages = [0, Math.round(seconds * second)].map((duration) => ({
    duration_ns: duration, rate_uph: perSecond * 3_600_000_000,
  }))
  return { stages, max_users: 50, queue: 1000, ...more }
}

/** What the arrivals of all lines come to, and their lags. */
function sums(records, isWarmUp = false) {
  const lines = records.filter((record) => record.arrivals && (record.warm_up ?? false) === isWarmUp)
  const counts = ['planned', 'started', 'dropped'].map((key) => lines.reduce((sum, line) => sum + line.arrivals[key], 0))
  const cancelled = lines.reduce((sum, line) => sum + (line.arrivals.cancelled ?? 0), 0)
  return { counts, cancelled, lags: lines.flatMap((line) => line.arrivals.lag_ms) }
}

const iterations = (records) => records.map(({ iteration }) => iteration).filter((iteration) => iteration?.outcome)

test('it says what it knows before it has a plan', async (t) => {
  const runner = new Runner(t, 'await run(() => {})', { users: 1, iterations: 1 })
  const { value } = await runner.records.next()
  assert.deepEqual(value, { knows: ['arrivals', 'user_stages', 'pacing', 'think', 'warm_up'] })
  await runner.rest()
})

test('every arrival becomes an iteration', async (t) => {
  const plan = { arrivals: rate(200, 0.5), first_user: 70 }
  const records = await new Runner(t, 'await run((user) => user.sleep(0.003))', plan).rest()
  const { counts, lags } = sums(records)
  const done = iterations(records)
  assert.deepEqual([counts, lags.length, done.length], [[100, 100, 0], 100, 100])
  assert(done.every((iteration) => iteration.response_ms >= iteration.ms && iteration.ms >= 2))
  assert(done.every((iteration) => iteration.user >= 70 && iteration.user < 120))
  assert.equal(new Set(done.map(({ user, number }) => `${user}/${number}`)).size, 100)
})

test('time 0 is the instant that the agent names', async (t) => {
  const plan = { arrivals: rate(100, 0.5) }
  const start_ns = Number(process.hrtime.bigint()) - 300_000_000
  const { counts, lags } = sums(await new Runner(t, 'await run(() => {})', null, { plan, t: 0, start_ns }).rest())
  assert.deepEqual(counts, [50, 50, 0])
  assert(Math.max(...lags) >= 300, 'the first were due before the program began')
})

test('stripes add up to the plan', async (t) => {
  const third = Math.floor(2 ** 32 / 3)
  const parts = [[0, third], [third, 2 * third], [2 * third, 2 ** 32]]
  const runners = parts.map((stripe) => new Runner(t, 'await run(() => {})', { arrivals: rate(100, 1, { stripe }) }))
  const started = (await Promise.all(runners.map((runner) => runner.rest()))).map((records) => sums(records).counts[1])
  assert.equal(started.reduce((sum, count) => sum + count), 100)
  assert(started.every((count) => count >= 32 && count <= 35), started)
})

test('busy users make arrivals wait, and then drop them', async (t) => {
  // All arrivals are due before the users' first iterations end, and handed out even where the machine stands still.
  const plan = { arrivals: rate(1000, 0.1, { max_users: 4, queue: 10 }), grace_s: 60 }
  const code = 'await run(async (user) => { if (user.iteration === 0) await user.sleep(5) })'
  const records = await new Runner(t, code, plan).rest()
  const { counts, lags } = sums(records)
  const done = iterations(records)
  assert.deepEqual([counts, done.length], [[100, 14, 86], 14])
  const waited = done.filter(({ number }) => number > 0)
  assert.equal(waited.length, 10)
  // Their waiting is in the response, and not the generator's lag.
  assert(waited.every((iteration) => iteration.response_ms > iteration.ms + 4500))
  assert(lags.sort((a, b) => a - b)[7] < 4500)
})

test('Poisson arrivals are drawn from their seed', async (t) => {
  const planned = async (seed) => {
    const plan = { arrivals: rate(500, 0.5, { poisson: true, seed }) }
    const { counts } = sums(await new Runner(t, 'await run(() => {})', plan).rest())
    assert.equal(counts[0], counts[1] + counts[2])
    return counts[0]
  }
  const [one, again, other] = [await planned(1), await planned(1), await planned(2)]
  assert.equal(one, again)
  // 250 on average, with a standard deviation of 16.
  assert(one > 150 && one < 350 && other > 150 && other < 350 && one !== other, `${one} ${other}`)
})

test('a warm-up goes by when an iteration was due', async (t) => {
  const plan = { arrivals: rate(200, 0.5), warm_up_s: 0.2 }
  const records = await new Runner(t, "await run((user) => user.check('in', true))", plan).rest()
  assert.deepEqual([sums(records, true).counts, sums(records).counts], [[40, 40, 0], [60, 60, 0]])
  for (const key of ['iteration', 'check']) {
    assert.equal(records.filter((record) => record[key] && record.warm_up).length, 40)
  }
})

test('a changed rate counts from its time', async (t) => {
  // It is heard of long before that.
  const runner = new Runner(t, 'await run(() => {})', { arrivals: rate(100, 3.6), first_user: 5 })
  const changed = rate(100, 3, { max_users: 60 })
  changed.stages.push(...rate(1000, 0.6).stages)
  runner.tell({
    adjust: { users: 50, first_new_user: 900, at_s: 3, change: { from_ns: 3 * second, arrivals: changed } },
  })
  const records = await runner.rest()
  assert.deepEqual(sums(records).counts, [900, 900, 0])
  assert(iterations(records).every(({ user }) => (user >= 5 && user < 55) || user >= 900))
})

test('a stop cancels what waits and ends the rest', async (t) => {
  const plan = { arrivals: rate(500, 600, { max_users: 2, queue: 100_000 }), grace_s: 60 }
  const runner = new Runner(t, 'await run((user) => user.sleep(0.05))', plan)
  const records = []
  await runner.next((record) => {
    records.push(record)
    return sums(records).counts[0] > 20 && iterations(records).length > 0
  })
  runner.tell({ stop: { grace_s: 60 } })
  records.push(...(await runner.rest()))
  const { counts: [planned, started, dropped], cancelled } = sums(records)
  assert.deepEqual([planned, dropped], [started + cancelled, 0])
  assert(cancelled > 0)
  assert(iterations(records).every(({ outcome }) => outcome === 'ok'))
})

test('the grace ends what is still there', async (t) => {
  const plan = { arrivals: rate(100, 0.1, { max_users: 2 }), grace_s: 4 }
  const records = await new Runner(t, 'await run((user) => user.sleep(1000))', plan).rest()
  assert.deepEqual([sums(records).counts, sums(records).cancelled], [[10, 2, 8], 0], 'nobody has stopped it')
  assert.deepEqual(iterations(records).map(({ outcome }) => outcome), ['interrupted', 'interrupted'])
})

test('users come and go by stages', async (t) => {
  const stages = [[0, 6], [2 * second, 6], [0, 2], [3 * second, 2]].map(([duration_ns, users]) => ({ duration_ns, users }))
  const plan = { user_stages: { stages, stripe: [0, 2 ** 31] }, first_user: 10 }
  const records = await new Runner(t, 'await run((user) => user.sleep(0.01))', plan).rest()
  // Of the first six the stripe owns 0, 2, 4 and 5; of the first two the 0.
  assert.deepEqual([...new Set(iterations(records).map(({ user }) => user))].sort(), [10, 12, 14, 15])
  const shown = records.map(({ users }) => users).filter((users) => users !== undefined)
  assert.deepEqual([Math.max(...shown), shown.at(-1)], [4, 0])
  const last = (own) => Math.max(...iterations(records).filter(({ user }) => user === own).map(({ number }) => number))
  assert(last(10) > Math.max(last(12), last(14), last(15)), 'the lowest stays')
})

test('changed stages count from their time', async (t) => {
  const stages = [{ duration_ns: 0, users: 2 }, { duration_ns: 60 * second, users: 2 }]
  const runner = new Runner(t, 'await run((user) => user.sleep(0.01))', { user_stages: { stages } })
  await runner.next((record) => record.users === 2)
  const at = Number(process.hrtime.bigint() - runner.startNs) + second / 5
  const changed = [
    stages[0], { duration_ns: at, users: 2 }, { duration_ns: 0, users: 5 }, { duration_ns: 60 * second - at, users: 5 },
  ]
  runner.tell({
    adjust: {
      users: 5, first_new_user: 9, at_s: at / 1e9, change: { from_ns: at, user_stages: { stages: changed } },
    },
  })
  await runner.next((record) => record.users === 5)
  runner.tell({ stop: { grace_s: 10 } })
  assert(iterations(await runner.rest()).every(({ user }) => user < 5))
})

test('pacing and think time keep iterations apart', async (t) => {
  for (const more of [{ pacing_s: 0.2 }, { think: { kind: 'uniform', ns: [second / 5, second / 4] } }]) {
    const code = "await run(async (user) => user.note(String(process.hrtime.bigint())))"
    const runner = new Runner(t, code, { users: 1, iterations: 4, ...more })
    const notes = (await runner.rest()).filter(({ note }) => note).map(({ note }) => Number(BigInt(note) - runner.startNs))
    assert.equal(notes.length, 4)
    // From the start on, not from one to the next: a note may come long after the start of its iteration. Timers of Node.js
    // count in milliseconds.
    for (const [number, note] of notes.entries()) assert(note >= number * (second / 5 - 2e6), `${notes}`)
  }
})

test('a warm-up of users goes by the start', async (t) => {
  const plan = { users: 2, duration_s: 5, warm_up_s: 2 }
  const records = await new Runner(t, 'await run((user) => user.sleep(0.01))', plan).rest()
  const marks = records.filter(({ iteration }) => iteration).map((record) => record.warm_up ?? false)
  assert(marks.includes(true) && marks.includes(false))
  assert(iterations(records).every((iteration) => iteration.response_ms === undefined))
})

test('a duration lasts although nobody is left', async (t) => {
  const runner = new Runner(t, 'await run((user) => user.sleep(0.01))', { users: 1, duration_s: 60 })
  await runner.next((record) => record.iteration)
  runner.tell({ adjust: { users: 0, at_s: 0, first_new_user: 1 } })
  await runner.next((record) => record.users === 0)
  runner.tell({ adjust: { users: 1, at_s: 0, first_new_user: 7 } })
  const { iteration } = await runner.next((record) => record.iteration)
  assert.equal(iteration.user, 7)
  runner.tell({ stop: { grace_s: 10 } })
  await runner.rest()
})
