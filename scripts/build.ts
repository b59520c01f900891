/**
 * Makes what is published: `dist/` (compiled `src` and `pipelines`, with the files of pipelines that are no code) and
 * `npm-shrinkwrap.json` (exact versions of what is installed with it). `--clean` removes the latter again: beside
 * package-lock.json it would decide what npm installs in the checkout.
 */
import { spawnSync } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const inRoot = (...names: string[]) => join(root, ...names)
const shrinkwrap = inRoot('npm-shrinkwrap.json')

interface Installed {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

interface Lock {
  /** By the path of their folder; the package itself is ''. */
  packages: Record<string, Installed>
}

if (process.argv.includes('--clean')) await rm(shrinkwrap, { force: true })
else await build()

async function build(): Promise<void> {
  await rm(inRoot('dist'), { recursive: true, force: true })
  compile()
  await cp(inRoot('pipelines'), inRoot('dist', 'pipelines'), {
    recursive: true,
    filter: (source) => extname(source) !== '.ts',
  })
  await writeFile(shrinkwrap, await lockOfUsers())
}

function compile(): void {
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc')
  const { status, error } = spawnSync(process.execPath, [tsc, '-p', inRoot('tsconfig.build.json')], {
    stdio: 'inherit',
  })
  if (status === 0) return
  console.error(
    `build: src and pipelines do not compile${error ? ` (${error.message})` : ''}; nothing was made`,
  )
  process.exit(1)
}

/** package-lock.json without what only development needs. */
async function lockOfUsers(): Promise<string> {
  const lock = JSON.parse(await readFile(inRoot('package-lock.json'), 'utf8')) as Lock
  const needed = dependenciesIn(lock)
  for (const path of Object.keys(lock.packages)) if (!needed.has(path)) delete lock.packages[path]
  delete lock.packages['']?.devDependencies
  return `${JSON.stringify(lock, null, 2)}\n`
}

/** Not what npm marks as of development alone: a compiler that a dependency knows how to use is no part of it. */
function dependenciesIn({ packages }: Lock): Set<string> {
  const found = new Set([''])
  for (const path of found) {
    const { dependencies, optionalDependencies } = packages[path] ?? {}
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const place = placeOf(name, path, packages)
      if (place !== undefined) found.add(place)
    }
  }
  return found
}

/** Where Node finds a package that another names: in its own folder or one above. */
function placeOf(name: string, from: string, packages: Lock['packages']): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    const place = `${folder}${folder && '/'}node_modules/${name}`
    if (place in packages) return place
    if (folder === '') return undefined
  }
}
