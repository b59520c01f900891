import { pinflow } from '../../../e2e/pinflow.ts'
import { Broken } from '../../campaign.ts'
import type { Fault } from '../fault.ts'

/** Another platform on the same folder is refused; the first is not disturbed. */
export const second: Fault = async (subject) => {
  const args = ['start', '--data', subject.place.data, '--gateway-port', '0', '--api-port', '0']
  const { code, stderr } = await pinflow(args, { env: subject.env, before: subject.place.before })
  if (code !== 1 || !stderr.includes('DATA_FOLDER_IN_USE'))
    throw new Broken(`a second platform on the folder ended with ${code}: ${stderr}`)
  return ['second platform on the folder']
}
