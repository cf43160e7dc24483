import assert from 'node:assert/strict'
import type { FlagDefinition } from '@dankai/flags'
import { type Answer, ask } from './test-server.ts'

export interface FlagPlace {
  readonly environment: string
  readonly serverKey: string
  readonly clientKey: string
  call(method: string, path: string, body?: unknown, version?: number): Promise<Answer>
  /** Makes or replaces a flag, which clients in users' hands may read unless said otherwise; answers its version. */
  setFlag(key: string, flag: Partial<FlagDefinition>, care?: { readonly client: boolean }): Promise<number>
  removeFlag(key: string): Promise<void>
}

/** An environment of its own for a test, with a key of each kind for SDKs. */
export async function openFlagPlace(url: string, environment: string): Promise<FlagPlace> {
  const keyOf = async (kind: string): Promise<string> => {
    const body = { kind, principal: 'trips', name: `${environment}-${kind}`, environment }
    return (await ask(url, 'POST', '/v1/keys', { body })).body.secret
  }
  const call = (method: string, path: string, body?: unknown, version?: number): Promise<Answer> =>
    ask(url, method, `${path}?environment=${environment}`, {
      ...(body === undefined ? {} : { body }),
      ...(version === undefined ? {} : { headers: { 'if-match': String(version) } }),
    })
  const versionOf = async (key: string): Promise<number | undefined> =>
    (await call('GET', `/v1/flags/${key}`)).body.flag?.version
  return {
    environment,
    serverKey: await keyOf('sdk-server'),
    clientKey: await keyOf('sdk-client'),
    call,
    async setFlag(key, flag, care = { client: true }) {
      const { status, body } = await call('PUT', `/v1/flags/${key}`, { flag, care }, await versionOf(key))
      assert.equal(status, 200, JSON.stringify(body))
      return body.flag.version
    },
    async removeFlag(key) {
      const { status } = await call('DELETE', `/v1/flags/${key}`, undefined, await versionOf(key))
      assert.equal(status, 204)
    },
  }
}

export const shareOf = (share: number): Pick<FlagDefinition, 'exposure'> => ({
  exposure: { share, cohorts: [], shadow: false },
})

/** A rule for whoever has this value. */
export const ruleFor = (id: string, attribute: string, value: string, variant: string): FlagDefinition['rules'][0] => ({
  id,
  when: [{ attribute, operator: 'is', values: [value], negated: false }],
  share: 1,
  by: null,
  seed: null,
  serve: { variant },
})
