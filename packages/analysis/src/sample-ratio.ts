/**
 * Did the variants get the shares of users they should?
 *
 * An e-value for counts of several kinds: Lindon, Malek, "Anytime-Valid Inference for Multinomial Count Data"
 * (arXiv 2011.03567). Under the shares θ the users that came so far are compared with a mixture of all other shares, drawn
 * from a Dirichlet distribution around θ:
 *
 *   E = Γ(Σα) / Γ(Σα + n) · Π Γ(αᵢ + xᵢ) / Γ(αᵢ) / Π θᵢ^xᵢ        with αᵢ = c θᵢ
 *
 * 1. If the shares are right, E ever reaches 1/α with probability α at most, however often it is looked at.
 * 2. A variant that should have nobody and has somebody is a mismatch at once.
 */
export interface SampleRatio {
  readonly state: 'even' | 'uneven'
  /** Natural logarithm of the e-value: large ones have no number. */
  readonly logEvidence: number
  readonly logThreshold: number
}

/** As many users as the shares are worth before anybody came; with it, 51 % in place of half shows after some 45,000. */
const concentration = 1_000
/** A mismatch stops people from reading results, so a false one must be rare. */
const falseAlarms = 0.001

export function checkSampleRatio(
  parts: readonly { readonly users: number; readonly share: number }[],
  alpha = falseAlarms,
): SampleRatio {
  const logThreshold = -Math.log(alpha)
  const total = parts.reduce((sum, { share }) => sum + share, 0)
  const impossible = parts.some(({ users, share }) => users > 0 && !(share > 0))
  if (impossible) return { state: 'uneven', logEvidence: Number.POSITIVE_INFINITY, logThreshold }
  const expected = parts.filter(({ share }) => share > 0)
  const users = expected.reduce((sum, part) => sum + part.users, 0)
  let logEvidence = logGamma(concentration) - logGamma(concentration + users)
  for (const part of expected) {
    const share = part.share / total
    const weight = concentration * share
    logEvidence += logGamma(weight + part.users) - logGamma(weight) - part.users * Math.log(share)
  }
  return { state: logEvidence >= logThreshold ? 'uneven' : 'even', logEvidence, logThreshold }
}

/** Lanczos' approximation (g = 7, nine terms), relative error below 1e-13 for positive numbers. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  const sum = lanczos.slice(1).reduce((total, term, index) => total + term / (shifted + index + 1), lanczos[0]!)
  const base = shifted + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum)
}
