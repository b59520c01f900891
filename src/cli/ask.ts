import type { ResultOf } from '../api/index.ts'
import type { CleaningPath } from '../clean/index.ts'
import { PipelineError } from '../core/index.ts'
import { call } from './call.ts'
import type { at } from './parse.ts'
import { csv, type Format, formatOf } from './render/answer.ts'
import { answerTable } from './render/answer-table.ts'
import { type Asked, ageText, questionText, tablesText } from './render/question.ts'
import type { GlobalOptions } from './settings.ts'

export interface AskOptions extends GlobalOptions {
  from: CleaningPath
  at?: ReturnType<typeof at>
  format?: Format
  runs?: boolean
  run?: number
}

/**
 * Answer questions of the pipeline, each printed as soon as it is answered; or list the runs whose answers are kept; or
 * show the answers of one.
 */
export async function ask(question: string | undefined, options: AskOptions): Promise<void> {
  const format = formatOf(options)
  if (options.runs) await listRuns(options, format)
  else if (options.run !== undefined) await showRun(options.run, question, options, format)
  else await answerNow(question, options, format)
}

async function answerNow(question: string | undefined, options: AskOptions, format: Format): Promise<void> {
  if (question === undefined) refuseSeveral(format)
  const { from, at } = options
  const answers: Asked[] = []
  const onItem = (item: unknown) => {
    const asked = item as Asked
    answers.push(asked)
    print(asked, format)
  }
  const parameters = { ...(question !== undefined && { question }), from, ...(at && { at }) }
  const kept = await call(options, 'ask', parameters, { onItem, cancellable: true })
  if (format === 'json') printJson(answers)
  if (format === 'table') console.log(tablesText(answers, Date.now()))
  if ('notKept' in kept) console.error(`These answers are not kept: ${kept.notKept}`)
  else if (format === 'table')
    console.error(
      `Kept as run ${kept.run}: pinflow ask --run ${kept.run}${options.data === undefined ? '' : ` --data ${options.data}`}`,
    )
}

async function showRun(
  run: number,
  question: string | undefined,
  options: AskOptions,
  format: Format,
): Promise<void> {
  const kept = await call(options, 'keptRun', { run })
  const answers = kept.answers.filter((answer) => question === undefined || answer.question === question)
  if (answers.length === 0 && question !== undefined) {
    const known = kept.answers.map((answer) => answer.question).join(', ')
    throw new PipelineError('QUESTION_UNKNOWN', `run ${run} has no answer to ${question}, but to ${known}`)
  }
  if (answers.length > 1) refuseSeveral(format)
  if (format === 'table') console.log(`Run ${run}, ${runText(kept)}\n`)
  for (const answer of answers) {
    print(answer, format)
    const missing = answer.rowCount - answer.rows.length
    if (missing > 0 && format !== 'table')
      console.error(`${answer.question}: ${missing} of ${answer.rowCount} rows were not kept.`)
  }
  if (format === 'json') printJson(answers)
  if (format === 'table') console.log(tablesText(answers, kept.timeMs).replace('ago', 'before it'))
}

async function listRuns(options: AskOptions, format: Format): Promise<void> {
  const runs = await call(options, 'keptRuns', {})
  if (format === 'json') {
    console.log(JSON.stringify(runs, null, 2))
    return
  }
  const rows = runs.map((kept) =>
    'error' in kept
      ? { run: kept.run, time: '', asked: `cannot be read: ${kept.error}`, questions: '' }
      : {
          run: kept.run,
          time: `${new Date(kept.timeMs).toISOString().slice(0, 19)}Z`,
          asked: `${kept.by === 'batch' ? 'run batch' : 'ask'}, from ${kept.from}${atText(kept.at)}`,
          questions: kept.questions.join(', '),
        },
  )
  console.log(rows.length === 0 ? 'No answers are kept yet: `pinflow ask` keeps its own.' : answerTable(rows))
}

function print(asked: Asked, format: Format): void {
  if (format === 'csv') process.stdout.write(csv(asked))
  else if (format !== 'json') console.log(questionText(asked, format))
}

function printJson(answers: readonly Asked[]): void {
  const byName = Object.fromEntries(answers.map(({ question, ...answer }) => [question, answer]))
  console.log(JSON.stringify(byName, null, 2))
}

/** @throws USAGE */
function refuseSeveral(format: Format): void {
  if (format === 'csv')
    throw new PipelineError('USAGE', 'csv holds one answer: name a question, or take another --format')
}

function runText({ timeMs, by, from, at }: ResultOf<'keptRun'>): string {
  const asked = by === 'batch' ? 'a run of the batch' : 'asked'
  return `${asked} ${ageText(Date.now() - timeMs)} (${new Date(timeMs).toISOString().slice(0, 19)}Z), from ${from}${atText(at)}`
}

function atText(at: AskOptions['at']): string {
  if (at === undefined) return ''
  return 'version' in at ? `, at version ${at.version}` : `, at ${new Date(at.timeMs).toISOString()}`
}
