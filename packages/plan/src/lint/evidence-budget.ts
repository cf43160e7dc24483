/**
 * How much a release must see before "safe" can be shown, from the measured figures of the conditional e-process
 * (one-sided, alpha 5 %, canary a tenth of the traffic): a margin of twice the odds took 11.3 expected errors on the
 * canary, one and a half times took 29.5. Between and around them the need falls as a power of the log odds, which is
 * what the two points give.
 */
const measured = [
  { odds: 2.01, errors: 11.3 },
  { odds: 1.5, errors: 29.5 },
] as const
const power =
  Math.log(measured[1].errors / measured[0].errors) / Math.log(Math.log(measured[0].odds) / Math.log(measured[1].odds))

/** Below a tenth nothing was measured; a tenth is then taken, which asks for slightly more than needed. */
const smallestShare = 0.1
const largestShare = 0.9

/** Expected errors among the canary's requests that show its odds of failing are below `odds` times the stable ones. */
export function estimateErrorsToShowSafety(odds: number, canaryShare: number): number {
  const atTenth = measured[0].errors * (Math.log(measured[0].odds) / Math.log(odds)) ** power
  const share = Math.min(Math.max(canaryShare, smallestShare), largestShare)
  return (atTenth * needPerError(odds, share)) / needPerError(odds, smallestShare)
}

/** Canary errors per unit of information: given the errors of both sides, how much one tells which odds are true. */
function needPerError(odds: number, share: number): number {
  const shifted = (odds * share) / (odds * share + 1 - share)
  const divergence = share * Math.log(share / shifted) + (1 - share) * Math.log((1 - share) / (1 - shifted))
  return share / divergence
}

/**
 * Requests on the canary for a margin in points. The base rate is not in a plan; the margin itself is taken for it, so
 * that the margin doubles the rate. A lower base needs fewer requests, a higher one more.
 */
export function estimateRequestsToShowSafety(margin: number, canaryShare: number): number {
  const odds = (2 * margin) / (1 - 2 * margin) / (margin / (1 - margin))
  return roundToTwoDigits(estimateErrorsToShowSafety(odds, canaryShare) / margin)
}

function roundToTwoDigits(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
  return Math.round(value / step) * step
}
