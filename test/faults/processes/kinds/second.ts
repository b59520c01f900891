import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { launch } from '../../../e2e/pinflow.ts'
import { Broken } from '../../campaign.ts'
import type { Fault } from '../fault.ts'

/** One that is not refused would run until it is stopped. */
const timeoutMs = 60_000

/** Another platform on the same folder is refused; the first is not disturbed. */
export const second: Fault = async (subject) => {
  const args = ['start', '--data', subject.place.data, '--gateway-port', '0', '--api-port', '0']
  const child = launch(args, { env: subject.env, before: subject.place.before })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  child.stdout!.resume()
  const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'close')])
  clearTimeout(timer)
  if (code !== 1 || !stderr.includes('DATA_FOLDER_IN_USE'))
    throw new Broken(`a second platform on the folder ended with ${code}: ${stderr}`)
  return ['second platform on the folder']
}
