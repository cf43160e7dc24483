import { z } from 'zod'
import { isDay } from '../core/day.ts'

export const day = z.string().refine(isDay, 'expected a day like 2026-01-20')

export const page = {
  limit: z.coerce.number().int().min(1).max(50).default(20),
  offset: z.coerce.number().int().min(0).max(1_000).default(0),
}

export const searchText = z.string().max(100).default('')

export const yesOrNo = z
  .enum(['true', 'false'])
  .default('false')
  .transform(text => text === 'true')
