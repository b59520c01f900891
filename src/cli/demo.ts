import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emulate } from '../emulate/index.ts'
import { type Report, report, Stopwatch } from '../platform/index.ts'
import { printReport } from './print-report.ts'
import { type Progress, showProgress } from './render/progress.ts'
import { serve, stderrLogger } from './serve.ts'
import { type GlobalOptions, loadSettings, openPipeline } from './settings.ts'
import { openSource, printUnsent, type SourceOptions } from './sources.ts'

export interface DemoOptions extends GlobalOptions, SourceOptions {
  via: 'both' | 'kafka-rest' | 'api-gateway'
}

/**
 * The whole pipeline once: start, post, land, clean both ways, answer, verify, print.
 *
 * @returns the exit code: 0 only when every record was posted and acknowledged, and everything adds up; 130 after Ctrl-C
 */
export async function demo(options: DemoOptions): Promise<number> {
  const seconds = new Stopwatch()
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'pinflow-demo-')))
  const settings = await loadSettings({
    ...options,
    data,
    gatewayPort: options.gatewayPort ?? 0,
    apiPort: options.apiPort ?? 0,
  })
  const pipeline = await openPipeline(settings)
  const { source, total, errors } = await openSource(pipeline, options)
  const progress = showProgress(process.stderr)
  const server = await serve(settings, pipeline, { logger: stderrLogger('warn') })
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  try {
    seconds.lap('start')
    progress.step('posting', total)
    let posts = 0
    const account = await emulate({
      pipeline,
      gatewayUrl: server.gatewayUrl,
      source,
      via: options.via,
      signal: stop.signal,
      onProgress: () => progress.at(++posts),
    })
    seconds.lap('emulate')
    if (!stop.signal.aborted) await finish(server.platform, progress, seconds)
    if (stop.signal.aborted) {
      console.error(`cancelled; what was posted is in ${data}`)
      return 130
    }
    progress.step('answering and verifying')
    const { datasets, refused } = account
    const done = await report(server.platform, { sent: datasets, sourceErrors: errors.length, seconds })
    progress.end()
    if (options.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`)
    else printReport(done, pipeline, { data: server.platform.folder.root, stdout: process.stdout })
    printUnsent(errors, refused)
    return exitCode(done, Object.values(datasets))
  } finally {
    progress.end()
    await server.close()
  }
}

async function finish(
  platform: Parameters<typeof report>[0],
  progress: Progress,
  seconds: Stopwatch,
): Promise<void> {
  progress.step('landing, cleaning as a stream')
  await platform.settle()
  seconds.lap('settle')
  progress.step('cleaning as a batch')
  await platform.runBatch()
  seconds.lap('batch')
}

function exitCode(done: Report, sent: { sent: number; acknowledged: number }[]): number {
  const all = sent.every((dataset) => dataset.acknowledged === dataset.sent)
  return all && done.verify.ok && done.sourceErrors === 0 ? 0 : 1
}
