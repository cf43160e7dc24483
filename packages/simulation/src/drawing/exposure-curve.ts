import { newestAt, type Trace } from '../trace.ts'
import type { TimeAxis } from './time-axis.ts'

const eighths = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** Rows of the curve: five show 1% and 50% apart and still leave the screen to the phases. */
export const curveRows = 5

/**
 * Highest share of users in each column, as rows from the top. A column that saw somebody exposed is never empty,
 * however small the share: 1% of the users is not nobody.
 */
export function drawExposure(trace: Trace, axis: TimeAxis): readonly string[] {
  const levels = Array.from({ length: axis.columns }, (_, column) => levelIn(trace, axis, column))
  return Array.from({ length: curveRows }, (_, row) =>
    levels.map(level => eighths[Math.max(0, Math.min(8, level - (curveRows - 1 - row) * 8))] || ' ').join(''),
  )
}

function levelIn(trace: Trace, axis: TimeAxis, column: number): number {
  const share = highestShare(trace, axis, column)
  return share === 0 ? 0 : Math.max(1, Math.round(share * curveRows * 8))
}

function highestShare(trace: Trace, axis: TimeAxis, column: number): number {
  const { from, to } = axis.spanOf(column)
  const before = newestAt(trace.exposures, from)
  const within = trace.exposures.filter(sample => sample.at > from && sample.at < to)
  return [...(before ? [before] : []), ...within].reduce((most, { exposure }) => Math.max(most, shareOf(exposure)), 0)
}

/** Named groups have no share of all users; some level is drawn for them, because somebody has the change. */
export function shareOf(exposure: Trace['exposures'][number]['exposure']): number {
  const groups = exposure.cohorts.reduce((most, cohort) => Math.max(most, cohort.share < 1 ? cohort.share : 0.01), 0)
  return Math.max(exposure.share, groups)
}
