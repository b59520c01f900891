import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Server, serve, stderrLogger } from '../../src/cli/serve.ts'
import { loadSettings, openPipeline } from '../../src/cli/settings.ts'

/** The packaged pipeline on a new data folder, its doors on free ports. */
export async function startPlatform(): Promise<Server & { end(): Promise<void> }> {
  const data = await mkdtemp(join(tmpdir(), 'pinflow-engines-data-'))
  const settings = await loadSettings({ data, gatewayPort: 0, apiPort: 0 })
  const server = await serve(settings, await openPipeline(settings), { logger: stderrLogger('warn') })
  const end = async () => {
    await server.close()
    await rm(data, { recursive: true })
  }
  return { ...server, end }
}
