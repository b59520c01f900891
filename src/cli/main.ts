import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { PipelineError } from '../core/index.ts'
import { Cancelled } from './cancelled.ts'
import { addHelpCommands } from './commands/help.ts'
import { addQuarantineCommands } from './commands/quarantine.ts'
import { addQueryCommands } from './commands/queries.ts'
import { addRunCommands } from './commands/run.ts'
import { addTableCommands } from './commands/tables.ts'
import { addTopicCommands } from './commands/topics.ts'
import { addTraceCommands } from './commands/trace.ts'
import { addVerifyCommand } from './commands/verify.ts'
import { failureText } from './render/failure.ts'
import { packageVersion } from './version.ts'

/** What a progress bar has hidden. */
const showCursor = '\u001B[?25h'

const program = new Command('pinflow')
  .description(
    'A whole data pipeline in one program: front doors, log, lake, cleaning, Delta tables, answers.',
  )
  .version(packageVersion())
  .exitOverride()
  .showHelpAfterError('Next: add --help for the list of commands and options.')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'USAGE: ')) })
  .configureHelp({ showGlobalOptions: true })

addRunCommands(program)
addTopicCommands(program)
addTraceCommands(program)
addQueryCommands(program)
addTableCommands(program)
addQuarantineCommands(program)
addVerifyCommand(program)
addHelpCommands(program)
for (const command of withSubcommands(program)) addGlobalOptions(command)

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2))

// Ctrl-C ends a command at once, unless the command takes it to end in order; again, it ends that as well.
process.on('SIGINT', () => {
  if (process.listenerCount('SIGINT') > 1) return
  if (process.stderr.isTTY) process.stderr.write(showCursor)
  process.exit(130)
})

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = fail(error)
}

function addGlobalOptions(command: Command): void {
  command
    .option('--pipeline <dir>', 'folder of the pipeline (default: the packaged pinterest)')
    .option('--data <dir>', 'data folder (default: .pinflow; of demo: a new one)')
    .option('--config <file>', 'configuration file (default: pinflow.config.json, .ts or .js)')
    .addOption(
      new Option('--gateway-port <n>', 'port of the front doors, 0 = any free one').argParser(integer),
    )
    .addOption(new Option('--api-port <n>', 'port of the API, 0 = any free one').argParser(integer))
    .option('--json', 'one JSON document on standard output')
}

/** Commands that do something, without the program itself. */
function withSubcommands(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.commands.length > 0 ? withSubcommands(child) : [child]))
}

function integer(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number.')
}

/** Say what happened and what to do. @returns the exit code */
function fail(error: unknown): number {
  // Commander has printed its own messages already; help and version are no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
  if (error instanceof Cancelled) return 130
  console.error(failureText(error))
  return error instanceof PipelineError ? error.exitCode : 2
}
