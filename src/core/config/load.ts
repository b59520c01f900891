import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as v from 'valibot'
import { isSystemError, messageOf, PipelineError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { type Config, type ConfigKey, configKeys, secretKeys } from './schema.ts'

/** Where a value comes from; later ones win: default, file, environment, flag. */
export interface ConfigSources {
  /** A file that must exist; default: `pinflow.config.json`, `.ts` or `.js` of the working folder, if one does. */
  file?: string
  environment: Readonly<Record<string, string | undefined>>
  /** Values by key (`gateway.port`). */
  flags: Readonly<Record<string, unknown>>
  /** Working folder. */
  folder: string
}

export interface LoadedConfig {
  config: Config
  /** By key: `default`, `environment PINFLOW_…`, `flag`, or the file's path. */
  origins: Readonly<Record<string, string>>
}

interface Setting {
  value: unknown
  origin: string
}

const defaultFiles = ['pinflow.config.json', 'pinflow.config.ts', 'pinflow.config.js']
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/

/** @throws CONFIG_INVALID naming the key, its value, where it came from, and what is expected */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const settings = new Map<string, Setting>()
  for (const known of configKeys) settings.set(known.key, { value: known.default, origin: 'default' })
  const file = await readConfigFile(sources)
  if (file) {
    const { path: origin, content } = file
    for (const [key, value] of flatten(content, origin)) set(settings, key, { value, origin })
  }
  for (const [variable, value] of Object.entries(sources.environment)) {
    if (variable.startsWith('PINFLOW_') && value !== undefined) setFromVariable(settings, variable, value)
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value !== undefined) set(settings, key, { value, origin: 'flag' })
  }
  for (const known of configKeys) check(known, settings.get(known.key) as Setting)
  refuseBeyondLoopback(settings)
  const origins = Object.fromEntries([...settings].map(([key, { origin }]) => [key, origin]))
  return { config: unflatten(settings), origins }
}

export interface DescribedKey {
  key: string
  value: unknown
  origin: string
  description: string
}

/** Every key with its value (secrets masked), where it came from, and what it means. */
export function describeConfig({ config, origins }: LoadedConfig): DescribedKey[] {
  const values = new Map(flatten(config, 'the configuration'))
  return configKeys.map(({ key, description }) => ({
    key,
    value: secretKeys.has(key) && values.get(key) !== null ? '********' : values.get(key),
    origin: origins[key] ?? 'default',
    description,
  }))
}

async function readConfigFile({
  file,
  folder,
}: ConfigSources): Promise<{ path: string; content: unknown } | undefined> {
  for (const name of file === undefined ? defaultFiles : [file]) {
    const path = resolve(folder, name)
    try {
      const text = await readFile(path, 'utf8')
      if (extname(path) === '.json') return { path, content: JSON.parse(text) }
      const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
      return { path, content: module.default }
    } catch (error) {
      if (file === undefined && isSystemError(error, 'ENOENT')) continue
      const why = isSystemError(error, 'ENOENT') ? 'it does not exist' : messageOf(error)
      throw new PipelineError('CONFIG_INVALID', `the configuration file ${path}: ${why}`, { cause: error })
    }
  }
  return undefined
}

function set(settings: Map<string, Setting>, key: string, setting: Setting): void {
  if (!settings.has(key))
    throw unknownKey(
      key,
      setting.origin,
      configKeys.map((known) => known.key),
    )
  settings.set(key, setting)
}

function setFromVariable(settings: Map<string, Setting>, variable: string, text: string): void {
  const known = configKeys.find((candidate) => candidate.variable === variable)
  if (!known)
    throw unknownKey(
      variable,
      'the environment',
      configKeys.map((candidate) => candidate.variable),
    )
  settings.set(known.key, { value: valueFromText(known, text), origin: `environment ${variable}` })
}

/** A list may be written with commas, everything else as in JSON; what does not parse is text. */
function valueFromText({ schema }: ConfigKey, text: string): unknown {
  const parsed = fromJson(text)
  const parts = text.split(',').map((part) => part.trim())
  const value = [text, parsed, parts].find((candidate) => v.is(schema, candidate))
  if (value !== undefined) return value
  // A number beyond the limits is refused as such, not as text.
  return typeof parsed === 'number' ? parsed : text
}

/** @returns undefined for what is not JSON */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function check({ key, schema, type, description }: ConfigKey, { value, origin }: Setting): void {
  if (v.is(schema, value)) return
  const shown = secretKeys.has(key) ? '********' : JSON.stringify(value)
  throw new PipelineError('CONFIG_INVALID', `${key} = ${shown} (${origin}) must be ${type}: ${description}`)
}

/** Without authentication nothing may listen where others reach it. */
function refuseBeyondLoopback(settings: ReadonlyMap<string, Setting>): void {
  for (const key of ['gateway.host', 'api.host']) {
    const { value, origin } = settings.get(key) as Setting
    if (loopback.test(String(value))) continue
    const why = 'this version has no authentication, so it listens on this machine alone (127.0.0.1)'
    throw new PipelineError('CONFIG_INVALID', `${key} = ${JSON.stringify(value)} (${origin}): ${why}`)
  }
}

/** @param origin for messages */
function flatten(content: unknown, origin: string, prefix = ''): [key: string, value: unknown][] {
  if (content === null || typeof content !== 'object' || Array.isArray(content)) {
    throw new PipelineError(
      'CONFIG_INVALID',
      prefix === ''
        ? `${origin} holds no object of keys and values${extname(origin) === '.json' ? '' : ' as its default export'}`
        : `${prefix.slice(0, -1)} (${origin}) must be an object`,
    )
  }
  return Object.entries(content).flatMap(([name, value]): [string, unknown][] => {
    const key = prefix + name
    const isGroup = configKeys.some((known) => known.key.startsWith(`${key}.`))
    return isGroup ? flatten(value, origin, `${key}.`) : [[key, value]]
  })
}

function unflatten(settings: ReadonlyMap<string, Setting>): Config {
  const config: Record<string, unknown> = {}
  for (const [key, { value }] of settings) {
    const [first = '', second] = key.split('.')
    if (second === undefined) config[first] = value
    else config[first] = { ...(config[first] as object | undefined), [second]: value }
  }
  return config as Config
}

function unknownKey(key: string, origin: string, known: readonly string[]): PipelineError {
  const [closest] = nearest(key, known, 1)
  return new PipelineError(
    'CONFIG_INVALID',
    `${origin} names an unknown key ${key}; did you mean ${closest}?`,
  )
}
