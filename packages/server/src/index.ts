export { createServer, type DankaiServer } from './create-server.ts'
export { createLogger, type Logger } from './http/log.ts'
export { type OfflineStop, type OfflineStopRequest, stopOffline } from './offline/stop-offline.ts'
export { type LogLevel, readSettings, type Settings, type SettingsReading } from './settings.ts'
