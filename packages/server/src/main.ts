// The server as a process: `dankai serve`, `node packages/server/src/main.ts`.
const oldestNode = 24
if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  process.stderr.write(
    `Cannot start Dankai: found Node ${process.versions.node}, expected ${oldestNode} or newer. Run it by "npm start", which brings its own.\n`,
  )
  process.exit(3)
}

const { run } = await import('./run.ts')
await run()
