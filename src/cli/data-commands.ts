import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CleaningPath } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { type Caller, call, connect } from './call.ts'
import { answerTable, printVerification } from './print-report.ts'
import type { GlobalOptions } from './settings.ts'
import { wholeAnswer } from './whole-answer.ts'

type Answer = Awaited<ReturnType<typeof wholeAnswer>>

/** Commands that look at the data, and keep tables in shape: topics, consume, sql, ask, tables, verify. */
export function addDataCommands(program: Command): void {
  const topicCommands = program.command('topics').description('list the topics, or delete one')
  topicCommands
    .command('list', { isDefault: true })
    .description('list topics with their partitions and offsets')
    .action(async (options: GlobalOptions) => {
      const topics = await call(options, 'topics', {})
      show(options, topics, () =>
        topics.flatMap(({ name, partitioner, partitions }) =>
          partitions.map((partition) => ({ topic: name, partitioner, ...partition })),
        ),
      )
    })

  topicCommands
    .command('delete')
    .argument('<topic>')
    .description('delete a topic with its records in the log; lake and tables keep what has been taken of it')
    .option('--yes', 'really')
    .action(deleteTopic)

  program
    .command('consume')
    .argument('<topic>')
    .description(
      'print records of a topic as JSON lines: the newest ten of each partition, unless told otherwise',
    )
    .option('--from-beginning', 'from the first record that is there')
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .action(consume)

  program
    .command('sql')
    .argument('<query>', 'one SELECT over stream.<dataset>, batch.<dataset>, quarantine.<dataset>')
    .description('ask the tables in SQL')
    .addOption(fromOption())
    .action(async (sql: string, options: GlobalOptions & { from: CleaningPath }) => {
      const { from } = options
      showAnswer(options, await wholeAnswer((onItem) => call(options, 'sql', { sql, from }, { onItem })))
    })

  program
    .command('ask')
    .argument('[question]')
    .description('answer a question of the pipeline, or all of them')
    .addOption(fromOption())
    .action(askCommand)

  addTableCommands(program)

  program
    .command('verify')
    .description('recount everything from the raw lake and the epoch log, and compare')
    .action(async (options: GlobalOptions) => {
      const done = await call(options, 'verify', {})
      if (options.json) console.log(JSON.stringify(done, null, 2))
      else {
        for (const { name, detail, ok } of done.checks)
          console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}: ${detail}`)
        printVerification(done, console.log)
      }
      process.exitCode = done.ok ? 0 : 1
    })
}

function addTableCommands(program: Command): void {
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
      const found = await call(options, 'rebuild', { dataset })
      show(options, found, () =>
        Object.entries(found).map(([table, { version, rows }]) => ({ table, version, rows })),
      )
    })
  addRestoreCommands(tables)
}

async function deleteTopic(topic: string, options: GlobalOptions & { yes?: boolean }): Promise<void> {
  if (!options.yes)
    throw new PipelineError('USAGE', `this deletes the records of ${topic} from the log: say --yes to do it`)
  const done = await call(options, 'deleteTopic', { topic, confirm: topic }, { running: true })
  if (options.json) {
    console.log(JSON.stringify(done, null, 2))
    return
  }
  console.log(`Topic ${topic} is deleted; ${done.skipped} records that no take named yet are skipped.`)
  if (done.dataset !== undefined)
    console.log(
      `Dataset ${done.dataset} names it: the next start makes it again, or the first record through a Kafka door.`,
    )
}

function addRestoreCommands(tables: Command): void {
  tables
    .command('restore')
    .argument('<dataset>')
    .description('take the tables of a dataset back to an earlier state, and pause their cleaning there')
    .addOption(new Option('--to-epoch <n>', 'the newest versions at or before this epoch').argParser(epoch))
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

function epoch(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number.')
}

/** A time without an offset is UTC. */
function timeMs(text: string): number {
  const hasOffset = /(Z|[+-]\d\d:?\d\d)$/i.test(text)
  const ms = /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(hasOffset || !/\d:\d\d/.test(text) ? text : `${text}Z`)
    : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw new InvalidArgumentError('It is a time such as 2024-09-30T12:00:00Z.')
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

function fromOption(): Option {
  return new Option('--from <path>', 'tables that names without a schema mean')
    .choices(['batch', 'stream'])
    .default('batch')
}

async function consume(
  topic: string,
  options: GlobalOptions & { fromBeginning?: boolean; follow?: boolean },
): Promise<void> {
  const { fromBeginning = false, follow = false } = options
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const onItem = (record: unknown) => process.stdout.write(`${JSON.stringify(record)}\n`)
  await call(options, 'consume', { topic, fromBeginning, follow }, { onItem, signal: stop.signal })
  if (stop.signal.aborted) process.exitCode = 130
}

async function askCommand(
  question: string | undefined,
  options: GlobalOptions & { from: CleaningPath },
): Promise<void> {
  const caller = await connect(options)
  try {
    await askAll(caller, question, options)
  } finally {
    await caller.close()
  }
}

async function askAll(
  caller: Caller,
  question: string | undefined,
  options: GlobalOptions & { from: CleaningPath },
): Promise<void> {
  const questions = await caller.call('questions', {})
  const asked = question === undefined ? questions : questions.filter(({ name }) => name === question)
  if (question !== undefined && asked.length === 0) {
    const known = questions.map(({ name }) => name).join(', ')
    throw new PipelineError('QUESTION_UNKNOWN', `there is no question ${question}, but ${known || 'none'}`)
  }
  const answers: Record<string, Answer & { title: string }> = {}
  for (const { name, title } of asked) {
    const asked = { question: name, from: options.from }
    const answer = await wholeAnswer((onItem) => caller.call('ask', asked, { onItem }))
    answers[name] = { title, ...answer }
    if (!options.json)
      console.log(
        `\n${name}  ${title}\n${answer.rows.length === 0 ? '   no rows' : answerTable(answer.rows)}`,
      )
  }
  if (options.json) console.log(JSON.stringify(answers, null, 2))
}

function show(options: GlobalOptions, json: unknown, rows: () => Record<string, unknown>[]): void {
  const shown = options.json ? [] : rows()
  if (options.json) console.log(JSON.stringify(json, null, 2))
  else console.log(shown.length === 0 ? 'none' : answerTable(shown))
}

function showAnswer(options: GlobalOptions, answer: Answer): void {
  if (options.json) {
    console.log(JSON.stringify(answer, null, 2))
    return
  }
  console.log(
    answer.rows.length === 0
      ? 'no rows'
      : answerTable(
          answer.rows,
          answer.columns.map(({ name }) => name),
        ),
  )
  const versions = Object.entries(answer.versions).map(([table, version]) => `${table} ${version}`)
  console.error(`${answer.rows.length} rows; table versions: ${versions.join(', ')}`)
}
