import { type Command, InvalidArgumentError, Option } from 'commander'
import { describeConfig } from '../../core/index.ts'
import type { DemoOptions } from '../demo.ts'
import type { EmulateOptions } from '../emulate.ts'
import { answerTable } from '../render/answer-table.ts'
import { type GlobalOptions, loadSettings } from '../settings.ts'

/** Commands that make something happen: demo, start, emulate, run, config. What they need is loaded when they run. */
export function addRunCommands(program: Command): void {
  withSource(program.command('demo'))
    .description(
      'run the whole pipeline once on made-up or given posts, in a new data folder, and print what came of it',
    )
    .action(async (options: DemoOptions) => {
      const { demo } = await import('../demo.ts')
      process.exitCode = await demo(options)
    })

  program
    .command('start')
    .description('run the platform until it is stopped')
    .option('--adopt', 'continue with a log that is behind its lake; what is missing is entered as lost')
    .action(async (options: GlobalOptions & { adopt?: boolean }) => {
      const { start } = await import('../start.ts')
      await start(options)
    })

  withSource(program.command('emulate'))
    .description('post records through the front doors, of the running platform or of one started for it')
    .addOption(new Option('--rate <posts>', 'posts a second at most').argParser(positive))
    .addOption(new Option('--seed <n>', 'seed of the random sequence').argParser(whole))
    .action(async (options: EmulateOptions) => {
      const { emulateCommand } = await import('../emulate.ts')
      await emulateCommand(options)
    })

  const run = program.command('run').description('run a job now')
  run
    .command('batch')
    .description('land what is in the log, clean everything landed as a batch, answer and verify')
    .action(async (options: GlobalOptions) => {
      const { runBatch } = await import('../run-batch.ts')
      await runBatch(options)
    })

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

async function showConfig(options: GlobalOptions): Promise<void> {
  const described = describeConfig(await loadSettings(options))
  if (options.json) console.log(JSON.stringify(described, null, 2))
  else
    console.log(
      answerTable(described.map(({ key, value, origin }) => ({ key, value: JSON.stringify(value), origin }))),
    )
}
