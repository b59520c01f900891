import { type Command, InvalidArgumentError, Option } from 'commander'
import { DataFolder, describeConfig } from '../core/index.ts'
import { emulate } from '../emulate/index.ts'
import { call } from './call.ts'
import { type DemoOptions, demo } from './demo.ts'
import { answerTable, printReport } from './print-report.ts'
import { showProgress } from './render/progress.ts'
import { serve, stderrLogger } from './serve.ts'
import { type GlobalOptions, loadSettings, openPipeline } from './settings.ts'
import { openSource, printUnsent } from './sources.ts'

/** Commands that make something happen: demo, start, emulate, run, config. */
export function addRunCommands(program: Command): void {
  withSource(program.command('demo'))
    .description(
      'run the whole pipeline once on made-up or given posts, in a new data folder, and print what came of it',
    )
    .action(async (options: DemoOptions) => {
      process.exitCode = await demo(options)
    })

  program
    .command('start')
    .description('run the platform until it is stopped')
    .option('--adopt', 'continue with a log that is behind its lake; what is missing is entered as lost')
    .action(start)

  withSource(program.command('emulate'))
    .description('post records through the front doors, of the running platform or of one started for it')
    .addOption(new Option('--rate <posts>', 'posts a second at most').argParser(positive))
    .addOption(new Option('--seed <n>', 'seed of the random sequence').argParser(whole))
    .action(emulateCommand)

  const run = program.command('run').description('run a job now')
  run
    .command('batch')
    .description('land what is in the log, clean everything landed as a batch, answer and verify')
    .action(runBatch)

  program
    .command('config')
    .description('show every key of the configuration, its value and where it comes from')
    .action(showConfig)
}

function withSource(command: Command): Command {
  return command
    .addOption(
      new Option('--posts <n>', 'number of posts, each one record of every dataset').argParser(positive),
    )
    .addOption(
      new Option('--order <order>', 'order of the made-up rows')
        .choices(['random', 'sequential'])
        .default('random'),
    )
    .option('--source <source>', 'ndjson:DIR reads DIR/<dataset>.ndjson instead of made-up rows')
    .addOption(
      new Option('--via <door>', 'front door: even posts through one, odd ones through the other')
        .choices(['both', 'kafka-rest', 'api-gateway'])
        .default('both'),
    )
}

function whole(text: string): number {
  const value = Number(text)
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It is a whole number.')
}

function positive(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value > 0) return value
  throw new InvalidArgumentError('It is a whole number above 0.')
}

async function start(options: GlobalOptions & { adopt?: boolean }): Promise<void> {
  const settings = await loadSettings(options)
  const logger = stderrLogger('info')
  // What the log cannot write any more, only a new process can read back.
  const onFatal = () => process.exit(2)
  const server = await serve(settings, await openPipeline(settings), {
    logger,
    adopt: options.adopt ?? false,
    onFatal,
  })
  const { gatewayUrl, apiUrl } = server
  const urls = { gatewayUrl, apiUrl, data: server.platform.folder.root }
  console.log(
    options.json
      ? JSON.stringify(urls)
      : `pinflow is ready\n  front doors  ${gatewayUrl}\n  API          ${apiUrl}\n  data         ${urls.data}\nCtrl-C stops it.`,
  )
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  logger.info('stopping: finishing what was received')
  await server.close()
}

async function emulateCommand(options: DemoOptions & { rate?: number; seed?: number }): Promise<void> {
  const settings = await loadSettings(options)
  const pipeline = await openPipeline(settings)
  const { source, total, errors } = openSource(pipeline, options)
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

async function runBatch(options: GlobalOptions): Promise<void> {
  const settings = await loadSettings(options)
  const progress = showProgress(process.stderr)
  progress.step('landing, cleaning as a batch')
  const done = await call(options, 'runBatch', {}, { running: true }).finally(() => progress.end())
  if (options.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`)
  else printReport(done, await openPipeline(settings), { data: settings.config.data, stdout: process.stdout })
  process.exitCode = done.verify.ok ? 0 : 1
}

async function showConfig(options: GlobalOptions): Promise<void> {
  const described = describeConfig(await loadSettings(options))
  if (options.json) console.log(JSON.stringify(described, null, 2))
  else
    console.log(
      answerTable(described.map(({ key, value, origin }) => ({ key, value: JSON.stringify(value), origin }))),
    )
}
