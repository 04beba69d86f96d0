// A visitor who looks at the shop and buys something.
//
// A server for it:    loads test-server --port 8080
// Once, to try it:    node checkout.mjs http://127.0.0.1:8080
// Under load:         loads -c 10 -n 10 --server-url http://127.0.0.1:8080 -- node checkout.mjs

import assert from 'node:assert'
import { run } from '../lib/index.mjs'

await run(
  async (user) => {
    const page = await user.get('/')
    assert(page.text.includes('Tarek'), 'the front page does not name its author')
    await user.sleep(0.01)
    const article = await user.get('/', { params: { article: user.number }, name: 'article' })
    article.requireSuccess()
  },
  { serverURL: 'http://127.0.0.1:8080' },
)
