import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { type OperationName, type ParametersOf, type ResultOf, runOperation } from '../api/index.ts'
import { DataFolder, type ErrorCode, messageOf, type Owner, PipelineError } from '../core/index.ts'
import { Platform } from '../platform/index.ts'
import { stderrLogger } from './serve.ts'
import { type GlobalOptions, loadSettings, openPipeline } from './settings.ts'

export interface CallOptions {
  /** Takes the items of a result that has many. */
  onItem?: (item: unknown) => void
  /** Ends what goes on without end. */
  signal?: AbortSignal
}

/** Operations on one data folder, until it is closed. */
export interface Caller {
  /** @throws what the operation throws */
  call<Name extends OperationName>(
    name: Name,
    parameters: ParametersOf<Name>,
    options?: CallOptions,
  ): Promise<ResultOf<Name>>
  close(): Promise<void>
}

/**
 * Reach a data folder: through the API of the process that owns it, else in this process, which then owns it
 * meanwhile.
 *
 * @param running the operations need takes, landings and stream cleaning to go on
 * @throws DATA_FOLDER_UNUSABLE when there is no data
 */
export async function connect(globals: GlobalOptions, { running = false } = {}): Promise<Caller> {
  const settings = await loadSettings(globals)
  const { data } = settings.config
  const owner = await DataFolder.owner(data)
  if (owner) {
    return {
      call: async (name, parameters, options = {}) =>
        (await callOwner(owner, name, parameters, options)) as ResultOf<typeof name>,
      close: async () => undefined,
    }
  }
  if (!(await DataFolder.exists(data))) {
    throw new PipelineError(
      'DATA_FOLDER_UNUSABLE',
      `there is no data in ${data}: name another folder with --data, or begin with \`pinflow demo\` or \`pinflow start\``,
    )
  }
  const platform = await Platform.open({
    config: settings.config,
    pipeline: await openPipeline(settings),
    logger: stderrLogger('warn'),
  })
  if (running) platform.start()
  return {
    call: async (
      name,
      parameters,
      { onItem = () => undefined, signal = new AbortController().signal } = {},
    ) => (await runOperation(name, { platform, signal, emit: onItem }, parameters)) as ResultOf<typeof name>,
    close: () => platform.abandon(),
  }
}

/** Run one operation on a data folder. */
export async function call<Name extends OperationName>(
  globals: GlobalOptions,
  name: Name,
  parameters: ParametersOf<Name>,
  options: CallOptions & { running?: boolean } = {},
): Promise<ResultOf<Name>> {
  const caller = await connect(globals, options)
  try {
    return await caller.call(name, parameters, options)
  } finally {
    await caller.close()
  }
}

async function callOwner(
  owner: Owner,
  name: string,
  parameters: unknown,
  { onItem, signal }: CallOptions,
): Promise<unknown> {
  try {
    const response = await fetch(`${owner.apiUrl}/api/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${owner.token}` },
      body: JSON.stringify(parameters),
      signal: signal ?? null,
    })
    if (!response.body) throw new Error(`status ${response.status} without a body`)
    for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
      const { item, result, error } = JSON.parse(line) as Line
      if (item !== undefined) onItem?.(item)
      else if (error) throw new PipelineError(error.code, error.message)
      else return result
    }
    throw new Error('it ended without a result')
  } catch (error) {
    if (error instanceof PipelineError) throw error
    if (signal?.aborted) return undefined
    throw new PipelineError(
      'SERVER_UNREACHABLE',
      `process ${owner.pid} at ${owner.apiUrl}: ${messageOf(error)}`,
      { cause: error },
    )
  }
}

interface Line {
  item?: unknown
  result?: unknown
  error?: { code: ErrorCode; message: string }
}
