import { type Command, Option } from 'commander'
import { PipelineError } from '../../core/index.ts'
import { call } from '../call.ts'
import { count, timeMs } from '../parse.ts'
import { show } from '../render/show.ts'
import { type GlobalOptions, namedDefinition } from '../settings.ts'

/** Commands that keep tables in shape, make them anew, or take them back. */
export function addTableCommands(program: Command): void {
  const tables = program.command('tables').description('list the tables, or keep them in shape')
  tables
    .command('list', { isDefault: true })
    .description('list the tables with their versions and rows')
    .action(async (options: GlobalOptions) => {
      const found = await call(options, 'tables', {})
      const hasState = Object.values(found).some((listed) => stateText(listed) !== '')
      show(options, found, () =>
        Object.entries(found).map(([table, { path, ...listed }]) => ({
          table,
          version: listed.version,
          rows: listed.rows,
          path,
          ...(hasState && { state: stateText(listed) }),
        })),
      )
    })
  tables
    .command('history')
    .argument('<table>')
    .description('the newest commits of a table')
    .action(async (table: string, options: GlobalOptions) => {
      const commits = await call(options, 'history', { table, limit: 50 })
      show(options, commits, () =>
        commits.map(({ version, timestampMs, commitInfo }) => ({
          version,
          time: new Date(timestampMs).toISOString(),
          operation: commitInfo?.operation,
          ...counted(commitInfo?.pinflow),
        })),
      )
    })
  tables
    .command('optimize')
    .argument('<table>')
    .description('put small files of a table together; its rows stay as they are')
    .action(async (table: string, options: GlobalOptions) => {
      const done = await call(options, 'optimize', { table })
      show(options, done, () => [{ table, removedFiles: done.removedFiles, addedFiles: done.addedFiles }])
    })
  tables
    .command('vacuum')
    .argument('<table>')
    .description('delete files that no version of the last seven days needs')
    .option('--dry-run', 'only list them')
    .action(async (table: string, options: GlobalOptions & { dryRun?: boolean }) => {
      const files = await call(options, 'vacuum', { table, dryRun: options.dryRun ?? false })
      show(options, files, () => files)
    })
  tables
    .command('rebuild')
    .argument('<dataset>')
    .description('make the tables of a dataset anew from all that has landed, under its present definition')
    .action(async (dataset: string, options: GlobalOptions) => {
      const found = await call(options, 'rebuild', {
        dataset,
        ...(await namedDefinition(options, dataset)),
      })
      show(options, found, () =>
        Object.entries(found).map(([table, { version, rows }]) => ({ table, version, rows })),
      )
    })
  addRestoreCommands(tables)
}

function addRestoreCommands(tables: Command): void {
  tables
    .command('restore')
    .argument('<dataset>')
    .description('take the tables of a dataset back to an earlier state, and pause their cleaning there')
    .addOption(new Option('--to-epoch <n>', 'the newest versions at or before this epoch').argParser(count))
    .addOption(
      new Option(
        '--to-time <time>',
        'the newest versions at or before this time, such as 2024-09-30T12:00:00Z',
      )
        .argParser(timeMs)
        .conflicts('toEpoch'),
    )
    .action(async (dataset: string, options: GlobalOptions & { toEpoch?: number; toTime?: number }) => {
      const { toEpoch, toTime } = options
      if (toEpoch === undefined && toTime === undefined)
        throw new PipelineError(
          'USAGE',
          'say where to: --to-epoch or --to-time; `pinflow tables history <table>` shows both',
        )
      const target = toEpoch === undefined ? { toTimeMs: toTime ?? 0 } : { toEpoch }
      const done = await call(options, 'restore', { dataset, ...target })
      show(options, done, () =>
        Object.entries(done.pausedAt).map(([table, at]) => ({ table, state: `paused at epoch ${at}` })),
      )
      if (!options.json) console.error(`\`pinflow tables resume ${dataset}\` lets cleaning go on from there.`)
    })
  tables
    .command('resume')
    .argument('<dataset>')
    .description('let the cleaning of a dataset go on after a restore')
    .action(async (dataset: string, options: GlobalOptions) => {
      const done = await call(options, 'resume', { dataset })
      const rows = Object.entries(done.goesOnAfter)
      show(options, done, () => rows.map(([table, at]) => ({ table, state: `goes on after epoch ${at}` })))
    })
}

/** What a commit says of its epoch and account, without what only pinflow makes use of. */
function counted(carried: unknown): object {
  const { epochTimeMs: _, voids: __, ...shown } = (carried ?? {}) as Record<string, unknown>
  return shown
}

function stateText({ pausedAt, stopped }: { pausedAt?: number; stopped?: string }): string {
  if (pausedAt !== undefined) return `paused at epoch ${pausedAt}`
  return stopped === undefined ? '' : `stopped: ${stopped}`
}
