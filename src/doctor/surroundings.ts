import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import {
  bytesText,
  countText,
  DataFolder,
  freeBytes,
  isSystemError,
  type LoadedConfig,
  messageOf,
  type Owner,
} from '../core/index.ts'
import { type Check, fail, ok, type Verdict, warn } from './finding.ts'
import { leftovers } from './leftovers.ts'

/** What can be looked at whether a platform runs or not, and whether its folder can be opened or not. */
export interface Surroundings {
  settings: LoadedConfig
  /** The process that owns the data folder. */
  owner: Owner | undefined
}

/** In the order in which trouble with one makes trouble with the next. */
export const surroundingChecks: readonly Check<Surroundings>[] = [
  { name: 'node', look: node },
  { name: 'native modules', look: nativeModules },
  { name: 'configuration', look: configuration },
  { name: 'data folder', look: dataFolder },
  { name: 'owner', look: owner },
  { name: 'port of the front doors', look: (subject) => port(subject, 'gateway') },
  { name: 'port of the API', look: (subject) => port(subject, 'api') },
  { name: 'free space', look: space },
  { name: 'leftover files', look: leftoverFiles },
]

const oldestNode = [22, 22] as const

function node(): Verdict {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const seen = `Node ${process.version} on ${process.platform} ${process.arch}`
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return ok(seen)
  return fail(seen, `Install Node ${oldestNode.join('.')} or later.`)
}

async function nativeModules(): Promise<Verdict> {
  const loaded: string[] = []
  for (const name of ['lmdb', '@duckdb/node-api', 'node:sqlite']) {
    try {
      await import(name)
      loaded.push(name)
    } catch (error) {
      const next = 'Install again for this machine: `npm ci`, not with --ignore-scripts or --omit=optional.'
      return fail(`${name} cannot be loaded: ${messageOf(error).split('\n')[0]}`, next)
    }
  }
  return ok(`${loaded.join(', ')} load`)
}

function configuration({ settings: { origins } }: Surroundings): Verdict {
  const set = Object.entries(origins).filter(([, origin]) => origin !== 'default')
  if (set.length === 0) return ok('valid; every key has its default')
  return ok(`valid; set are ${set.map(([key, origin]) => `${key} (${origin})`).join(', ')}`)
}

/** Reads the format, and writes a file, for rights say little on network volumes and as root. */
async function dataFolder({ settings: { config } }: Surroundings): Promise<Verdict> {
  const root = resolve(config.data)
  const next = 'Name the right folder with --data, or begin with `pinflow demo` or `pinflow start`.'
  let format: unknown
  try {
    format = (JSON.parse(await readFile(join(root, 'pinflow.json'), 'utf8')) as { format?: unknown }).format
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return fail(`there is no data in ${root}`, next)
    return fail(`pinflow.json in ${root} cannot be read: ${messageOf(error)}`, 'Put it back from a copy.')
  }
  const probe = join(root, `.doctor-${process.pid}`)
  try {
    await writeFile(probe, 'x')
  } catch (error) {
    return fail(
      `${root} cannot be written: ${messageOf(error)}`,
      'Check the volume, its mount, and the rights of this user.',
    )
  } finally {
    await rm(probe, { force: true }).catch(() => undefined)
  }
  return ok(`${root}, format ${String(format)}, can be written`)
}

async function owner({ settings: { config }, owner: known }: Surroundings): Promise<Verdict> {
  if (!known) {
    if (!(await DataFolder.isOwned(config.data))) return ok('nothing runs on the folder')
    const next = 'A command may be at work: try again. If it stays so, find the process that has `lock` open.'
    return warn('a process owns the folder, and does not say how to reach it', next)
  }
  const ready = await fetch(`${known.apiUrl}/health/ready`, { signal: AbortSignal.timeout(5_000) })
    .then((response) => response.json() as Promise<{ ok: boolean; refused?: { message: string } }>)
    .catch((error: unknown) => ({ ok: false, refused: { message: messageOf(error) } }))
  const who = `process ${known.pid}, front doors ${known.gatewayUrl}, API ${known.apiUrl}`
  if (ready.ok) return ok(`${who}: takes records`)
  const why = ready.refused?.message ?? 'it does not say why'
  return fail(`${who} takes no records: ${why}`, 'See its standard error; stop it if it does not answer.')
}

async function port(
  { settings: { config }, owner: known }: Surroundings,
  part: 'gateway' | 'api',
): Promise<Verdict> {
  const { host, port: wanted } = config[part]
  const ours = known && new URL(part === 'gateway' ? known.gatewayUrl : known.apiUrl).port
  if (ours !== undefined) return ok(`${ours}, of the platform that runs`)
  if (wanted === 0) return ok('any free one')
  const error = await listen(host, wanted)
  if (error === undefined) return ok(`${wanted} is free`)
  const flag = part === 'gateway' ? '--gateway-port' : '--api-port'
  const next = `Start with ${flag} N (0 = any free one), or stop what listens there.`
  return fail(`${wanted} of ${host} cannot be listened on: ${error}`, next)
}

function listen(host: string, wanted: number): Promise<string | undefined> {
  const server = createServer()
  return new Promise((done) => {
    server.once('error', (error) => done(messageOf(error)))
    server.listen(wanted, host, () => server.close(() => done(undefined)))
  })
}

function space({ settings: { config } }: Surroundings): Verdict {
  const root = resolve(config.data)
  if (!existsSync(root)) return ok('not looked at: there is no folder')
  const free = freeBytes(root)
  const least = config.log.freeBytesMin
  const seen = `${bytesText(free)} are free on the volume, the log leaves ${bytesText(least)}`
  const next = 'Free space on the volume of the data folder, or move the folder to a larger one.'
  if (free < least) return fail(`${seen}: records are refused`, next)
  return free < 2 * least + 2 ** 28 ? warn(seen, next) : ok(seen)
}

async function leftoverFiles({ settings: { config }, owner: known }: Surroundings): Promise<Verdict> {
  const root = resolve(config.data)
  // A platform that runs has files under way.
  if (known) return ok('not looked at while a platform runs')
  const { files, bytes } = await leftovers(root)
  if (files === 0) return ok('none')
  const seen = `${countText(files, 'file')} of a process that was killed (${bytesText(bytes)})`
  return warn(seen, 'Nothing needs to be done: the next start deletes them.')
}
