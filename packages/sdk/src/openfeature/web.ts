export type { ProviderOptions } from './provider-life.ts'
export { DankaiWebProvider } from './web-provider.ts'
