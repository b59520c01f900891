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
  /** The operation needs takes, landings and stream cleaning to go on. */
  running?: boolean
}

/**
 * Run an operation on a data folder: through the API of the process that owns it, else in this process, which then
 * owns it meanwhile.
 *
 * @throws DATA_FOLDER_UNUSABLE when there is no data, and what the operation throws
 */
export async function call<Name extends OperationName>(
  globals: GlobalOptions,
  name: Name,
  parameters: ParametersOf<Name>,
  options: CallOptions = {},
): Promise<ResultOf<Name>> {
  const settings = await loadSettings(globals)
  const { data } = settings.config
  const owner = await DataFolder.owner(data)
  if (owner) return (await callOwner(owner, name, parameters, options)) as ResultOf<Name>
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
  const { onItem = () => undefined, signal = new AbortController().signal } = options
  try {
    if (options.running) platform.start()
    return (await runOperation(name, { platform, signal, emit: onItem }, parameters)) as ResultOf<Name>
  } finally {
    await platform.abandon()
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
