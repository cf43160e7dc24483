// The least that the same framework can do: read the JSON of a request and answer with JSON that is made already.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'

const answers: Record<string, unknown> = JSON.parse(process.argv[2] ?? '{}')
const app = new Hono()
for (const [path, answer] of Object.entries(answers)) {
  app.post(path, async c => {
    await c.req.json()
    return c.json(answer as object)
  })
}
const server = createAdaptorServer({ fetch: app.fetch }) as Server
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
