// Unleash's own server, as its documentation starts it: `node serve.cjs DATABASE_URL`, prints its port.
process.env.NODE_ENV = 'production'
// Its limits for one client would end the measurement.
process.env.SDK_API_RATE_LIMIT_PER_MINUTE = '100000000'
process.env.TOKEN_AUTHENTICATION_RATE_LIMIT_PER_MINUTE = '100000000'
process.env.INIT_ADMIN_API_TOKENS = '*:*.bench-admin'
process.env.INIT_FRONTEND_API_TOKENS = 'default:development.bench-frontend'
const { start } = require('unleash-server')

start({
  databaseUrl: process.argv[2],
  db: { ssl: false, pool: { min: 1, max: 4 } },
  server: { port: 0, host: '127.0.0.1' },
  telemetry: false,
  versionCheck: { enable: false },
  logLevel: 'fatal',
  import: { file: undefined },
}).then(
  ({ server }) => {
    const ready = () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`)
    if (server.listening) ready()
    else server.once('listening', ready)
  },
  error => {
    process.stderr.write(`${error.stack}\n`)
    process.exit(1)
  },
)
