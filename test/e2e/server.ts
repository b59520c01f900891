import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { serve, stderrLogger } from '../../src/cli/serve.ts'
import { openPipeline } from '../../src/cli/settings.ts'
import { loadConfig } from '../../src/core/index.ts'
import type { Platform } from '../../src/platform/index.ts'

export interface Running {
  platform: Platform
  gatewayUrl: string
  /** Close it, and remove its folder. */
  stop(): Promise<void>
}

/**
 * A whole platform in this process, on free ports, over a data folder of its own.
 *
 * @param pipelineFiles files of a pipeline folder by their paths; default: the packaged pipeline
 */
export async function startServer(pipelineFiles?: Readonly<Record<string, string>>): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'pinflow-e2e-'))
  const pipeline = join(folder, 'pipeline')
  for (const [name, content] of Object.entries(pipelineFiles ?? {})) {
    await mkdir(dirname(join(pipeline, name)), { recursive: true })
    await writeFile(join(pipeline, name), content)
  }
  const flags = {
    data: join(folder, 'data'),
    ...(pipelineFiles && { pipeline }),
    'gateway.port': 0,
    'api.port': 0,
  }
  const settings = await loadConfig({ environment: {}, flags, folder })
  const server = await serve(settings, await openPipeline(settings), { logger: stderrLogger('warn') })
  return {
    platform: server.platform,
    gatewayUrl: server.gatewayUrl,
    stop: async () => {
      await server.close()
      await rm(folder, { recursive: true })
    },
  }
}
