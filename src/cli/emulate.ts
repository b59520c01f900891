import { DataFolder } from '../core/index.ts'
import { emulate } from '../emulate/index.ts'
import type { DemoOptions } from './demo.ts'
import { answerTable } from './render/answer-table.ts'
import { showProgress } from './render/progress.ts'
import { serve, stderrLogger } from './serve.ts'
import { loadSettings, openPipeline } from './settings.ts'
import { openSource, printUnsent } from './sources.ts'

export interface EmulateOptions extends DemoOptions {
  rate?: number
  seed?: number
}

/** Post records to the running platform, or to one that runs as long as that takes. */
export async function emulateCommand(options: EmulateOptions): Promise<void> {
  const settings = await loadSettings(options)
  const pipeline = await openPipeline(settings)
  const { source, total, errors } = await openSource(pipeline, options)
  const owner = await DataFolder.owner(settings.config.data)
  const server = owner ? undefined : await serve(settings, pipeline, { logger: stderrLogger('warn') })
  const progress = showProgress(process.stderr)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  try {
    progress.step('posting', total)
    let posts = 0
    const account = await emulate({
      pipeline,
      gatewayUrl: (owner ?? server)?.gatewayUrl ?? '',
      source,
      via: options.via,
      ...(options.rate !== undefined && { ratePerSecond: options.rate }),
      signal: stop.signal,
      onProgress: () => progress.at(++posts),
    })
    progress.end()
    const rows = Object.entries(account.datasets).map(([dataset, counts]) => ({ dataset, ...counts }))
    console.log(
      options.json ? JSON.stringify({ ...account, sourceErrors: errors }, null, 2) : answerTable(rows),
    )
    printUnsent(errors, account.refused)
    const complete = rows.every(({ sent, acknowledged }) => sent === acknowledged) && errors.length === 0
    process.exitCode = stop.signal.aborted ? 130 : complete ? 0 : 1
  } finally {
    progress.end()
    await server?.close()
  }
}
