import { appendFile, cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { OperationName, ParametersOf, ResultOf } from '../../../src/api/index.ts'
import { PipelineError } from '../../../src/core/index.ts'
import { root, type Started, start } from '../../e2e/pinflow.ts'
import { Broken } from '../campaign.ts'

/** Everything happens often. */
const env = {
  PINFLOW_TAKE_AGE_MS: '40',
  PINFLOW_LAND_AGE_MS: '150',
  PINFLOW_LAND_FLUSH_SIZE: '100',
  PINFLOW_LOG_SEGMENT_BYTES: '100000',
  PINFLOW_CLEAN_GROUP_RECORDS_MAX: '300',
}

/** A data folder with a pipeline folder that can be changed, and the platform on them while it runs. */
export class Site {
  readonly folder: string
  #server: Started | undefined
  #token = ''

  private constructor(folder: string) {
    this.folder = folder
  }

  /** @param folder empty */
  static async make(folder: string): Promise<Site> {
    await mkdir(join(folder, 'pipelines'))
    await cp(join(root, 'pipelines', 'pinterest'), join(folder, 'pipelines', 'pinterest'), {
      recursive: true,
    })
    for (const name of ['src', 'node_modules', 'package.json'])
      await symlink(join(root, name), join(folder, name))
    return new Site(folder)
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  get pipeline(): string {
    return join(this.folder, 'pipelines', 'pinterest')
  }

  get isDead(): boolean {
    return this.#server === undefined
  }

  async start(): Promise<Started> {
    const server = await start(['--data', this.data, '--pipeline', this.pipeline], { env })
    const owner = JSON.parse(await readFile(join(this.data, 'server.json'), 'utf8')) as { token: string }
    this.#token = owner.token
    this.#server = server
    return server
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    const code = await server?.stop()
    if (code !== undefined && code !== 0) throw new Broken(`it ended with ${code}: ${server?.stderr()}`)
  }

  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    server?.child.kill('SIGKILL')
    await server?.stop()
  }

  /** The same rows by another text. */
  async changeDefinition(dataset: string): Promise<void> {
    await appendFile(join(this.pipeline, 'clean', `${dataset}.sql`), '\n-- changed\n')
  }

  async ask<Name extends OperationName>(
    name: Name,
    parameters: ParametersOf<Name>,
    onItem: (item: unknown) => void = () => undefined,
  ): Promise<ResultOf<Name>> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` }
    const body = JSON.stringify(parameters)
    const response = await fetch(`${this.#server?.apiUrl}/api/${name}`, { method: 'POST', headers, body })
    if (!response.body) throw new Error(`${name}: ${response.status}`)
    for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
      const { item, result, error } = JSON.parse(line) as {
        item?: unknown
        result?: ResultOf<Name>
        error?: { code: 'INTERNAL'; message: string }
      }
      if (error) throw new PipelineError(error.code, `${name}: ${error.message}`)
      if (item !== undefined) onItem(item)
      if (result !== undefined) return result
    }
    throw new Error(`${name} ended without a result`)
  }

  /** A dataset stands still for another definition, or is paused; the others go on; and the doors are ready. */
  async expectStandsStill(dataset: string): Promise<void> {
    for (let look = 0; ; look++) {
      const response = await fetch(`${this.#server?.apiUrl}/health/ready`)
      const { workers } = (await response.json()) as {
        workers: Record<string, { state: string; error?: string }>
      }
      const wrong = Object.entries(workers).filter(([name, { state, error = '' }]) => {
        if (name.endsWith(`.${dataset}`)) return !['stopped', 'paused'].includes(state)
        return state === 'stopped' && !error.includes('another definition')
      })
      if (response.status === 200 && wrong.length === 0) return
      if (look > 100) throw new Broken(`${response.status}: ${JSON.stringify(workers)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Clean as a batch what is not standing still. */
  async runBatch(): Promise<void> {
    await this.ask('runBatch', {}).catch((error: unknown) => {
      if (!String(error).includes('another definition')) throw error
    })
  }

  /** What a person does who reads the states: rebuild what is of another definition, resume what is paused. */
  async putRight(datasets: readonly string[]): Promise<void> {
    for (const dataset of datasets) {
      const resumed = await this.ask('resume', { dataset }).catch((error: unknown) => error)
      const states = (await this.ask('status', {})).workers
      const stopped = ['stream', 'batch'].some((path) => states[`${path}.${dataset}`]?.state === 'stopped')
      if (stopped || resumed instanceof PipelineError) await this.ask('rebuild', { dataset })
    }
  }
}
