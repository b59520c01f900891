import { type ResultOf, runOperation } from '../api/index.ts'
import type { LoadedConfig } from '../core/index.ts'
import { Platform } from '../platform/index.ts'
import type { Caller } from './call.ts'
import { stderrLogger } from './serve.ts'
import { openPipeline } from './settings.ts'

/** Operations in this process, which owns the data folder meanwhile. @param running as for `connect` */
export async function openCaller(settings: LoadedConfig, { running }: { running: boolean }): Promise<Caller> {
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
