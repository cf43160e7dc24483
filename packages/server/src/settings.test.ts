import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { isLoopback, readSettings } from './settings.ts'

describe('the settings', () => {
  it('are a server for this machine alone when nothing is set', () => {
    const reading = readSettings({})
    assert.ok(reading.ok)
    const { host, port, dataDir, databaseUrl, adminKey, secretKey } = reading.settings
    assert.deepEqual(
      [host, port, dataDir, databaseUrl, adminKey, secretKey],
      ['127.0.0.1', 4600, resolve('.dankai'), null, null, null],
    )
  })

  it('are taken from the environment, empty ones as not set', () => {
    const reading = readSettings({
      DANKAI_PORT: '0',
      DANKAI_HOST: '0.0.0.0',
      DATABASE_URL: 'postgresql://db/dankai',
      DANKAI_ADMIN_KEY: ' ',
      DANKAI_SECRET_KEY: 'ab'.repeat(32),
    })
    assert.ok(reading.ok)
    assert.deepEqual(
      [reading.settings.port, reading.settings.adminKey, reading.settings.secretKey?.length],
      [0, null, 32],
    )
  })

  it('are refused all at once, each by name, without repeating a secret', () => {
    const reading = readSettings({
      DANKAI_PORT: '99999',
      DANKAI_HOST: 'example.com',
      DATABASE_URL: 'mysql://root:hunter2@db',
      DANKAI_ADMIN_KEY: 'short',
      DANKAI_SECRET_KEY: 'swordfish',
      DANKAI_LOG_LEVEL: 'loud',
    })
    assert.ok(!reading.ok)
    const text = reading.problems.join('\n')
    for (const name of [
      'DANKAI_PORT',
      'DANKAI_HOST',
      'DATABASE_URL',
      'DANKAI_ADMIN_KEY',
      'DANKAI_SECRET_KEY',
      'DANKAI_LOG_LEVEL',
    ])
      assert.match(text, new RegExp(`Cannot use ${name}: found .+, expected .+`))
    assert.doesNotMatch(text, /hunter2|swordfish|short/)
  })

  it('need no key only on a loopback address', () => {
    for (const [host, expected] of [
      ['127.0.0.1', true],
      ['127.9.9.9', true],
      ['localhost', true],
      ['::1', true],
      ['0.0.0.0', false],
      ['::', false],
      ['10.0.0.1', false],
      ['127.0.0.1.example', false],
    ] as const)
      assert.equal(isLoopback(host), expected, host)
  })
})
