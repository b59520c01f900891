import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isSystemError, messageOf, PipelineError } from '../core/index.ts'
import { checkDefinition, checkSource, refuse } from './check.ts'
import type { DatasetDefinition, RawColumn, RawSchema, SyntheticSource } from './define.ts'
import { nonKeyMembers } from './members.ts'
import { type DatasetNames, resolveNames } from './names.ts'
import type { Dataset, Pipeline, Question } from './pipeline.ts'

/**
 * Version of the conversions from raw values to declared types. It is part of every definition, so a change here
 * asks for every table to be rebuilt.
 */
export const conversionVersion = 1

/**
 * Load a pipeline folder: import `pipeline.ts` (else `pipeline.js`), check it, read the SQL files it names.
 * The file runs in this process, once per process.
 *
 * @param options.id stands for `{id}` in topics, streams and tables; 1 to 64 of a-z A-Z 0-9 . _ -
 * @throws PIPELINE_INVALID with the first thing that is wrong; CONFIG_INVALID for the id
 */
export async function loadPipeline(folder: string, options: { id: string }): Promise<Pipeline> {
  const root = resolve(folder)
  const definition = await importDefinition(root)
  checkDefinition(definition)
  const names = resolveNames(definition.datasets, options.id)
  const loaded: Loaded[] = []
  for (const [name, dataset] of Object.entries(definition.datasets)) {
    loaded.push(await loadDataset(root, name, dataset, names.get(name)!))
  }
  const { source } = definition
  const datasets = loaded.map((dataset) => ({ ...dataset, definition: definitionOf(dataset, loaded) }))
  return {
    name: definition.name,
    folder: root,
    datasets,
    questions: definition.questions ? await loadQuestions(root, definition.questions.folder) : [],
    ...(source && { source: () => loadSource(source) }),
  }
}

async function importDefinition(root: string): Promise<unknown> {
  const files = await list(root)
  const name = ['pipeline.ts', 'pipeline.js'].find((file) => files.includes(file))
  if (name === undefined) return refuse(`${root} holds neither pipeline.ts nor pipeline.js`)
  const file = join(root, name)
  let module: { default?: unknown }
  try {
    module = await import(/* @vite-ignore */ pathToFileURL(file).href)
  } catch (thrown) {
    throw new PipelineError('PIPELINE_INVALID', `${file} cannot be imported: ${messageOf(thrown)}`, {
      cause: thrown,
    })
  }
  return module.default ?? refuse(`${file} exports nothing by default; it must be what definePipeline gives`)
}

async function loadSource(load: () => Promise<SyntheticSource>): Promise<SyntheticSource> {
  const source: unknown = await load()
  checkSource(source)
  return source
}

type Loaded = Omit<Dataset, 'definition'>

async function loadDataset(
  root: string,
  name: string,
  definition: DatasetDefinition,
  names: DatasetNames,
): Promise<Loaded> {
  const text = await readSql(join(root, definition.clean.file))
  return {
    name,
    ...names,
    key: definition.key === null ? [] : [definition.key].flat(),
    onDuplicate: definition.onDuplicate ?? 'first',
    schema: definition.schema,
    // The text becomes a subquery, where no semicolon can stand.
    sql: text.replace(/\s*;$/, ''),
    sqlFile: definition.clean.file,
  }
}

/**
 * What a dataset's tables depend on, in 64 hexadecimal digits: name, topics, schema, key, rule for repeats, cleaning text,
 * version of the conversions, and the non-key members of every other dataset, for by them a record is told to be
 * another's. The order of columns counts; spelling out a default, line ends and white space around the SQL text do
 * not, nor do names, texts and order of the other datasets.
 */
function definitionOf(dataset: Loaded, all: readonly Loaded[]): string {
  const { name, topics, schema, key, onDuplicate, sql } = dataset
  const read = topics.map((topic) => topic.name).sort()
  const others = all
    .filter((other) => other !== dataset)
    .map((other) => JSON.stringify(nonKeyMembers(other).sort()))
    .sort()
  const canonical = [conversionVersion, name, read, canonicalSchema(schema), key, onDuplicate, sql, others]
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex')
}

function canonicalSchema(schema: RawSchema): unknown {
  return Object.entries(schema).map(([name, column]) => [
    name,
    column.type,
    column.from ?? [name],
    ...limits(column),
  ])
}

function limits(column: RawColumn): [min: number | null, max: number | null] {
  return 'min' in column || 'max' in column ? [column.min ?? null, column.max ?? null] : [null, null]
}

async function loadQuestions(root: string, folder: string): Promise<Question[]> {
  const files = (await list(join(root, folder))).filter(
    (file) => file.endsWith('.sql') && !file.startsWith('.'),
  )
  if (files.length === 0) refuse(`${join(root, folder)} holds no .sql file`)
  return Promise.all(
    files.sort(naturally).map(async (file) => {
      const name = file.slice(0, -'.sql'.length)
      const sql = await readSql(join(root, folder, file))
      const title = /^[ \t]*--[ \t]*(\S.*?)[ \t]*$/m.exec(sql)?.[1] ?? name
      const ties = /^[ \t]*--[ \t]*ties:(.*)$/m
        .exec(sql)?.[1]
        ?.split(',')
        .map((column) => column.trim())
      return { name, title, sql, ...(ties && { ties }) }
    }),
  )
}

/** Numbers in names by what they are worth. Without Intl, whose tables take longer to load than a pipeline. */
function naturally(a: string, b: string): number {
  const [keyA, keyB] = [a, b].map((name) =>
    name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0')),
  ) as [string, string]
  if (keyA === keyB) return a < b ? -1 : 1
  return keyA < keyB ? -1 : 1
}

/** A file's text without white space around it, lines ended by LF. */
async function readSql(file: string): Promise<string> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
  } catch (thrown) {
    throw new PipelineError('PIPELINE_INVALID', `${file} cannot be read: ${reasonOf(thrown)}`, {
      cause: thrown,
    })
  }
  return text.replaceAll('\r\n', '\n').trim() || refuse(`${file} is empty`)
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    throw new PipelineError('PIPELINE_INVALID', `${folder} cannot be read: ${reasonOf(thrown)}`, {
      cause: thrown,
    })
  }
}

function reasonOf(thrown: unknown): string {
  if (isSystemError(thrown, 'ENOENT')) return 'it does not exist'
  if (thrown instanceof TypeError) return 'it is not UTF-8'
  return messageOf(thrown)
}
