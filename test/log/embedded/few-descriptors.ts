/**
 * A process with few file descriptors, all but some of which it holds while it reads an older segment (`read`) or begins
 * a new one (`roll`). Arguments: folder, `read` or `roll`, how many are left. Says what came of it, then of the same with
 * all of them.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { PipelineError } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'

const [folder = '', what = '', left = ''] = process.argv.slice(2)
// What waits for a turn of the event loop may wait for a descriptor.
const say = (line: string) => writeSync(1, `${line}\n`)
const options = { recordBytesMax: 2 ** 20, segmentBytes: 2 ** 16, segmentAgeMs: 1e12, freeBytesMin: 0 }
const onFatal = (error: PipelineError) => say(`fatal ${error.code}`)
let log = await EmbeddedLog.open(folder, { ...options, onFatal })
await log.createTopic('t', { partitions: 1, partitioner: 'kafka' })
const append = () =>
  log.append({ topic: 't', partition: 0, records: [{ key: null, value: Buffer.alloc(100_000, 65) }] })
for (let count = 0; count < 4; count++) await append()
if (what === 'read') {
  await log.close()
  log = await EmbeddedLog.open(folder, { ...options, onFatal })
}

async function attempt(): Promise<string> {
  try {
    if (what === 'roll') return `appended ${(await append()).baseOffset}`
    return `read ${log.read('t', 0, 0, { records: 1, bytes: 1e9 }).length}`
  } catch (error) {
    return error instanceof PipelineError ? `${error.code} ${error.retriable}` : String(error)
  }
}

const held: number[] = []
try {
  for (;;) held.push(openSync('/dev/null', 'r'))
} catch {
  for (let count = 0; count < Number(left); count++) closeSync(held.pop()!)
}
const first = await attempt()
for (const descriptor of held) closeSync(descriptor)
say(first)
say(await attempt())
await log.close()
process.exit(0)
