export { Api } from './api.ts'
export { main } from './main.ts'
export type { Terminal } from './terminal.ts'
