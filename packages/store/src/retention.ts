/** Everything kept has an end. Samples have their own table of ends, by resolution. */
const dayMs = 86_400_000

export const retention = {
  /** With their events, after their end. */
  releasesMs: 7 * 365 * dayMs,
  /** After the end of their release. */
  commandsMs: 30 * dayMs,
  flagVersionsMs: 365 * dayMs,
  /** After they were last seen. */
  sdksMs: 30 * dayMs,
} as const
