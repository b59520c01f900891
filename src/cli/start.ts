import module from 'node:module'
import { serve, stderrLogger } from './serve.ts'
import { type GlobalOptions, loadSettings, openPipeline } from './settings.ts'

/** Run the platform, its doors open, until a signal stops it in order. */
export async function start(options: GlobalOptions & { adopt?: boolean }): Promise<void> {
  const settings = await loadSettings(options)
  const logger = stderrLogger('info')
  // What the log cannot write any more, only a new process can read back.
  const onFatal = () => process.exit(2)
  const server = await serve(settings, await openPipeline(settings), {
    logger,
    adopt: options.adopt ?? false,
    onFatal,
  })
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  // Who reads this may stop it at once.
  const { gatewayUrl, apiUrl } = server
  const urls = { gatewayUrl, apiUrl, data: server.platform.folder.root }
  console.log(
    options.json
      ? JSON.stringify(urls)
      : `pinflow is ready\n  front doors  ${gatewayUrl}\n  API          ${apiUrl}\n  data         ${urls.data}\nCtrl-C stops it.`,
  )
  // Else the next start of one that is killed takes twice as long.
  module.flushCompileCache?.()
  await stopped
  logger.info('stopping: finishing what was received')
  await server.close()
}
