import assert from 'node:assert'
import { test } from 'node:test'
import { Runner, serve } from './support.mjs'

const hits = (records) => records.filter((record) => record.name !== undefined)

function outcomes(records) {
  const counts = {}
  for (const { iteration } of records) if (iteration?.outcome) counts[iteration.outcome] = (counts[iteration.outcome] ?? 0) + 1
  return counts
}

test('each user does its iterations on a connection of its own', async (t) => {
  const server = await serve(t)
  const plan = { users: 5, iterations: 4, first_user: 34, server_url: server.url }
  const records = await new Runner(t, "await run((user) => user.get('/'))", plan).rest()
  const pairs = hits(records).map((hit) => `${hit.user}/${hit.iteration}`).sort()
  assert.deepEqual(pairs, [34, 35, 36, 37, 38].flatMap((user) => [0, 1, 2, 3].map((number) => `${user}/${number}`)))
  assert.deepEqual(outcomes(records), { ok: 20 })
  assert.equal(server.connections.size, 5)
  const hit = hits(records)[0]
  assert.deepEqual(
    [hit.name, hit.method, hit.status, hit.requests, hit.error], ['GET /', 'GET', 200, 1, null])
})

test('cycles follow one another and iterations are counted on', async (t) => {
  const plan = { cycles: [{ users: 1, iterations: 2 }, { users: 2, iterations: 1 }] }
  const records = await new Runner(t, 'await run(() => {})', plan).rest()
  const done = records.filter((record) => record.iteration?.outcome)
  assert.deepEqual(done.map(({ iteration }) => `${iteration.user}/${iteration.number}`).sort(), ['0/0', '0/1', '0/2', '1/0'])
})

test('what a scenario throws is a failure', async (t) => {
  const code = `await run(async (user) => {
    if (user.iteration === 1) throw new Skip()
    if (user.iteration === 0) throw new TypeError('zero')
  })`
  const records = await new Runner(t, code, { users: 1, iterations: 3 }).rest()
  assert.deepEqual(outcomes(records), { failed: 1, skipped: 1, ok: 1 })
  assert.equal(records.find((record) => record.failure).failure.message, 'TypeError: zero')
})

test('a redirect is one hit of two requests, and cookies last for the iteration', async (t) => {
  const server = await serve(t)
  const code = "await run(async (user) => { await user.get('/redirect'); await user.get('/cookie'); await user.get('/') })"
  const records = await new Runner(t, code, { users: 1, iterations: 2, server_url: server.url }).rest()
  assert.deepEqual(hits(records).map((hit) => hit.requests), [2, 1, 1, 2, 1, 1])
  const cookies = [undefined, undefined, undefined, 'id=7']
  assert.deepEqual(server.cookies, [...cookies, ...cookies])
})

test('a server that is not there is a hit with an error', async (t) => {
  const code = "await run((user) => user.get('http://127.0.0.1:1/'))"
  const records = await new Runner(t, code, { users: 1, iterations: 2 }).rest()
  assert.deepEqual(hits(records).map((hit) => [hit.error, hit.status]), [['connect', null], ['connect', null]])
  assert.deepEqual(outcomes(records), { failed: 2 })
})

test('bytes are those on the connection, heads included', async (t) => {
  const server = await serve(t)
  const code = `await run(async (user) => {
    await user.get('/redirect')
    await user.post('/', { json: { a: 1 }, headers: { Long: 'x'.repeat(100) } })
    await user.get('/')
  })`
  const records = await new Runner(t, code, { users: 1, iterations: 2, server_url: server.url }).rest()
  const sent = hits(records).map((hit) => hit.bytes_sent)
  const received = [...server.connections].reduce((sum, socket) => sum + socket.bytesRead, 0)
  assert.equal(sent.reduce((sum, bytes) => sum + bytes, 0), received)
  const answered = [...server.connections].reduce((sum, socket) => sum + socket.bytesWritten, 0)
  assert.equal(hits(records).reduce((sum, hit) => sum + hit.bytes, 0), answered)
  assert.deepEqual(sent.slice(0, 3), sent.slice(3), 'and the same on a connection that was used before')
  assert(sent[1] > 100 + '{"a":1}'.length)
})

