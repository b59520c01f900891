/**
 * A process that appends to the log of a folder until it is told to stop, for tests that hurt it.
 *
 * Arguments: folder, bytes of a value. Reports a line for each thing that happens: `ack <offset> <value's name>`,
 * `refused <code>`, `read <records>` (of everything, on request), `fatal <code>`. Lines on its input: `read`, `stop`.
 */
import { createInterface } from 'node:readline'
import { PipelineError } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'

const [folder = '', valueBytes = '100'] = process.argv.slice(2)
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
const log = await EmbeddedLog.open(folder, {
  recordBytesMax: 2 ** 20,
  segmentBytes: 1_000_000,
  segmentAgeMs: 1e12,
  freeBytesMin: 0,
  onFatal: (error) => say(`fatal ${error.code}`),
})
if (log.topics().length === 0) await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })

let stopped = false
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'read')
    say(`read ${log.read('t', 0, 0, { records: 1e9, bytes: 1e9 }).length} ${log.offsets('t', 0).end}`)
  else stopped = true
})

async function append(worker: number): Promise<void> {
  for (let count = 0; !stopped; count++) {
    const name = `${process.pid}.${worker}.${count}`
    const value = Buffer.from(name.padEnd(Number(valueBytes), '.'))
    try {
      const { baseOffset } = await log.append({ topic: 't', partition: 0, records: [{ key: null, value }] })
      say(`ack ${baseOffset} ${name}`)
    } catch (error) {
      say(`refused ${error instanceof PipelineError ? error.code : error}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

say('open')
await Promise.all(Array.from({ length: 8 }, (_, worker) => append(worker)))
await log.close()
say('closed')
process.exit(0)
