/** One thing that happens to one file. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/**
 * Kinds of files, by a pattern of their paths below the data folder: the first that fits is a file's kind; and how much
 * more often one is hit than another.
 */
const kinds: readonly [name: string, path: RegExp, weight: number][] = [
  ['catalog', /^log\/catalog\.json$/, 3],
  ['segment', /^log\/segments\/\d+\.lmdb$/, 12],
  ['lock of LMDB', /\.lmdb-lock$/, 1],
  ['epoch entry', /\/epochs\/\d+\.json$/, 6],
  ['landed marker', /\/landed\/\d+\.json$/, 4],
  ['raw object', /^lake\/topics\//, 3],
  ['checkpoint', /\/_delta_log\/\d+\.checkpoint\.parquet$/, 6],
  ['hint to a checkpoint', /\/_last_checkpoint$/, 2],
  ['commit of a quarantine', /^tables\/quarantine\/.*\/_delta_log\/\d+\.json$/, 3],
  ['commit', /\/_delta_log\/\d+\.json$/, 6],
  ['quarantine file', /^tables\/quarantine\/.*\.parquet$/, 3],
  ['data file', /^tables\/.*\.parquet$/, 4],
  ['key index', /^index\/.*\.lmdb$/, 8],
  ['pinflow.json', /^pinflow\.json$/, 1],
  ['server.json', /^server\.json$/, 1],
]
/** Pages of LMDB begin with what tells where everything is: half of what hits such a file hits there. */
const pageBytes = 4_096
const pageHeadBytes = 200
const sectorBytes = 512

/** @param random a number from 0 to below 1 */
export type Random = () => number

export interface Damage {
  /** Kind of the file. */
  kind: string
  path: string
  /** `digit`: the lowest bit of a digit, which leaves another digit. */
  form: 'bit' | 'digit' | 'bytes' | 'sector' | 'end'
  /** Where in the file. */
  at: number
}

/** Files of a data folder by their kind; empty ones cannot be damaged. */
export function filesOf(data: string): Map<string, string[]> {
  const files = new Map<string, string[]>(kinds.map(([name]) => [name, []]))
  for (const path of readdirSync(data, { recursive: true, encoding: 'utf8' }).sort()) {
    const status = statSync(join(data, path))
    if (!status.isFile() || status.size === 0) continue
    const kind = kinds.find(([, pattern]) => pattern.test(path))
    if (kind) files.get(kind[0])!.push(path)
    else if (path !== 'lock') throw new Error(`${path} is of no kind`)
  }
  return files
}

export function damageFile(
  data: string,
  files: ReadonlyMap<string, readonly string[]>,
  random: Random,
): Damage {
  const below = (end: number): number => Math.floor(random() * end)
  const weighted = kinds.flatMap(([name, , weight]) => Array.from({ length: weight }, () => name))
  const kind = weighted[below(weighted.length)]!
  const paths = files.get(kind)!
  const path = paths[below(paths.length)]!
  const content = readFileSync(join(data, path))
  const size = content.length
  const head = below(Math.ceil(size / pageBytes)) * pageBytes + below(pageHeadBytes)
  const isOfPages = path.endsWith('.lmdb')
  const isAimed = random() < 0.5
  const anywhere = isOfPages && isAimed ? Math.min(head, size - 1) : below(size)
  const digits =
    path.endsWith('.json') && isAimed ? [...content.keys()].filter((at) => isDigit(content[at]!)) : []
  const chance = random()
  const form = chance < 0.7 ? 'bit' : chance < 0.8 ? 'bytes' : chance < 0.9 ? 'sector' : 'end'
  const damage: Damage =
    digits.length > 0
      ? { kind, path, form: 'digit', at: digits[below(digits.length)]! }
      : { kind, path, form, at: form === 'end' && random() < 0.5 ? 0 : anywhere }
  apply(join(data, path), damage, size, random)
  return damage
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function apply(path: string, { form, at }: Damage, size: number, random: Random): void {
  if (form === 'end') {
    truncateSync(path, at)
    return
  }
  const from = form === 'sector' ? at - (at % sectorBytes) : at
  const length = { bit: 1, digit: 1, bytes: 1 + Math.floor(random() * 8), sector: sectorBytes }[form]
  const content = Buffer.alloc(Math.min(length, size - from))
  const file = openSync(path, 'r+')
  try {
    readSync(file, content, 0, content.length, from)
    if (form === 'bit') content[0]! ^= 1 << Math.floor(random() * 8)
    else if (form === 'digit') content[0]! ^= 1
    else if (form === 'sector') content.fill(0)
    else for (const place of content.keys()) content[place] = Math.floor(random() * 256)
    writeSync(file, content, 0, content.length, from)
  } finally {
    closeSync(file)
  }
}