test('steps, checks and metrics are written with their tags', async (t) => {
  const code = `await run(async (user) => {
    await user.step('buy', async () => {
      user.check('has token', 1)
      user.check('is rich', null, { where: 'here' })
    }, { plan: 'pro', n: 3 })
    await user.step('look', () => {})
    user.metric('orders')
    user.metric('cart', 19.9, { kind: 'trend', unit: 'EUR' })
    await user.step('break', () => { throw new Error('no') })
  })`
  const records = await new Runner(t, code, { users: 1, iterations: 1 }).rest()
  const of = (key) => records.map((record) => record[key]).filter((entry) => entry !== undefined)
  assert.deepEqual(of('step').map(({ name, failed, tags }) => [name, failed, tags]), [
    ['buy', true, { plan: 'pro', n: 3 }], ['look', false, undefined], ['break', true, undefined],
  ])
  assert(of('step').every((step) => step.ms >= 0))
  assert.deepEqual(of('check'), [
    { name: 'has token', passed: true }, { name: 'is rich', passed: false, tags: { where: 'here' } },
  ])
  assert.deepEqual(of('metric'), [
    { name: 'orders', kind: 'counter', value: 1 }, { name: 'cart', kind: 'trend', value: 19.9, unit: 'EUR' },
  ])
})

test('a status of 404 is a response', async (t) => {
  const server = await serve(t)
  const plan = { users: 1, iterations: 1, server_url: server.url }
  const records = await new Runner(t, "await run((user) => user.get('/gone'))", plan).rest()
  assert.deepEqual(hits(records).map((hit) => hit.status), [404])
  assert.deepEqual(outcomes(records), { ok: 1 })
})

test('a stop lets the running iteration end', async (t) => {
  const code = "await run(async (user) => { user.note('in'); await user.sleep(1) })"
  const runner = new Runner(t, code, { users: 1, duration_s: 600 })
  await runner.next((record) => record.note)
  runner.tell({ stop: { grace_s: 60 } })
  const rest = await runner.rest()
  // On a slow machine another one may have begun before the stop was read; of 600 s there would be hundreds.
  const begun = 1 + rest.filter((record) => record.note).length
  assert.deepEqual(outcomes(rest), { ok: begun })
  assert(begun < 60)
})

test('an abort cuts a request short', async (t) => {
  const server = await serve(t)
  const plan = { users: 2, iterations: 1000, server_url: server.url }
  const runner = new Runner(t, "await run((user) => user.get('/slow'))", plan)
  while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  runner.tell({ abort: {} })
  const records = await runner.rest()
  assert.deepEqual(outcomes(records), { interrupted: 2 })
  assert.deepEqual(hits(records).map((hit) => hit.error), ['cancelled', 'cancelled'])
})

test('the end of standard input stops', async (t) => {
  const runner = new Runner(t, 'await run((user) => user.sleep(0.01))', { users: 1, duration_s: 60 })
  await runner.next((record) => record.iteration)
  runner.process.stdin.end()
  await runner.rest()
})

test('users are added and taken away at the instant that is told', async (t) => {
  const runner = new Runner(t, 'await run((user) => user.sleep(0.01))', { users: 2, duration_s: 60 })
  await runner.next((record) => record.users === 2)
  runner.tell({ adjust: { users: 4, at_s: 0.1, first_new_user: 10 } })
  await runner.next((record) => record.users === 4)
  await runner.next((record) => record.iteration?.user === 11)
  runner.tell({ adjust: { users: 1, at_s: 0 } })
  await runner.next((record) => record.users === 1)
  runner.tell({ stop: { grace_s: 10 } })
  await runner.rest()
})

test('a scenario that never waits can be stopped', async (t) => {
  const runner = new Runner(t, 'await run(async () => {})', { users: 3, duration_s: 60 })
  await runner.next((record) => record.iteration)
  runner.tell({ stop: { grace_s: 10 } })
  await runner.rest()
})

const withSetUp = `await run((user) => { if (user.value?.token !== 'a') throw new Error('no value') }, {
  setUp: async (once) => ((await once.get('/')).ok ? { token: 'a' } : null),
  tearDown: async (once) => { await once.get('/' + once.value.token) },
})`

test('what the set-up returns is every user\'s value', async (t) => {
  const server = await serve(t)
  const told = { seed: 7, limit_s: 60, server_url: server.url }
  const set = await new Runner(t, withSetUp, null, { set_up: told }).rest()
  assert.deepEqual(set.slice(1), [{ value: { token: 'a' } }], 'behind what it knows')
  const plan = { users: 2, iterations: 1, server_url: server.url }
  assert.deepEqual(outcomes(await new Runner(t, withSetUp, null, { plan, value: { token: 'a' } }).rest()), { ok: 2 })
  await new Runner(t, withSetUp, null, { tear_down: told, value: { token: 'a' } }).rest()
  assert.deepEqual(server.requests, ['/', '/a'])
})

test('a set-up that throws ends badly', async (t) => {
  const code = "await run(() => {}, { setUp: () => { throw new Error('closed') } })"
  const runner = new Runner(t, code, null, { set_up: {} })
  await assert.rejects(runner.rest(), /ended with 1/)
})
