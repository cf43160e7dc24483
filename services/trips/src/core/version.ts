export type ApiVersion = 'v1.5.0' | 'v1.6.0'

export const apiVersions: readonly ApiVersion[] = ['v1.5.0', 'v1.6.0']

const VERSION_PATTERN = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+][0-9A-Za-z.+-]{1,64})?$/

/** The three numbers of a version, or null when the text is none. */
export function parseVersion(text: string): readonly [number, number, number] | null {
  const match = VERSION_PATTERN.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : null
}

/** Below 0 when `a` is the older one. Both must be versions: a malformed one is the caller's case to decide. */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a)
  const right = parseVersion(b)
  if (!left || !right) {
    throw new TypeError(
      `Cannot compare "${a}" with "${b}": expected two versions like 1.5.0. Check them with parseVersion first.`,
    )
  }
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2]
}
