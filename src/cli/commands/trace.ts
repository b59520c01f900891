import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ResultOf } from '../../api/index.ts'
import { PipelineError } from '../../core/index.ts'
import { call } from '../call.ts'
import { answerTable } from '../render/answer-table.ts'
import { keyText, lifeText } from '../render/life.ts'
import type { GlobalOptions } from '../settings.ts'

interface TraceFlags {
  sequenceNumber?: string
  stream?: string
  key?: string
  dataset?: string
}

/** Commands that tell what became of a record: trace, refusals. */
export function addTraceCommands(program: Command): void {
  program
    .command('trace')
    .argument('[record]', '<topic>/<partition>/<offset>, as an answer or a quarantine names it')
    .description('what became of a record, from the answer of its door to its row; or why there is none')
    .option('--sequence-number <n>', 'the record that a Kinesis answer gave this number')
    .addOption(new Option('--stream <name>', 'with --sequence-number: the stream it came by'))
    .option('--key <key>', 'the record of a key; of several columns as JSON, or with commas')
    .addOption(new Option('--dataset <name>', 'with --key: the only dataset to look in'))
    .action(trace)

  program
    .command('refusals')
    .description('what the front doors refused, newest first: why, and the beginning of what was sent')
    .addOption(new Option('--limit <n>', 'how many are shown').default(20).argParser(count))
    .action(async (options: GlobalOptions & { limit: number }) => {
      const told = await call(options, 'refusals', { limit: options.limit })
      console.log(options.json ? JSON.stringify(told, null, 2) : refusalsText(told))
    })
}

async function trace(record: string | undefined, options: GlobalOptions & TraceFlags): Promise<void> {
  const { sequenceNumber, stream, key, dataset } = options
  const given = [record, sequenceNumber, key].filter((handle) => handle !== undefined)
  if (given.length !== 1)
    throw new PipelineError(
      'USAGE',
      'name one record: <topic>/<partition>/<offset>, --sequence-number N or --key K',
    )
  if (key !== undefined) {
    const sought = { key, ...(dataset !== undefined && { dataset }) }
    const told = await call(options, 'traceKey', sought, { cancellable: true })
    console.log(options.json ? JSON.stringify(told, null, 2) : keyText(told))
    return
  }
  const handle =
    record === undefined
      ? { sequenceNumber: sequenceNumber ?? '', ...(stream !== undefined && { stream }) }
      : { record }
  const lives = await call(options, 'traceRecord', handle)
  console.log(options.json ? JSON.stringify(lives, null, 2) : lives.map(lifeText).join('\n\n'))
}

function refusalsText({ newest, kinds, notKept }: ResultOf<'refusals'>): string {
  if (kinds.length === 0) return 'Nothing was refused.'
  const rows = newest.map(({ timeMs, door, status, code = '', topic = '', records, message, body }) => ({
    time: new Date(timeMs).toISOString(),
    door,
    status,
    code,
    topic,
    records: records ?? null,
    message,
    body: body === undefined ? '' : 'text' in body ? body.text : '(bytes)',
  }))
  const totals = kinds.map(({ door, status, code = '', refusals, records }) => ({
    door,
    status,
    code,
    refusals,
    records,
  }))
  const uncounted =
    notKept === 0 ? '' : `\n${notKept} came too fast, or found no room, and were counted only.`
  return `${answerTable(rows)}\n\nIn all, by door, status and code:\n${answerTable(totals)}${uncounted}`
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number, 1 or more.')
}
