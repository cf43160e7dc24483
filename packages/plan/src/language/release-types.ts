/**
 * Release types of the documents. A release has one; it is also a label, so `when: not hotfix` can be written without
 * declaring it. A plan may name others in `types` of its strategies.
 */
export const releaseTypes = [
  'regular',
  'hotfix',
  'security',
  'config',
  'infrastructure',
  'major',
  'minor',
  'patch',
] as const
