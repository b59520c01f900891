import { randomBytes } from 'node:crypto'
import { type Logger, pino } from 'pino'
import { type Api, serveApi } from '../api/index.ts'
import { Preparer } from '../clean/index.ts'
import { type LoadedConfig, memoryShares, type PipelineError } from '../core/index.ts'
import { createGateway, type Gateway, type Judge } from '../gateway/index.ts'
import type { Pipeline } from '../pipeline/index.ts'
import { Platform } from '../platform/index.ts'

/** A platform with its doors open. */
export interface Server {
  platform: Platform
  gatewayUrl: string
  apiUrl: string
  /** Refuse new requests, finish those under way, land and clean what is in the log, let go of the folder. */
  close(): Promise<void>
}

/** A record's key may come on top of its value, as Kinesis counts it. */
const keyAllowanceBytes = 2_048

/** Logs go to standard error, results to standard output. */
export function stderrLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
}

/** Open the platform, start it, and open its doors; on any failure everything is closed again. */
export async function serve(
  { config }: LoadedConfig,
  pipeline: Pipeline,
  options: { logger: Logger; adopt?: boolean; onFatal?: (error: PipelineError) => void },
): Promise<Server> {
  const { recordBytesMax } = config.log
  const roomy = { ...config, log: { ...config.log, recordBytesMax: recordBytesMax + keyAllowanceBytes } }
  const platform = await Platform.open({ config: roomy, pipeline, ...options })
  let gateway: Gateway | undefined
  let api: Api | undefined
  const close = async () => {
    await gateway?.close()
    await api?.close()
    await platform.close()
  }
  try {
    platform.start()
    const { logger } = options
    gateway = createGateway({
      log: platform.log,
      options: {
        ...config.gateway,
        recordBytesMax,
        inFlightBytesMax: memoryShares(config.memory.capBytes).inFlightBytes,
      },
      judge: judgeOf(pipeline),
      onRefused: (refused) => platform.refusals.note(refused),
      logger,
    })
    const { url: gatewayUrl } = await gateway.listen()
    const token = config.api.token ?? randomBytes(24).toString('hex')
    api = await serveApi(platform, { ...config.api, token, logger })
    await platform.folder.publish({ apiUrl: api.url, gatewayUrl, token, pid: process.pid })
    return { platform, gatewayUrl, apiUrl: api.url, close }
  } catch (error) {
    await gateway?.close()
    await api?.close()
    await platform.abandon()
    throw error
  }
}

/** Tells a door whether a record will be quarantined before any SQL sees it. */
function judgeOf({ datasets }: Pipeline): Judge {
  const preparers = new Map(
    datasets.flatMap((dataset) => {
      const preparer = new Preparer(dataset, datasets)
      return dataset.topics.map(({ name }): [string, Preparer] => [name, preparer])
    }),
  )
  return (topic, value) => preparers.get(topic)?.prepare(value).bad !== undefined
}
