/**
 * Makes the calls fail that reach the disk by native code, as far as they are seen from outside: puts and transactions
 * of LMDB, statements of DuckDB that read or write files. (`strace` makes the real ones fail, see `native.ts`.)
 */
import { DuckDBConnection } from '@duckdb/node-api'
import { KeyIndex } from '../../../src/clean/key-index.ts'
import { Segment } from '../../../src/log/embedded/segment.ts'
import type { FailingCalls, Kind } from './failing-calls.ts'

type Method = (...args: never[]) => Promise<unknown>
type Methods = Record<string, Method>

const filesInSql = /read_parquet|read_json|read_csv|^COPY/

export class FailingEngines {
  readonly #calls: FailingCalls
  readonly #undo: (() => void)[] = []

  constructor(calls: FailingCalls) {
    this.#calls = calls
  }

  install(): void {
    const lmdb = (name: string) =>
      this.#replace(prototypeOf(name === 'put' ? Segment : KeyIndex), name, 'lmdb', () => 'grow')
    for (const name of ['put', 'write', 'clear']) lmdb(name)
    this.#replace(Segment as unknown as Methods, 'create', 'lmdb', () => 'grow')
    for (const name of ['run', 'runAndReadAll', 'stream'])
      this.#replace(prototypeOf(DuckDBConnection), name, 'duckdb', kindOfSql)
  }

  uninstall(): void {
    for (const undo of this.#undo.splice(0)) undo()
  }

  /** @param kindOf undefined: it does not reach the disk */
  #replace(
    methods: Methods,
    name: string,
    engine: string,
    kindOf: (argument: unknown) => Kind | undefined,
  ): void {
    const real = methods[name]!
    const calls = this.#calls
    methods[name] = async function (this: unknown, ...args: never[]) {
      const kind = kindOf(args[0])
      const failure = kind && calls.next(`${engine}.${name}`, kind, '')
      if (!failure || failure.happens) {
        const result = await real.apply(this, args)
        if (!failure) return result
        if (result instanceof Segment) await result.close()
      }
      throw engine === 'lmdb' ? failure.error : new Error(`IO Error: ${wordsOf(failure.error)}`)
    }
    this.#undo.push(() => {
      methods[name] = real
    })
  }
}

function prototypeOf(type: { prototype: object }): Methods {
  return type.prototype as Methods
}

function kindOfSql(sql: unknown): Kind | undefined {
  if (typeof sql !== 'string' || !filesInSql.test(sql)) return undefined
  return sql.startsWith('COPY') ? 'grow' : 'look'
}

/** As DuckDB has it. */
function wordsOf({ code }: NodeJS.ErrnoException): string {
  return code === 'ENOSPC'
    ? 'Could not write file: No space left on device'
    : 'Could not access file: Input/output error'
}
