import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Api } from './api.ts'

test('a call that nobody answers is given up, while an import that began before it is waited for', async t => {
  const server = createServer((request, response) => {
    request.resume()
    if (request.method === 'POST') server.emit('import', response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const terminal = {
    out: () => {},
    error: () => {},
    columns: 100,
    hasColour: false,
    environment: { DANKAI_URL: url },
    workingFolder: '.',
  }
  const api = new Api(terminal, { callMs: 100, importMs: 60_000 })
  const asked = once(server, 'import')
  const imported = api.postPatiently<{ imported: string[] }>('/v1/flags/import', {})
  const [answer] = (await asked) as [ServerResponse]
  await assert.rejects(api.get('/v1/releases'), {
    exit: 3,
    message: /^Cannot reach "http:\/\/127\.0\.0\.1:\d+": found no answer in time, expected a Dankai server\./,
  })
  answer.setHeader('content-type', 'application/json').end('{"imported":["f"]}')
  assert.deepEqual(await imported, { imported: ['f'] })
})
