/** Times and bounds of the loop. Every value can be given; the reasons for the defaults stand beside them. */
export interface EngineSettings {
  /** An instance is dead after 4 s without a beat, so that three beats in a row have to be missing. */
  readonly beatEveryMs: number
  /** Raising stops this long after the last beat that was written: one second before others may take over. */
  readonly leaseMs: number
  /** How often work that nobody announced is looked for: releases of dead owners, hands, commands. */
  readonly pollEveryMs: number
  /** How often decidedAt is written for a release that decided nothing new: what a take-over counts as covered. */
  readonly touchEveryMs: number
  /** How often the figures of a status that says the same as before are written: for people who ask other instances. */
  readonly figuresEveryMs: number
  /**
   * A wake-up time that has moved on is written this long before it passes in the store: others take a release over
   * whose owner looks two seconds late. 0 where there are no others.
   */
  readonly wakeWrittenMs: number
  /** Event time between two checkpoints of the evidence. */
  readonly checkpointEveryMs: number
  /** A release decides at least this often while it has data; a gap of three and 30 s more is lost coverage. */
  readonly decideEveryMs: number
  /** How long after its end a bucket is closed and can be decided on; the series table uses the same. */
  readonly latenessMs: number
  /** Reached hands are read again this often, to see drift. */
  readonly observeEveryMs: number
  /** A reading that did not change is written this often. */
  readonly recordEveryMs: number
  /** Time-out of one call to the store or a source of observations: a few times its worst normal answer. */
  readonly storeTimeoutMs: number
  /** Time-outs of one call to a hand. Lowering waits less: it is retried for ever, and each retry is a chance. */
  readonly raiseTimeoutMs: number
  readonly lowerTimeoutMs: number
  readonly readTimeoutMs: number
  /** Back-off of a failing call: first, and at most. */
  readonly retryFirstMs: number
  readonly retryMostMs: number
  /** A hand that was set and is not there yet is read again after this, doubling up to retryMostMs. */
  readonly settleFirstMs: number
  /** Without an answer of the database for this long, now-rules are judged in memory and may only lower. */
  readonly emergencyAfterMs: number
  /** How long stopping waits for calls that are under way; their results are recovered like those of a dead instance. */
  readonly stopWithinMs: number
  /** Concurrency per lane. */
  readonly lanes: { readonly lower: number; readonly decide: number; readonly observe: number } & CommandLanes
  /** Releases taken over in one claim: reading so many takes about a twentieth of a second, and then others have a turn. */
  readonly claimLimit: number
}

interface CommandLanes {
  readonly raise: number
  readonly notify: number
  readonly report: number
}

export const defaultSettings: EngineSettings = {
  beatEveryMs: 1_000,
  leaseMs: 3_000,
  pollEveryMs: 1_000,
  touchEveryMs: 5_000,
  figuresEveryMs: 30_000,
  wakeWrittenMs: 1_000,
  checkpointEveryMs: 60_000,
  decideEveryMs: 10_000,
  latenessMs: 5_250,
  observeEveryMs: 15_000,
  recordEveryMs: 300_000,
  storeTimeoutMs: 5_000,
  raiseTimeoutMs: 10_000,
  lowerTimeoutMs: 5_000,
  readTimeoutMs: 5_000,
  retryFirstMs: 500,
  retryMostMs: 15_000,
  settleFirstMs: 250,
  emergencyAfterMs: 10_000,
  stopWithinMs: 5_000,
  lanes: { lower: 64, decide: 16, observe: 8, raise: 8, notify: 16, report: 4 },
  claimLimit: 50,
}
