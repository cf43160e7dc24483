/** Looks spent on one search. A bound on work, not on truth: when it is used up the search stops early, never late. */
const looksMax = 400

/**
 * The first step in 1 … `last` at which an answer may differ from the one at step 0; null when it cannot.
 *
 * `isSteady(a, b)` says for certain that the answer is the same at every step from a to b; it may say false when it is
 * not sure. Every quantity compared is monotone in the step, so it can compare the ranges between the two ends.
 */
export function firstChange(last: number, isSteady: (from: number, to: number) => boolean): number | null {
  let looks = 0
  let from = 0
  let stride = last
  while (from < last) {
    const to = Math.min(last, from + stride)
    if (++looks > looksMax) return from + 1
    if (isSteady(from, to)) {
      from = to
      stride *= 2
    } else if (to - from === 1) return to
    else stride = Math.ceil((to - from) / 2)
  }
  return null
}
