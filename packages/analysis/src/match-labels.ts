/**
 * Whether a series has all labels a filter asks for. `5xx` stands for every status from 500 to 599, and for the text
 * itself, because some sources have already grouped their statuses.
 */
export function matchLabels(
  filter: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const [name, wanted] of Object.entries(filter)) {
    const label = Object.hasOwn(labels, name) ? labels[name] : undefined
    if (label === undefined || !matchLabel(wanted, label)) return false
  }
  return true
}

const statusClass = /^[1-5]xx$/
const status = /^[1-5]\d\d$/

function matchLabel(wanted: string, label: string): boolean {
  if (label === wanted) return true
  return statusClass.test(wanted) && status.test(label) && label[0] === wanted[0]
}
