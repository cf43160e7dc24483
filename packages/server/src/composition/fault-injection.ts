/**
 * For tests of faults only: the process ends as by a power cut when it comes to a named instant of the engine.
 *
 *   DANKAI_FAULT="commit: after"                    at the first passage
 *   DANKAI_FAULT="commit: after:3"                  at the third
 *   DANKAI_FAULT="commit: after:1 from SIGUSR2"     at the first after the process was sent SIGUSR2
 *
 * The points are those of the engine's registry. Any other text is refused: a test that kills nobody proves nothing.
 */
import { type FaultPoint, type Faults, faultPoints, noFaults } from '@dankai/engine'

interface PlannedFault {
  readonly point: FaultPoint
  readonly passage: number
  /** Passages before the signal do not count. */
  readonly fromSignal: boolean
}

export function readFaults(text: string | undefined): Faults {
  if (text === undefined || text === '') return noFaults
  const planned = parseFault(text)
  let left = planned.passage
  let isCounting = !planned.fromSignal
  if (planned.fromSignal) process.once('SIGUSR2', () => (isCounting = true))
  return {
    at(point) {
      if (point !== planned.point || !isCounting) return
      left -= 1
      if (left === 0) process.kill(process.pid, 'SIGKILL')
    },
  }
}

function parseFault(text: string): PlannedFault {
  const [, name, passage = '1', signal] = /^(.*?)(?::(\d+))?( from SIGUSR2)?$/.exec(text) ?? []
  const point = faultPoints.find(candidate => candidate === name)
  if (point !== undefined && Number(passage) > 0)
    return { point, passage: Number(passage), fromSignal: signal !== undefined }
  throw new Error(
    `Cannot plan fault "${text}": found point "${name}", expected one of ${faultPoints.join(', ')}. Unset DANKAI_FAULT: it is for tests.`,
  )
}
