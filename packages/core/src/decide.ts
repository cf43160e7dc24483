import type { DecideInput, Decision } from './decision.ts'
import { describeStatus } from './describe-status.ts'
import { tellPeople } from './notices.ts'
import { advance } from './phase.ts'
import { followUp, goBack, workOnRunbooks } from './rollback.ts'
import { watchRules } from './rules.ts'
import { foldResults } from './steps.ts'
import { Turn } from './turn.ts'
import { watchAlerts, watchData, watchDrift } from './watch.ts'

/**
 * decide(plan, state, evidence, hands, results, now) -> events, state, wakeAt, status.
 *
 * Purpose: everything that follows from what is known now, in passes until nothing follows any more. Each pass looks at
 * data, rules, hands and alerts before it moves forward, so nothing is raised in the pass in which a rule fires.
 *
 * Invariants (laws in decide.test.ts)
 *  1. Exposure never rises while a now-rule is met, paused, halted, asked, missing data or rolling back.
 *  2. No gate is skipped; nothing unknown promotes.
 *  3. state is the fold of events; commands are inside StepStarted; desired exposure is state.exposure.
 *  4. The same input gives the same decision.
 */
export function decide(input: DecideInput): Decision {
  const turn = new Turn(input)
  foldResults(turn)
  for (let pass = 0; pass < maxPasses; pass += 1) {
    const before = turn.events.length
    turn.beginPass()
    watchData(turn)
    watchRules(turn)
    watchDrift(turn)
    watchAlerts(turn)
    advance(turn)
    goBack(turn)
    workOnRunbooks(turn)
    followUp(turn)
    tellPeople(turn, before)
    if (turn.events.length === before) return conclude(turn)
  }
  throw new Error(
    `Cannot decide "${input.plan.name}": found events without end after ${maxPasses} passes, expected rest.`,
  )
}

/** A plan of 100 phases that all pass at once needs some 500 passes; more means a part that emits for ever. */
const maxPasses = 2_000

function conclude(turn: Turn): Decision {
  // A check in a gate or a rollback waits for the evidence too.
  const asksEvidence = turn.running !== null || turn.waits.some(wait => wait.kind === 'criterion')
  if (asksEvidence) turn.wake(turn.input.evidence.nextLook())
  return { events: turn.events, state: turn.state, wakeAt: turn.wakeAt, status: describeStatus(turn) }
}
