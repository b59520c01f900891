import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Engine, Row, Session } from '../../../src/engine/index.ts'

type Values = Parameters<Session['append']>[1]

/** A statement of a session, in the words of the session, and what it read. */
interface Statement {
  method: 'run' | 'rows' | 'query' | 'fields' | 'chunks' | 'append'
  sql: string
  values?: Values
  inputs: { path: string; content: Buffer }[]
  output: string | undefined
  /** Its name in `Moment.next`: the same for the same statement over files of the same contents. */
  name: string
}

/** Where a session stands after its statements. */
interface Moment {
  next: Map<string, Moment>
  /** What the statement that led here gave. */
  result?: unknown
  error?: unknown
  written?: Buffer | undefined
}

const momentsMax = 60_000

/**
 * An engine that remembers. What a session answers follows from its statements and the contents of the files they name,
 * so a session that says the same as another is answered from memory; at the first new word a real session is brought to
 * the same point, and goes on from there.
 */
export class RememberingEngine {
  readonly #engine: Engine
  readonly #folder: string
  #root: Moment = { next: new Map() }
  #moments = 0

  /** @param folder all files that statements name lie in it */
  constructor(engine: Engine, folder: string) {
    this.#engine = engine
    this.#folder = folder
  }

  /** As the product sees it. */
  get asEngine(): Engine {
    return this as unknown as Engine
  }

  async connect(): Promise<RememberingSession> {
    if (this.#moments > momentsMax) {
      this.#root = { next: new Map() }
      this.#moments = 0
    }
    const remember = (from: Moment, name: string, moment: Moment) => {
      from.next.set(name, moment)
      this.#moments++
    }
    return new RememberingSession(this.#engine, this.#folder, this.#root, remember)
  }

  async with<T>(action: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.connect()
    try {
      return await action(session as unknown as Session)
    } finally {
      session.close()
    }
  }
}

class RememberingSession {
  readonly #engine: Engine
  readonly #folder: string
  readonly #remember: (from: Moment, name: string, moment: Moment) => void
  #moment: Moment
  /** What a real session must be told to stand here. */
  readonly #history: Statement[] = []
  #real: Session | undefined

  constructor(
    engine: Engine,
    folder: string,
    moment: Moment,
    remember: (from: Moment, name: string, moment: Moment) => void,
  ) {
    this.#engine = engine
    this.#folder = folder
    this.#moment = moment
    this.#remember = remember
  }

  async run(sql: string): Promise<void> {
    await this.#answer('run', sql)
  }

  async rows(sql: string): Promise<Row[]> {
    return (await this.#answer('rows', sql)) as Row[]
  }

  query(sql: string): Promise<unknown> {
    return this.#answer('query', sql)
  }

  fields(sql: string): Promise<unknown> {
    return this.#answer('fields', sql)
  }

  async *chunks(sql: string): AsyncGenerator<unknown> {
    yield* (await this.#answer('chunks', sql)) as unknown[]
  }

  async append(table: string, values: Values): Promise<void> {
    await this.#answer('append', table, values)
  }

  close(): void {
    this.#real?.close()
  }

  async #answer(method: Statement['method'], sql: string, values?: Values): Promise<unknown> {
    const statement = this.#read(method, sql, values)
    let moment = this.#moment.next.get(statement.name)
    if (!moment) {
      moment = await this.#ask(statement)
      this.#remember(this.#moment, statement.name, moment)
    } else {
      if (moment.written && statement.output) writeFileSync(statement.output, moment.written)
      this.#real?.close()
      this.#real = undefined
    }
    const changes = method === 'run' || method === 'append'
    if (changes && !moment.error && !statement.output) this.#history.push(statement)
    this.#moment = moment
    if (moment.error) throw moment.error
    return moment.result
  }

  /** Let the real session answer. */
  async #ask(statement: Statement): Promise<Moment> {
    this.#real ??= await this.#catchUp()
    const moment: Moment = { next: new Map() }
    try {
      moment.result = await tell(this.#real, statement)
    } catch (error) {
      moment.error = error
    }
    const { output } = statement
    if (output && existsSync(output)) moment.written = readFileSync(output)
    return moment
  }

  async #catchUp(): Promise<Session> {
    const session = await this.#engine.connect()
    for (const statement of this.#history) {
      const gone = statement.inputs.filter(({ path }) => !existsSync(path))
      for (const { path, content } of gone) writeFileSync(path, content)
      await tell(session, statement)
      for (const { path } of gone) rmSync(path)
    }
    return session
  }

  #read(method: Statement['method'], sql: string, values: Values | undefined): Statement {
    const inputs: Statement['inputs'] = []
    let output: string | undefined
    const said = sql.replaceAll(/'(\/[^']*)'/g, (whole, path: string) => {
      if (!path.startsWith(this.#folder)) return whole
      if (!existsSync(path)) {
        output = path
        return `'a new file'`
      }
      const content = readFileSync(path)
      inputs.push({ path, content })
      return `'${createHash('sha1').update(content).digest('hex')}'`
    })
    const name = `${method} ${said} ${values?.join() ?? ''}`
    return { method, sql, ...(values && { values: [...values] }), inputs, output, name }
  }
}

async function tell(session: Session, { method, sql, values }: Statement): Promise<unknown> {
  switch (method) {
    case 'run':
      return session.run(sql)
    case 'rows':
      return session.rows(sql)
    case 'query':
      return session.query(sql)
    case 'fields':
      return session.fields(sql)
    case 'chunks': {
      const chunks: unknown[] = []
      for await (const chunk of session.chunks(sql)) chunks.push(chunk)
      return chunks
    }
    case 'append':
      return session.append(sql, values ?? [])
  }
}
