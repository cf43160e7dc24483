import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkPlan, parsePlanDocuments, renderProblem } from '@dankai/plan'
import { testPlans } from './test-plans.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

function readPlans(pattern: string): { readonly path: string; readonly text: string }[] {
  return globSync(pattern, { cwd: root })
    .sort()
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

describe('the plans of the documents', () => {
  it('stand side by side without a problem', () => {
    const { problems, plans } = checkPlan(parsePlanDocuments(readPlans('plans/**/*.yaml')))
    assert.deepEqual(
      problems.map(problem => renderProblem(problem, 'en')),
      [],
    )
    assert.deepEqual(
      plans.map(({ name }) => name),
      ['bookmarks', 'mamapace-push', 'mamapace-android', 'property-listing-sync', 'triptrip-android', 'triptrip-api'],
    )
  })

  for (const folder of globSync('plans/*/', { cwd: root }).sort()) {
    it(`do what their scenarios say in ${folder}`, async () => {
      const files = readPlans(join(folder, '**/*.yaml'))
      const results = await testPlans({ files })
      assert.ok(results.length > 0, 'a plan has scenarios')
      assert.deepEqual(
        results.flatMap(({ scenario, failures }) => failures.map(({ message }) => `${scenario}: ${message}`)),
        [],
      )
    })
  }
})
