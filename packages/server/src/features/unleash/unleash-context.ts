/**
 * An Unleash context as ours: the user is the targeting key, or the session where nobody is signed in; properties are
 * attributes, and texts as Unleash compares them.
 */
import type { EvaluationContext } from '@dankai/flags'
import { fieldsOf } from '../../http/fields.ts'

const ownFields = ['userId', 'sessionId', 'appName', 'environment', 'remoteAddress', 'currentTime'] as const

export function contextOfBody(given: unknown, nowMs: number): EvaluationContext {
  const fields = fieldsOf(given)
  const context: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(fieldsOf(fields['properties']))) take(context, name, value)
  for (const name of ownFields) take(context, name, fields[name])
  return withKey(context, nowMs)
}

/** `?userId=…&properties[plan]=…` */
export function contextOfQuery(query: URLSearchParams, nowMs: number): EvaluationContext {
  const context: Record<string, string> = Object.create(null)
  for (const [name, value] of query) {
    const property = /^properties\[(.+)\]$/.exec(name)?.[1]
    if (property !== undefined) take(context, property, value)
  }
  for (const name of ownFields) take(context, name, query.get(name) ?? undefined)
  return withKey(context, nowMs)
}

function take(context: Record<string, string>, name: string, value: unknown): void {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    context[name] = String(value)
}

function withKey(context: Record<string, string>, nowMs: number): EvaluationContext {
  const key = context['userId'] || context['sessionId']
  const currentTime = context['currentTime'] ?? new Date(nowMs).toISOString()
  return { ...context, currentTime, ...(key === undefined || key === '' ? {} : { targetingKey: key }) }
}
