import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConnectionOf } from '../connection.ts'
import { claimedCommand, connectionsOf, patienceMs } from '../testing/claimed-command.ts'
import { type LocalReceiver, startLocalReceiver } from '../testing/local-receiver.ts'
import { type MessageTemplate, renderTemplate } from './template.ts'
import { createWebhookRunner } from './webhook-runner.ts'

let receiver: LocalReceiver
before(async () => {
  receiver = await startLocalReceiver(({ url }, response) => {
    if (url === '/broken') response.writeHead(500).end()
    else response.end('ok')
  })
})
after(() => receiver.close())

const template: MessageTemplate = {
  name: 'rolling-back',
  ja: { title: null, body: '{{ plan }} を戻しています: {{reason}}' },
  en: { title: 'AUTO ROLLBACK INITIATED', body: 'Deployment: {{ plan }}\nReason: {{ reason }} {{ unknown }}' },
}

function webhook(
  name: string,
  channels: readonly string[],
  path: string,
  locale: 'ja' | 'en' = 'en',
): ConnectionOf<'webhook'> {
  const settings = { channels, locale, allowPrivate: true, timeoutMs: patienceMs }
  return { name, kind: 'webhook', settings, secrets: { url: receiver.url + path, authorization: 'Bearer s3cret' } }
}

function notify(to: readonly string[], webhooks: readonly ConnectionOf<'webhook'>[], name = 'rolling-back') {
  const logged: object[] = []
  const runner = createWebhookRunner({
    connections: connectionsOf(...webhooks),
    templates: { find: async (_, wanted) => (wanted === template.name ? template : null) },
    addressOf: async (_, channel) => ({ incidents: 'slack:#incidents', machine: 'log:here' })[channel] ?? null,
    log: message => logged.push(message),
  })
  const values = { plan: 'trips', reason: '{{ plan }} <b>' }
  const effect = { kind: 'notify', template: name, to, priority: 'high', values } as const
  receiver.received.length = 0
  return { logged, result: runner.run(claimedCommand(effect)) }
}

describe('a message to people', () => {
  it('is a JSON body that Slack and programs both read', async () => {
    const result = await notify(['incidents'], [webhook('slack', ['slack:*'], '/hook')]).result
    assert.equal(result.outcome, 'succeeded')
    const [{ body, headers }] = receiver.received as [(typeof receiver.received)[0]]
    assert.equal(headers.authorization, 'Bearer s3cret')
    assert.deepEqual(
      [JSON.parse(body).text, JSON.parse(body).channel, JSON.parse(body).priority],
      [
        '*AUTO ROLLBACK INITIATED*\nDeployment: trips\nReason: {{ plan }} <b> {{ unknown }}',
        'slack:#incidents',
        'high',
      ],
    )
  })

  it('goes in the language of its webhook, by the first one that serves the address', async () => {
    const webhooks = [webhook('b', ['*'], '/all'), webhook('a', ['slack:#incidents'], '/own', 'ja')]
    await notify(['incidents', 'email:team@example.com'], webhooks).result
    const told = receiver.received.map(({ url, body }) => [url, JSON.parse(body).body.split('\n')[0]])
    assert.deepEqual(told.sort(), [
      ['/all', 'Deployment: trips'],
      ['/own', 'trips を戻しています: {{ plan }} <b>'],
    ])
  })

  it('tells the others although one cannot be told, and names that one', async () => {
    const webhooks = [webhook('slack', ['slack:*'], '/hook'), webhook('mail', ['email:*'], '/broken')]
    const result = await notify(['incidents', 'email:x', 'pagerduty:y'], webhooks).result
    assert.equal(result.outcome, 'failed')
    assert.match(result.detail ?? '', /email:x: found status 500.*pagerduty:y: found no connection that serves it/s)
    assert.equal(receiver.received.length, 2)
  })

  it('is written to the log of a machine that has no webhook', async () => {
    const { logged, result } = notify(['machine'], [])
    assert.equal((await result).outcome, 'succeeded')
    assert.equal((logged[0] as { body: string }).body, 'trips を戻しています: {{ plan }} <b>')
  })

  it('fails by name without its template', async () => {
    assert.match(
      (await notify(['machine'], [], 'unknown').result).detail ?? '',
      /Cannot send "unknown": found no template/,
    )
  })

  it('takes the other language where one is missing, and no value from a prototype', () => {
    const one: MessageTemplate = { name: 'x', ja: { title: null, body: '{{ constructor }}{{ __proto__ }}' }, en: null }
    assert.equal(renderTemplate(one, 'en', {})?.body, '{{ constructor }}{{ __proto__ }}')
    assert.equal(renderTemplate({ ...one, ja: null }, 'en', {}), null)
  })
})
