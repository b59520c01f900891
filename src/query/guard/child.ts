/**
 * A query process: answers what the platform asks over its socket, one text after another, each in an SQL engine of its
 * own that can read the named files and nothing else. It is started by `QueryProcess`, and ends with the platform.
 *
 * Imports only what it needs: how soon it answers first is how soon it has loaded.
 */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import module from 'node:module'
import { Socket } from 'node:net'
import { setPriority } from 'node:os'
import { Engine, literal, type Session, textOrBase64 } from '../../engine/index.ts'
import { judge, Refusal } from './judge.ts'
import { lockDown } from './lock.ts'
import { type Ask, type Failure, type FromProcess, messages, type Size, type ToProcess } from './protocol.ts'

/** Bytes of rows, as JSON, that go out together. */
const pieceBytes = 64 * 1024
const lineBytesMax = 2 ** 30
const lowPriority = 5

const socket = new Socket({ fd: 3, readable: true, writable: true })
// Whatever runs then, nobody waits for it.
socket.on('close', () => process.kill(process.pid, 'SIGKILL'))
socket.on('error', () => process.kill(process.pid, 'SIGKILL'))

let asked: Running | undefined

/** Let the platform and the rest of the machine go first, and be the first to go where memory runs out. */
function yieldToOthers(): void {
  setPriority(lowPriority)
  if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000')
}

/** The views of tables cannot be made: their files are not what they should be. */
class TablesUnreadable extends Error {}
class TooLarge extends Error {}

interface Running {
  stopped: boolean
  session?: Session
}

async function answer(ask: Ask): Promise<void> {
  const running: Running = { stopped: false }
  asked = running
  await send({ begun: true })
  const last = await answerIn(ask, running).then(
    (read) =>
      (size: Size): FromProcess => ({ done: { read, ...size } }),
    (error: unknown) =>
      (size: Size): FromProcess => ({ failed: { ...failureOf(error), ...size } }),
  )
  asked = undefined
  await send(last({ dataBytes: dataBytes() }))
}

async function answerIn(ask: Ask, running: Running): Promise<number[]> {
  const engine = await Engine.open(ask.engine)
  try {
    return await engine.with(async (session) => {
      running.session = session
      await lockDown(session, ask.paths)
      const [row] = await session.rows('SELECT json_serialize_sql(CAST($1 AS VARCHAR)) AS tree', [ask.sql])
      const read = judge(String(row?.tree), ask.sql, ask.tables)
      await makeViews(session, ask, read)
      if (!running.stopped) await sendRows(session, ask, running)
      return read
    })
  } finally {
    delete running.session
    engine.close()
  }
}

async function makeViews(session: Session, { tables, schema }: Ask, read: readonly number[]): Promise<void> {
  await session.run(`CREATE SCHEMA ${schema}; SET search_path = ${literal(`main,${schema}`)}`)
  const named = read.map((place) => tables[place]!)
  for (const { damage } of named) if (damage !== undefined) throw new TablesUnreadable(damage)
  try {
    for (const { views } of named) for (const view of views) await session.run(view)
  } catch (error) {
    throw new TablesUnreadable(messageOf(error), { cause: error })
  }
}

/** Columns, then the rows in pieces, none before the last has gone out. */
async function sendRows(session: Session, ask: Ask, running: Running): Promise<void> {
  const { columns, chunks } = await session.stream(ask.sql, textOrBase64)
  await send({ columns })
  const names = columns.map(({ name }) => JSON.stringify(name))
  const counted = new Counted(ask)
  let piece: string[] = []
  let bytes = 0
  const flush = async () => {
    if (piece.length > 0) await sendLine(`{"rows":[${piece.join(',')}],"bytes":${bytes}}`)
    piece = []
    bytes = 0
  }
  for await (const chunk of chunks) {
    for (const values of chunk) {
      if (running.stopped) return
      // Put together by hand: an object for each row would cost as much as all else.
      const row = `{${values.map((value, at) => `${names[at]}:${JSON.stringify(value)}`).join(',')}}`
      bytes += counted.add(row)
      piece.push(row)
      if (bytes >= pieceBytes) await flush()
    }
  }
  await flush()
}

/** Rows that have gone out, and their bytes. */
class Counted {
  readonly #ask: Ask
  #rows = 0
  #bytes = 0

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** @returns bytes of the row, with what parts it from the next @throws TooLarge */
  add(row: string): number {
    const { rowsMax, bytesMax, rowBytesMax } = this.#ask
    const bytes = Buffer.byteLength(row) + 1
    this.#rows++
    this.#bytes += bytes
    if (bytes > rowBytesMax)
      throw new TooLarge(`row ${this.#rows} of the answer has ${bytes} bytes; a row may have ${rowBytesMax}`)
    if (this.#rows > rowsMax) throw new TooLarge(`the answer has more than ${rowsMax} rows (query.rowsMax)`)
    if (this.#bytes > bytesMax)
      throw new TooLarge(`the answer has more than ${bytesMax} bytes (query.bytesMax) in ${this.#rows} rows`)
    return bytes
  }
}

function failureOf(error: unknown): { code: Failure; message: string } {
  const message = messageOf(error)
  if (error instanceof TooLarge) return { code: 'ANSWER_TOO_LARGE', message }
  if (error instanceof Refusal) return { code: 'QUERY_INVALID', message }
  if (
    /^Out of Memory Error|bad_alloc|Allocation failure|Invalid string length|Array buffer allocation/.test(
      message,
    )
  )
    return {
      code: 'QUERY_OUT_OF_MEMORY',
      message: `the query needs more memory than it may have: ${firstLine(message)}`,
    }
  if (error instanceof TablesUnreadable) return { code: 'TABLE_DAMAGED', message }
  if (/^(INTERNAL|FATAL) Error/.test(message))
    return { code: 'QUERY_ENGINE_ENDED', message: firstLine(message) }
  return { code: 'QUERY_INVALID', message }
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').replace(/^Out of Memory Error: /, '')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function send(message: FromProcess): Promise<void> {
  return sendLine(JSON.stringify(message))
}

/** Settles when more may be written. */
async function sendLine(line: string): Promise<void> {
  if (!socket.write(`${line}\n`)) await once(socket, 'drain')
}

function dataBytes(): number {
  if (process.platform !== 'linux') return 0
  const [, kib = '0'] = /^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kib) * 1024
}

yieldToOthers()
await send({ ready: { dataBytes: dataBytes() } })
module.flushCompileCache?.()
for await (const message of messages<ToProcess>(socket, lineBytesMax)) {
  if ('stop' in message) {
    if (asked) asked.stopped = true
    asked?.session?.interrupt()
  } else void answer(message)
}
