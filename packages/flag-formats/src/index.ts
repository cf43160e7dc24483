export type { FlagImport, NotCarried } from './flag-import.ts'
