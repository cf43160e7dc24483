/**
 * What the evidence says of one condition term at a moment. Numbers are in the metric's normalised unit
 * (fractions, milliseconds, counts).
 *
 * `met` is the answer for the whole sentence, duration included: `error_rate > 5% for 2m` is met once an unbroken run
 * of true samples spans two minutes. `holds` is the newest sample alone. `unknown` is never a pass and never a trigger.
 */
export interface Assessment {
  readonly met: 'yes' | 'no' | 'unknown'
  readonly holds: 'yes' | 'no' | 'unknown'
  readonly value: number | null
  readonly limit: number | null
  /** Samples behind `value`; null for counts and last values. */
  readonly samples: number | null
  readonly samplesNeeded: number | null
  /** Start of the unbroken true run; null while not true. */
  readonly trueSince: number | null
  /** When the sentence is met if the data goes on as it is; null when that is not in sight. */
  readonly metAt: number | null
  /** For `N times`: true samples counted so far. */
  readonly times: number | null
  /** Since when data is missing (end of the last bucket), once the gap counts as one; null otherwise. */
  readonly missingSince: number | null
  /** For a comparison with the baseline; null for absolute terms. */
  readonly verdict: Verdict | null
}

/**
 * harmful: shown worse than the plan's margin. safe: shown not worse. undecided: too few samples yet.
 * no data: nothing measured, or no baseline. invalid: the question cannot be answered (broken query, uneven split).
 */
export type Verdict = 'harmful' | 'safe' | 'undecided' | 'no data' | 'invalid'
