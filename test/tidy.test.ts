/** What the house looks like: who imports whom, and how long a file may be. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { errorDocs } from '../scripts/error-docs.ts'

/** Folders of src: a later one may import an earlier one. */
const order = [
  'core',
  'log',
  'engine',
  'table',
  'pipeline',
  'lake',
  'clean',
  'query',
  'quarantine',
  'account',
  'refusals',
  'trace',
  'schedule',
  'emulate',
  'gateway',
  'platform',
  'doctor',
  'api',
  'cli',
]

const linesMax = 400

interface Import {
  line: number
  /** What it names: a path from the root of the repository, or a package. */
  target: string
  /** Gone once types are stripped. */
  typeOnly: boolean
}

interface SourceFile {
  path: string
  lines: number
  imports: Import[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = globSync(['src/**/*.ts', 'pipelines/**/*.ts'], { cwd: root }).sort().map(readSource)
const ofSrc = sources.filter(({ path }) => path.startsWith('src/'))
const ofPipelines = sources.filter(({ path }) => path.startsWith('pipelines/'))

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  return { path, lines: text.trimEnd().split('\n').length, imports: importsOf(path, text) }
}

function importsOf(path: string, text: string): Import[] {
  const names = /(?:\*(?:\s+as\s+\w+)?|\w+)?\s*,?\s*(?:\{[^}]*\})?/.source
  const statement = new RegExp(
    `^(?:import|export)\\s+(type\\s+(?!from\\b))?(?:${names}\\s*from\\s+)?'([^']+)'`,
    'gm',
  )
  const call = /(typeof\s+)?\bimport\(\s*'([^']+)'\s*\)/g
  return [statement, call].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index, 1: type, 2: name = '' }) => ({
      line: text.slice(0, index).split('\n').length,
      target: name.startsWith('.') ? relative(root, join(root, dirname(path), name)) : name,
      typeOnly: type !== undefined,
    })),
  )
}

/** The folder of src that a path lies in; `src/platform.ts` is one by itself. */
function folderOf(path: string): string | undefined {
  return /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1]
}

/** Imports that break a rule, as `file:line imports target`. */
function breaches(files: SourceFile[], isBreach: (file: SourceFile, imported: Import) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter((imported) => isBreach(file, imported))
      .map(({ line, target }) => `${file.path}:${line} imports ${target}`),
  )
}

/** Every cycle that a walk along the imports closes, as `a.ts:1 → b.ts:2 → a.ts`. */
function cycles(files: SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const found: string[] = []
  const walk = (path: string, trail: { path: string; line: number }[]) => {
    const start = trail.findIndex((step) => step.path === path)
    if (start >= 0) {
      found.push([...trail.slice(start).map((step) => `${step.path}:${step.line}`), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const { target, line, typeOnly } of byPath.get(path)?.imports ?? []) {
      if (!typeOnly && byPath.has(target)) walk(target, [...trail, { path, line }])
    }
    done.add(path)
  }
  for (const { path } of files) walk(path, [])
  return found
}

describe('the house', () => {
  test('imports of every form are seen', () => {
    const text = `import a from './a.ts'
import b, { type C } from './b.ts'
import type { D } from './d.ts'
import {
  e,
} from './e.ts'
import './f.ts'
export * from './g.ts'
export type * from './h.ts'
export { i } from '../i/index.ts'
export const text = 'not one'
const j = await import('./j.ts')
import * as k from 'k'
export type K = typeof import('./l.ts')
`
    const seen = importsOf('src/x/x.ts', text)
    expect(seen.map(({ line, target, typeOnly }) => `${line} ${target}${typeOnly ? ' type' : ''}`)).toEqual([
      '1 src/x/a.ts',
      '2 src/x/b.ts',
      '3 src/x/d.ts type',
      '4 src/x/e.ts',
      '7 src/x/f.ts',
      '8 src/x/g.ts',
      '9 src/x/h.ts type',
      '10 src/i/index.ts',
      '13 k',
      '12 src/x/j.ts',
      '14 src/x/l.ts type',
    ])
  })

  test('every folder of src has its place in the order', () => {
    const folders = new Set(ofSrc.map(({ path }) => folderOf(path)))
    expect([...folders].filter((folder) => !order.includes(folder ?? ''))).toEqual([])
    expect(folders.size).toBeGreaterThan(5)
  })

  test('a folder imports earlier folders only', () => {
    const place = (path: string) => order.indexOf(folderOf(path) ?? '')
    expect(breaches(ofSrc, ({ path }, { target }) => place(target) > place(path))).toEqual([])
  })

  test('src imports nothing of the repository but src', () => {
    const isOutside = (target: string) => /^(\.\.|pipelines|test|scripts|bench|dist)\b/.test(target)
    expect(breaches(ofSrc, (_, { target }) => isOutside(target))).toEqual([])
  })

  test('a folder is imported through its index.ts alone', () => {
    const isPast = ({ path }: SourceFile, { target }: Import) => {
      const folder = folderOf(target)
      if (folder === undefined || folder === folderOf(path)) return false
      return ![`src/${folder}/index.ts`, `src/${folder}.ts`].includes(target)
    }
    expect(breaches(ofSrc, isPast)).toEqual([])
  })

  test('no file imports itself by way of others, types aside', () => {
    expect(cycles(sources)).toEqual([])
  })

  test('a cycle would be seen', () => {
    const file = (path: string, target: string, typeOnly = false): SourceFile => ({
      path,
      lines: 1,
      imports: [{ line: 7, target, typeOnly }],
    })
    expect(cycles([file('a', 'b'), file('b', 'c'), file('c', 'b')])).toEqual(['b:7 → c:7 → b'])
    expect(cycles([file('a', 'b'), file('b', 'a', true)])).toEqual([])
  })

  test('pipelines import src/pipeline alone', () => {
    const isOther = (target: string) => /^(\.\.|src|test|scripts|bench|dist)\b/.test(target)
    expect(
      breaches(ofPipelines, (_, { target }) => isOther(target) && target !== 'src/pipeline/index.ts'),
    ).toEqual([])
    expect(ofPipelines.length).toBeGreaterThan(0)
  })

  test(`no file of src or pipelines has more than ${linesMax} lines`, () => {
    const long = sources.filter(({ lines }) => lines > linesMax).map(({ path, lines }) => `${path}:${lines}`)
    expect(long).toEqual([])
  })

  test('docs/errors.md is what the list of error codes says', () => {
    const written = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')
    expect(written, 'run: node scripts/error-docs.ts').toBe(errorDocs())
  })
})
