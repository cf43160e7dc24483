// Loaded into a measured server by --import: answers a message of the bench with what its memory is after a collection.
process.on('message', message => {
  if (message !== 'report memory') return
  ;(globalThis as { gc?: () => void }).gc?.()
  process.send?.(process.memoryUsage())
})
// A bench that broke off leaves no server behind.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// Being asked is no reason to live.
process.channel?.unref()
