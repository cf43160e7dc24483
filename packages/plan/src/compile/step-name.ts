import type { Action } from '../compiled-plan.ts'
import { printDuration, printShare } from '../quantity.ts'

/** What a step is called when its author gives it no name. */
export function nameAction(action: Action): string {
  switch (action.verb) {
    case 'run':
      return action.command
    case 'sql':
      return action.text
    case 'http':
      return `${action.method} ${action.url}`
    case 'expose':
      return `expose ${printShare(action.share)}`
    case 'flags':
      return `flags ${action.set ?? Object.keys(action.values).join(', ')}`
    case 'notify':
      return `notify ${action.template}`
    case 'confirm':
      return action.sentence
    case 'check':
      return `check ${action.conditions.map(({ text }) => text).join(', ')}`
    case 'approve':
      return `approve ${action.role}`
    case 'checklist':
      return `checklist ${action.checklist}`
    case 'needs':
    case 'halt':
      return `${action.verb} ${action.plan}`
    case 'wait':
      return `wait ${printDuration(action.ms)}`
    case 'do':
      return action.steps.map(({ name }) => name).join(', ')
  }
}
