import { createHash } from 'node:crypto'

/** The sandbox of the payment gateway: every payment is authorized, and the same booking gets the same authorization. */
export async function authorizePayment({
  id,
  totalYen,
}: {
  readonly id: string
  readonly totalYen: number
}): Promise<string> {
  return `pay_${createHash('sha256').update(`${id} ${totalYen}`).digest('hex').slice(0, 16)}`
}
