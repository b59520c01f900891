/** Owns the folder it is given until it is killed, or told to close: `published` or the error's code is its answer. */
import { DataFolder, PipelineError } from '../../src/core/index.ts'

const [path = '', url = ''] = process.argv.slice(2)
try {
  const folder = await DataFolder.open(path)
  await folder.publish({ apiUrl: url, gatewayUrl: `${url}/gateway`, token: 'secret', pid: process.pid })
  process.send?.('published')
  process.on('message', async () => {
    await folder.close()
    process.disconnect()
  })
} catch (error) {
  process.send?.(error instanceof PipelineError ? error.code : String(error))
  process.disconnect?.()
}
