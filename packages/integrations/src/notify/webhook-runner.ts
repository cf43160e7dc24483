/**
 * `notify` as a JSON POST, through connections of kind "webhook".
 *
 * The body is readable by Slack (`text`) and by programs (`template`, `values`, `title`, `body`, `channel`). Every
 * address is served by the first connection, by name, that lists it: "slack:#releases", "slack:*" or "*". One address
 * that fails does not keep the others from being told; the result names those that were not.
 */
import type { ClaimedCommand, EffectRunner } from '@dankai/engine'
import { ambiguous, type ConnectionOf, type Connections, failed, type RunResult, scopeOf } from '../connection.ts'
import { callOutside, type OutsideAnswer } from '../http/outside-call.ts'
import { type MessageTemplate, type MessageText, renderTemplate, type Templates } from './template.ts'

type Webhook = ConnectionOf<'webhook'>
type Notice = Extract<ClaimedCommand['command']['effect'], { kind: 'notify' }>
/** A channel's name in its plan -> its address ("releases" -> "slack:#releases"). */
export type ChannelAddress = (releaseId: string, channel: string) => Promise<string | null>

export interface WebhookRunnerOptions {
  readonly connections: Connections
  readonly templates: Templates
  readonly addressOf: ChannelAddress
  /** Where messages to "log:NAME" go; for a machine without any webhook. */
  readonly log: (message: Readonly<Record<string, unknown>>) => void
}

export function createWebhookRunner(options: WebhookRunnerOptions): EffectRunner {
  const { connections, templates, addressOf, log } = options
  return {
    kinds: ['notify'],
    async run(claimed) {
      const { effect } = claimed.command
      if (effect.kind !== 'notify') return failed(`Cannot send a ${effect.kind} command as a message`)
      const scope = scopeOf(claimed)
      const template = await templates.find(scope, effect.template)
      if (template === null)
        return failed(`Cannot send "${effect.template}": found no template of that name, expected one. Apply it`)
      const webhooks = await connections.all(scope, 'webhook')
      const sent = await Promise.all(
        effect.to.map(async channel => {
          const address = channel.includes(':') ? channel : ((await addressOf(claimed.releaseId, channel)) ?? channel)
          if (address.startsWith('log:')) return writeToLog(log, claimed, effect, address, template)
          const webhook = chooseWebhook(address, webhooks)
          if (webhook === null) return unserved(address)
          const text = renderTemplate(template, webhook.settings.locale, effect.values)
          return text === null
            ? failed(`${address}: the template is empty`)
            : post(claimed, effect, address, webhook, text)
        }),
      )
      return together(sent)
    },
  }
}

export function chooseWebhook(address: string, webhooks: readonly Webhook[]): Webhook | null {
  const scheme = address.slice(0, address.indexOf(':') + 1)
  const serves = ({ settings: { channels } }: Webhook): boolean =>
    channels.includes(address) || channels.includes('*') || (scheme !== '' && channels.includes(scheme + '*'))
  return webhooks.toSorted((a, b) => (a.name < b.name ? -1 : 1)).find(serves) ?? null
}

const unserved = (address: string): RunResult =>
  failed(`${address}: found no connection that serves it, expected one of kind webhook`)

function writeToLog(
  log: WebhookRunnerOptions['log'],
  { releaseId }: ClaimedCommand,
  { values }: Notice,
  channel: string,
  template: MessageTemplate,
): RunResult {
  log({ releaseId, channel, template: template.name, ...renderTemplate(template, 'ja', values) })
  return { outcome: 'succeeded', detail: null, output: null }
}

async function post(
  claimed: ClaimedCommand,
  notice: Notice,
  address: string,
  webhook: Webhook,
  text: MessageText,
): Promise<RunResult> {
  const { url, authorization } = webhook.secrets
  if (url === undefined || !URL.canParse(url)) return failed(`${address}: connection "${webhook.name}" has no URL`)
  const answer = await callOutside({
    url: new URL(url),
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': claimed.id,
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: JSON.stringify({
      text: text.title === null ? text.body : `*${text.title}*\n${text.body}`,
      title: text.title,
      body: text.body,
      channel: address,
      template: notice.template,
      priority: notice.priority,
      release: claimed.releaseId,
      id: claimed.id,
      values: notice.values,
    }),
    allowPrivate: webhook.settings.allowPrivate,
    timeoutMs: Math.min(webhook.settings.timeoutMs, claimed.command.timeoutMs),
  })
  return resultOf(address, answer)
}

function resultOf(address: string, answer: OutsideAnswer): RunResult {
  if (answer.kind === 'refused') return failed(`${address}: ${answer.reason}`)
  if (answer.kind === 'unanswered') return ambiguous(`${address}: ${answer.reason}`)
  if (answer.status >= 200 && answer.status < 300) return { outcome: 'succeeded', detail: null, output: null }
  return failed(`${address}: found status ${answer.status}, expected 2xx`)
}

function together(sent: readonly RunResult[]): RunResult {
  const details = sent.flatMap(({ detail }) => (detail === null ? [] : [detail]))
  const outcome = (['failed', 'ambiguous'] as const).find(kind => sent.some(result => result.outcome === kind))
  return { outcome: outcome ?? 'succeeded', detail: details.length === 0 ? null : details.join('; '), output: null }
}
