export type { ProviderOptions } from './provider-life.ts'
export { DankaiServerProvider } from './server-provider.ts'
