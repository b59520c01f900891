import { call } from './call.ts'
import { printReport } from './print-report.ts'
import { showProgress } from './render/progress.ts'
import { type GlobalOptions, loadSettings, openPipeline } from './settings.ts'

/** Land and clean everything as a batch, and print what came of it. */
export async function runBatch(options: GlobalOptions): Promise<void> {
  const settings = await loadSettings(options)
  const progress = showProgress(process.stderr)
  progress.step('landing, cleaning as a batch')
  const done = await call(options, 'runBatch', {}, { running: true }).finally(() => progress.end())
  if (options.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`)
  else printReport(done, await openPipeline(settings), { data: settings.config.data, stdout: process.stdout })
  process.exitCode = done.verify.ok && !done.unanswered ? 0 : 1
}
