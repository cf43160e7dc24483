import type { Step } from '../compiled-plan.ts'
import { quote } from '../problem.ts'
import type { PlanChange } from './plan-difference.ts'
import { change, differ } from './plan-difference.ts'

/** Steps by name: one more asks for more, any other difference may ask for less. */
export function compareSteps(path: string, before: readonly Step[], after: readonly Step[]): readonly PlanChange[] {
  const changes = before.flatMap(was => {
    const is = after.find(({ name }) => name === was.name)
    if (!is) return [describe(path, 'loosens', was.name, 'is removed', 'がなくなります')]
    return differ(was, is) ? [describe(path, 'loosens', was.name, 'changes', 'が変わります')] : []
  })
  const added = after.filter(({ name }) => !before.some(was => was.name === name))
  const kept = (steps: readonly Step[], others: readonly Step[]) =>
    steps.map(({ name }) => name).filter(name => others.some(other => other.name === name))
  const moved = differ(kept(before, after), kept(after, before))
  return [
    ...changes,
    ...added.map(step => describe(path, 'tightens', step.name, 'is added', 'が加わります')),
    ...(moved
      ? [change(path, 'loosens', false, `${path}: the steps change their order`, `${path}: 手順の順序が変わります`)]
      : []),
  ]
}

function describe(path: string, direction: 'tightens' | 'loosens', name: string, en: string, ja: string): PlanChange {
  return change(path, direction, false, `${path}: step ${quote(name)} ${en}`, `${path}: 手順 ${quote(name)} ${ja}`)
}
