import { type Command, Option } from 'commander'
import type { ResultOf } from '../../api/index.ts'
import type { CleaningPath } from '../../clean/index.ts'
import { PipelineError } from '../../core/index.ts'
import { type Caller, call, connect } from '../call.ts'
import { answerTable } from '../render/answer-table.ts'
import type { GlobalOptions } from '../settings.ts'

type Answer = ResultOf<'sql'>

/** Commands that ask the tables: sql, ask. */
export function addQueryCommands(program: Command): void {
  program
    .command('sql')
    .argument('<query>', 'one SELECT over stream.<dataset>, batch.<dataset>, quarantine.<dataset>')
    .description('ask the tables in SQL')
    .addOption(fromOption())
    .action(async (sql: string, options: GlobalOptions & { from: CleaningPath }) => {
      showAnswer(options, await call(options, 'sql', { sql, from: options.from }))
    })

  program
    .command('ask')
    .argument('[question]')
    .description('answer a question of the pipeline, or all of them')
    .addOption(fromOption())
    .action(askCommand)
}

function fromOption(): Option {
  return new Option('--from <path>', 'tables that names without a schema mean')
    .choices(['batch', 'stream'])
    .default('batch')
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
    const answer = await caller.call('ask', { question: name, from: options.from })
    answers[name] = { title, ...answer }
    if (!options.json)
      console.log(
        `\n${name}  ${title}\n${answer.rows.length === 0 ? '   no rows' : answerTable(answer.rows)}`,
      )
  }
  if (options.json) console.log(JSON.stringify(answers, null, 2))
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
