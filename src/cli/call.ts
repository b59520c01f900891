import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { OperationName, ParametersOf, ResultOf } from '../api/index.ts'
import { DataFolder, type ErrorCode, messageOf, type Owner, PipelineError } from '../core/index.ts'
import { cancellable } from './cancelled.ts'
import { type GlobalOptions, loadSettings } from './settings.ts'

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
  // Most commands ask a process that has all of it loaded.
  const { openCaller } = await import('./open-caller.ts')
  return openCaller(settings, { running })
}

/**
 * Run one operation on a data folder.
 *
 * @param options.cancellable Ctrl-C ends the operation, in whichever process it runs
 * @throws Cancelled
 */
export async function call<Name extends OperationName>(
  globals: GlobalOptions,
  name: Name,
  parameters: ParametersOf<Name>,
  options: CallOptions & { running?: boolean; cancellable?: boolean } = {},
): Promise<ResultOf<Name>> {
  const caller = await connect(globals, options)
  try {
    if (!options.cancellable) return await caller.call(name, parameters, options)
    return await cancellable((signal) => caller.call(name, parameters, { ...options, signal }))
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
    for await (const line of linesOf(await post(owner, name, parameters, signal))) {
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

/** Not by `fetch`, which takes longer to load than most answers, and gives up on one that takes five minutes. */
async function post(
  { apiUrl, token }: Owner,
  name: string,
  parameters: unknown,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const request = process.getBuiltinModule('node:http').request(`${apiUrl}/api/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    ...(signal && { signal }),
  })
  request.end(JSON.stringify(parameters))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response.setEncoding('utf8')
}

/** Lines as they come; what follows the last line end is none. */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let begun = ''
  for await (const piece of pieces) {
    const [rest = '', ...next] = piece.split('\n')
    begun += rest
    for (const line of next) {
      yield begun
      begun = line
    }
  }
}

interface Line {
  item?: unknown
  result?: unknown
  error?: { code: ErrorCode; message: string }
}
