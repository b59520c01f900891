/**
 * A process that opens the log of a folder and appends to it, one record after the other; for `strace` to make its
 * calls fail. Arguments: folder, bytes of a segment. Lines: `ack <offset> <value>`, and at the end `closed`, or
 * `failed <code>` (exit code 2).
 */
import { writeSync } from 'node:fs'
import { PipelineError } from '../../../src/core/index.ts'
import { EmbeddedLog } from '../../../src/log/index.ts'

const [folder = '', segmentBytes] = process.argv.slice(2)
const say = (line: string): void => void writeSync(1, `${line}\n`)

function fail(error: unknown): never {
  say(`failed ${error instanceof PipelineError ? error.code : error}`)
  process.exit(2)
}

try {
  const log = await EmbeddedLog.open(folder, {
    recordBytesMax: 2 ** 20,
    segmentBytes: Number(segmentBytes),
    segmentAgeMs: 1e12,
    freeBytesMin: 0,
    onFatal: fail,
  })
  for (let count = 0; count < 6; count++) {
    const value = `${count}`.repeat(3_000)
    const records = [{ key: null, value: Buffer.from(value) }]
    const { baseOffset } = await log.append({ topic: 't', partition: 0, records })
    say(`ack ${baseOffset} ${value}`)
  }
  await log.close()
  say('closed')
} catch (error) {
  fail(error)
}
