/** Why LaunchDarkly's own evaluation would choose other users; ends one export and is given back as a value. */
export class CannotFollow extends Error {}

/**
 * LaunchDarkly's server SDK for Node looks flags up in plain objects and takes what every object inherits
 * (`constructor`, `toString` …) for a flag it knew before. That ends the process in which it runs.
 */
export const isInherited = (key: string): boolean => key in {}

export const endsItsClients = (key: string): string =>
  `LaunchDarkly's clients break on "${key}", which every object has; give the flag another key`
