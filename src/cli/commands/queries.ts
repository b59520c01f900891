import { type Command, Option } from 'commander'
import type { CleaningPath } from '../../clean/index.ts'
import type { AskOptions } from '../ask.ts'
import { call } from '../call.ts'
import { at, count } from '../parse.ts'
import { answerText, csv, type Format, formatOf, formats, markdown } from '../render/answer.ts'
import type { GlobalOptions } from '../settings.ts'
import { wholeAnswer } from '../whole-answer.ts'

/** Commands that ask the tables: sql, ask. */
export function addQueryCommands(program: Command): void {
  withTableOptions(
    program
      .command('sql')
      .argument('<query>', 'one SELECT over stream.<dataset>, batch.<dataset>, quarantine.<dataset>')
      .description('ask the tables in SQL'),
  ).action(sql)

  withTableOptions(
    program
      .command('ask')
      .argument('[question]')
      .description('answer a question of the pipeline, or all of them; or show answers that were given'),
  )
    .option('--runs', 'list the runs whose answers are kept')
    .addOption(
      new Option('--run <n>', 'show the answers of this run as they were given')
        .argParser(count)
        .conflicts(['runs', 'at']),
    )
    .action(async (question: string | undefined, options: AskOptions) => {
      const { ask } = await import('../ask.ts')
      await ask(question, options)
    })
}

function withTableOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--from <path>', 'tables that names without a schema mean')
        .choices(['batch', 'stream'])
        .default('batch'),
    )
    .addOption(
      new Option(
        '--at <version|time>',
        'the tables as they were: at a version, or at a time such as 2024-09-30T12:00:00Z',
      ).argParser(at),
    )
    .addOption(
      new Option('--format <format>', 'how the answer is printed (default: table; --json = json)').choices(
        formats,
      ),
    )
}

interface SqlOptions extends GlobalOptions {
  from: CleaningPath
  at?: ReturnType<typeof at>
  format?: Format
}

async function sql(text: string, options: SqlOptions): Promise<void> {
  const format = formatOf(options)
  const { from } = options
  const parameters = { sql: text, from, ...(options.at && { at: options.at }) }
  const answer = await wholeAnswer((onItem) =>
    call(options, 'sql', parameters, { cancellable: true, onItem }),
  )
  if (format === 'json') console.log(JSON.stringify(answer, null, 2))
  else if (format === 'csv') process.stdout.write(csv(answer))
  else if (format === 'markdown') process.stdout.write(markdown(answer))
  else {
    console.log(answer.rows.length === 0 ? 'no rows' : answerText(answer))
    const versions = Object.entries(answer.versions).map(([table, version]) => `${table} ${version}`)
    const read = versions.length === 0 ? 'no table was read' : `table versions: ${versions.join(', ')}`
    console.error(`${answer.rows.length} ${answer.rows.length === 1 ? 'row' : 'rows'}; ${read}`)
  }
}
