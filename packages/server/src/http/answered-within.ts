import { StoreError } from '@dankai/store'

/** What a call of the database becomes when nobody can wait longer; it goes on, and may still happen. */
export class LateAnswer extends StoreError {
  constructor(doing: string, ms: number) {
    super('slow', `Cannot ${doing}: found no answer of the database within ${ms} ms, expected one. Try again.`)
  }
}

export async function answeredWithin<Value>(work: Promise<Value>, ms: number, doing: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateAnswer(doing, ms)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
