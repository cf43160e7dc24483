import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readIsoTimeMs } from './iso-time.ts'
import {
  printDuration,
  printNumber,
  printShare,
  readDurationMs,
  readShare,
  scaleDecimal,
  shiftDecimal,
} from './quantity.ts'

describe('quantities', () => {
  it('reads percentages as the fraction nearest to their decimal text', () => {
    assert.equal(readShare('5.01%'), 501 / 10_000)
    assert.equal(readShare('5%'), 5 / 100)
    assert.equal(readShare('0.1%'), 1 / 1000)
    assert.equal(readShare('7%'), 7 / 100)
    assert.equal(readShare('100%'), 1)
    for (const text of ['101%', '-1%', '5', '5 %', '', '%', '1e2%', '٥%']) assert.equal(readShare(text), null, text)
  })

  it('reads every percentage of two decimals as the quotient a counter gives', () => {
    for (let basisPoints = 0; basisPoints <= 10_000; basisPoints++) {
      const text = `${Math.floor(basisPoints / 100)}.${String(basisPoints % 100).padStart(2, '0')}%`
      assert.equal(readShare(text), basisPoints / 10_000, text)
    }
  })

  it('reads durations with one unit or several in falling order', () => {
    const table: readonly (readonly [string, number | null])[] = [
      ['90s', 90_000],
      ['5m', 300_000],
      ['2m30s', 150_000],
      ['25h1m', 90_060_000],
      ['4w', 2_419_200_000],
      ['0m', 0],
      ['500ms', 500],
      ['5m2h', null],
      ['1m1m', null],
      ['1.5h', null],
      ['5 m', null],
      ['m', null],
      ['-5m', null],
      ['99999999w', null],
      ['1m'.repeat(100), null],
    ]
    for (const [text, ms] of table) assert.equal(readDurationMs(text), ms, text)
  })

  it('prints a duration that reads back to itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300_000_000_000 }), ms => {
        assert.equal(readDurationMs(printDuration(ms)), ms)
      }),
    )
    assert.equal(printDuration(86_400_000), '24h')
    assert.equal(printDuration(604_800_000), '7d')
    assert.equal(printDuration(110_000), '110s')
  })

  it('shifts and scales decimals without rounding what is exact', () => {
    assert.equal(shiftDecimal('0.5', -2), 0.005)
    assert.equal(scaleDecimal('1.2', 1000), 1200)
    assert.equal(scaleDecimal('0.1', 3_600_000), 360_000)
    assert.equal(scaleDecimal('1.0001', 1000), 1000.1)
  })

  it('prints a share that reads back to itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), millionths => {
        const share = millionths / 1_000_000
        assert.equal(readShare(printShare(share)), share)
      }),
    )
    assert.equal(printNumber(0.07, 2), '7')
    assert.equal(printNumber(-0.005, 2), '-0.5')
  })

  it('reads times with an offset as everybody else does, and refuses days there are not', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_208_988_800, max: 4_102_444_800 }), seconds => {
        const text = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
        assert.equal(readIsoTimeMs(text), seconds * 1000)
      }),
    )
    assert.equal(readIsoTimeMs('2026-04-28T10:00+09:00'), Date.UTC(2026, 3, 28, 1))
    for (const text of [
      '2026-02-29T00:00Z',
      '2026-13-01T00:00Z',
      '2026-04-28T10:00',
      '2026-04-28T24:00Z',
      '2026-04-28',
    ]) {
      assert.equal(readIsoTimeMs(text), null, text)
    }
  })
})
