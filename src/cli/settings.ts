import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LoadedConfig, loadConfig } from '../core/index.ts'
import type { Pipeline } from '../pipeline/index.ts'

/** The options every command takes. */
export interface GlobalOptions {
  pipeline?: string
  data?: string
  config?: string
  gatewayPort?: number
  apiPort?: number
  json?: boolean
}

/** Beside the sources in a checkout, beside the compiled code in a package. */
const packagedPipeline = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'pipelines', 'pinterest')

/**
 * The configuration of a command: defaults, file, environment, flags.
 *
 * @param flags values by key that the command itself sets
 * @throws CONFIG_INVALID
 */
export function loadSettings(
  options: GlobalOptions,
  flags: Record<string, unknown> = {},
): Promise<LoadedConfig> {
  const { pipeline, data, config, gatewayPort, apiPort } = options
  const given = { pipeline, data, 'gateway.port': gatewayPort, 'api.port': apiPort, ...flags }
  return loadConfig({
    ...(config !== undefined && { file: config }),
    environment: process.env,
    flags: given,
    folder: process.cwd(),
  })
}

/**
 * The present definition of a dataset, where the command or its configuration names the pipeline: a platform that was
 * started before may go by another.
 */
export async function namedDefinition(
  options: GlobalOptions,
  dataset: string,
): Promise<{ definition?: string }> {
  const settings = await loadSettings(options)
  if (settings.config.pipeline === undefined) return {}
  const { datasets } = await openPipeline(settings)
  const definition = datasets.find(({ name }) => name === dataset)?.definition
  return definition === undefined ? {} : { definition }
}

/** @throws PIPELINE_INVALID */
export async function openPipeline({ config }: LoadedConfig): Promise<Pipeline> {
  const { loadPipeline } = await import('../pipeline/index.ts')
  return loadPipeline(config.pipeline ?? packagedPipeline, { id: config.id })
}
