import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Quantiles } from '@dankai/analysis'
import fc from 'fast-check'
import { SketchPool } from './sketch-pool.ts'

const nowhere = -1

test('every sketch of a pool reads as it was written, however many were written, replaced and forgotten around it', () => {
  const sketches = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 30 }).map(values => Quantiles.of(values))
  const deed = fc.record({ name: fc.nat({ max: 11 }), sketch: fc.option(sketches, { freq: 4 }) })
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 200, size: 'max' }), deeds => {
      const pool = new SketchPool()
      const places = Array.from({ length: 12 }, () => nowhere)
      const written = new Map<number, Quantiles>()
      const named = {
        length: places.length,
        at: (name: number) => places[name]!,
        move(name: number, place: number) {
          places[name] = place
        },
      }
      for (const { name, sketch } of deeds) {
        if (sketch !== null && places[name] !== nowhere && pool.rewrite(places[name]!, sketch)) {
          written.set(name, sketch)
          continue
        }
        if (places[name] !== nowhere) pool.release(places[name]!)
        places[name] = nowhere
        written.delete(name)
        if (sketch === null) continue
        if (!pool.hasRoomFor(sketch)) pool.makeRoom(sketch, named)
        places[name] = pool.write(sketch)
        written.set(name, sketch)
        for (const [known, expected] of written)
          assert.deepEqual(pool.read(places[known]!).toJSON(), expected.toJSON(), `sketch ${known}`)
      }
    }),
    { numRuns: 200 },
  )
})
