import { defineEngineLaws } from './testing/engine-laws.ts'
import { memoryBenchStore } from './testing/memory-store.ts'

defineEngineLaws('in memory', memoryBenchStore, 60)
