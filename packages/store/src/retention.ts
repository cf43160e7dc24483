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
  /** Counts of exposures, as long as the coarsest samples. */
  exposureHoursMs: 400 * dayMs,
  /** After a user's first exposure to a flag: twice the longest experiments. */
  exposedUsersMs: 180 * dayMs,
} as const
