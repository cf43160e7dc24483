/** Freezes plain data all the way down; a release pins it, so nobody may change it by accident. */
export function freezeDeep<T>(data: T): T {
  if (typeof data !== 'object' || data === null || Object.isFrozen(data)) return data
  for (const value of Object.values(data)) freezeDeep(value)
  return Object.freeze(data)
}
