import { readFileSync } from 'node:fs'
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ErrorCode } from '../../src/core/index.ts'
import { Engine, literal } from '../../src/engine/index.ts'
import { type Started, start } from '../e2e/pinflow.ts'

/** Stands in every planted file, and must never stand in an answer. */
export const secret = 'planted-secret-7f3a91'

export interface Asked {
  error?: { code: ErrorCode; message: string }
  rows: Record<string, unknown>[]
  /** All that was sent. */
  text: string
  ms: number
}

/** A platform as a process of its own, beside a folder with secrets. */
export class Server {
  readonly root: string
  readonly #started: Started
  readonly #token: string

  private constructor(root: string, started: Started, token: string) {
    this.root = root
    this.#started = started
    this.#token = token
  }

  /** @param env configuration by variable */
  static async start(env: Record<string, string>): Promise<Server> {
    const root = await mkdtemp(join(tmpdir(), 'pinflow-guard-'))
    await plant(join(root, 'outside'))
    await mkdir(join(root, 'home'))
    await writeFile(join(root, 'home/secret.txt'), secret)
    await writeFile(join(root, 'home/secret.csv'), `a\n${secret}\n`)
    const data = join(root, 'data')
    const started = await start(['--data', data], {
      env: { HOME: join(root, 'home'), PLANTED: secret, ...env },
    })
    const { token } = JSON.parse(await readFile(join(data, 'server.json'), 'utf8')) as { token: string }
    const server = new Server(root, started, token)
    await server.#fill()
    return server
  }

  get pid(): number {
    return this.#started.child.pid ?? 0
  }

  get alive(): boolean {
    const { exitCode, signalCode } = this.#started.child
    return exitCode === null && signalCode === null
  }

  /** Anonymous memory of the platform's process, without its children. */
  get anonymousBytes(): number {
    return anonymousBytes(this.pid)
  }

  /** Its query processes. */
  children(): number[] {
    const listed = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim()
    return listed === '' ? [] : listed.split(' ').map(Number)
  }

  async ask(sql: string, signal?: AbortSignal): Promise<Asked> {
    const begin = performance.now()
    const response = await this.#post('sql', { sql, from: 'batch' }, signal)
    const sent = await text(Readable.fromWeb(response.body as never))
    const lines = sent
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
    const rows = lines.flatMap(({ item }) => item?.rows ?? [])
    return { ...lines.at(-1), rows, text: sent, ms: performance.now() - begin }
  }

  /** What a platform's heap has once it has passed on rows for a while. */
  async warm(): Promise<void> {
    const asking = async () => {
      for (let time = 0; time < 150; time++) await this.ask('SELECT *, repeat($$x$$, 100) FROM range(100)')
    }
    await Promise.all(Array.from({ length: 4 }, asking))
  }

  /** Ask, and take nothing of what is answered. */
  open(sql: string, signal: AbortSignal): Promise<Response> {
    return this.#post('sql', { sql, from: 'batch' }, signal)
  }

  /** Paths of all files, without the log's and what else changes by itself. */
  async files(): Promise<string[]> {
    const found = await readdir(this.root, { recursive: true })
    return found.filter((path) => !/^data\/(log|index|lake)\//.test(path)).sort()
  }

  /** Put the paths of this server into a text. */
  filled(sql: string): string {
    const tables = join(this.root, 'data/tables')
    const places: Record<string, string> = {
      outside: join(this.root, 'outside'),
      tables,
      file: join(tables, this.#file),
      scratch: join(this.root, 'data/tmp/queries/0/spill'),
      link: join(tables, 'link.csv'),
      hard: join(tables, 'hard.csv'),
    }
    return sql.replace(/\{(\w+)\}/g, (_, name: string) => places[name] ?? `{${name}}`)
  }

  #file = ''

  async stop(): Promise<number | null> {
    const code = await this.#started.stop()
    await rm(this.root, { recursive: true, force: true })
    return code
  }

  kill(): void {
    this.#started.child.kill('SIGKILL')
  }

  #post(operation: string, parameters: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.#started.apiUrl}/api/${operation}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(parameters),
      signal: signal ?? null,
    })
  }

  async #fill(): Promise<void> {
    const records = ['Malta', 'Peru', 'Chad'].map((country, ind) => ({ value: { ind, country } }))
    await fetch(`${this.#started.gatewayUrl}/topics/demo.geo`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
      body: JSON.stringify({ records: [...records, { value: 'no object' }] }),
    })
    const done = await this.#post('runBatch', {})
    const sent = await text(Readable.fromWeb(done.body as never))
    // The tables are made by then; the questions of the report may take longer than this platform gives them.
    if (!/"result"|QUERY_TIMED_OUT/.test(sent)) throw new Error(sent + this.#started.stderr())
    const tables = join(this.root, 'data/tables')
    this.#file =
      (await readdir(tables, { recursive: true })).find((path) => /^batch\/geo\/.*\.parquet$/.test(path)) ??
      ''
    await symlink(join(this.root, 'outside/secret.csv'), join(tables, 'link.csv'))
    await link(join(this.root, 'outside/secret.csv'), join(tables, 'hard.csv'))
    await mkdir(join(this.root, 'data/tables-evil'))
    await writeFile(join(this.root, 'data/tables-evil/secret.txt'), secret)
  }
}

export function anonymousBytes(pid: number): number {
  const [, kib = '0'] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

/** A folder with a secret in each format that the engine reads. */
export async function plant(folder: string): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'secret.txt'), secret)
  await writeFile(join(folder, 'secret.csv'), `a\n${secret}\n`)
  await writeFile(join(folder, 'secret.json'), `{"a": "${secret}"}\n`)
  const engine = await Engine.open({ memoryBytes: 2 ** 27, threads: 1, temporaryFolder: folder })
  await engine.with(async (session) => {
    const select = `SELECT ${literal(secret)} AS a`
    await session.run(`COPY (${select}) TO ${literal(join(folder, 'secret.parquet'))} (FORMAT parquet)`)
    await session.run(`ATTACH ${literal(join(folder, 'secret.db'))} AS s; CREATE TABLE s.secret AS ${select}`)
    await session.run(`EXPORT DATABASE s TO ${literal(join(folder, 'export'))}`).catch(() => undefined)
  })
  engine.close()
}
