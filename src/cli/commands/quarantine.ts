import { type Command, Option } from 'commander'
import { count } from '../parse.ts'
import type { ListOptions, ReviewOptions } from '../quarantine.ts'
import type { GlobalOptions } from '../settings.ts'

/** Commands for bad records: quarantine list, show, replay, ack, acks. What they need is loaded when they run. */
export function addQuarantineCommands(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('bad records: count, list, explain, review them, and clean them again')
  withFilter(quarantine.command('list', { isDefault: true }))
    .description('count bad records by reason; or, given a dataset or a filter, list the newest')
    .argument('[dataset]')
    .addOption(new Option('--open', 'those that are not reviewed').conflicts('reviewed'))
    .option('--reviewed', 'those that are')
    .addOption(new Option('--limit <n>', 'how many, 1,000 at most (default: 20)').argParser(count))
    .action(async (dataset: string | undefined, options: ListOptions) => {
      const { list } = await import('../quarantine.ts')
      await list(dataset, options)
    })
  quarantine
    .command('show')
    .argument('<place>', '<topic>/<partition>/<offset>, as `quarantine list` shows it')
    .description('everything about one bad record, what would mend it, and whether it would pass now')
    .action(async (place: string, options: GlobalOptions) => {
      const { showOne } = await import('../quarantine.ts')
      await showOne(place, options)
    })
  quarantine
    .command('replay')
    .argument('<dataset>')
    .description(
      'clean everything of a dataset again under its present definition; without --yes only say what that changes',
    )
    .option('--yes', 'do it')
    .action(async (dataset: string, options: GlobalOptions & { yes?: boolean }) => {
      const { replay } = await import('../quarantine.ts')
      await replay(dataset, options)
    })
  withFilter(quarantine.command('ack'))
    .description(
      'mark the bad records that match now as reviewed; they stay where they are, and count as before',
    )
    .argument('[dataset or place]')
    .option('--all', 'every bad record of every dataset, where nothing else says which')
    .requiredOption('--note <text>', 'what was found out')
    .option('--by <name>', 'who says so (default: the user of this system)')
    .action(async (what: string | undefined, options: ReviewOptions) => {
      const { ack } = await import('../quarantine.ts')
      await ack(what, options)
    })
  quarantine
    .command('acks')
    .description('list the reviews')
    .action(async (options: GlobalOptions) => {
      const { acks } = await import('../quarantine.ts')
      await acks(options)
    })
}

function withFilter(command: Command): Command {
  return command
    .option(
      '--reason <code>',
      'those that are bad for this reason, such as TYPE_MISMATCH or "TYPE_MISMATCH age"',
    )
    .addOption(
      new Option('--path <path>', 'those that this way of cleaning found bad').choices(['stream', 'batch']),
    )
    .option('--topic <topic>', 'those of this topic')
}
