import { countText, DataFolder, type LoadedConfig, PipelineError } from '../core/index.ts'
import { examineSurroundings, exitCodeOf, type Finding, failure } from '../doctor/index.ts'
import { call } from './call.ts'
import { type GlobalOptions, loadSettings } from './settings.ts'

export interface DoctorOptions extends GlobalOptions {
  deep?: boolean
}

/** How long a platform that runs may take to look at itself. */
const patienceMs = 60_000
const deepPatienceMs = 3_600_000

/**
 * Look at everything that can be in the way: of the machine, and through the platform that runs, or else by opening the
 * folder. Where that cannot be done either, why not is what is found.
 *
 * @returns the exit code
 */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings = await look(options)
  if (options.json) console.log(JSON.stringify({ ok: exitCodeOf(findings) === 0, findings }, null, 2))
  else for (const line of textOf(findings)) console.log(line)
  return exitCodeOf(findings)
}

async function look(options: DoctorOptions): Promise<Finding[]> {
  let settings: LoadedConfig
  try {
    settings = await loadSettings(options)
  } catch (error) {
    return [{ check: 'configuration', ...failure(error) }]
  }
  const { data } = settings.config
  const owner = await DataFolder.owner(data).catch(() => undefined)
  const around = await examineSurroundings({ settings, owner })
  // Of a folder that is not there, or without the modules that read it, nothing more can be said.
  const isBlind = around.some(({ check, state }) => check === 'native modules' && state === 'fail')
  if (isBlind || !(await DataFolder.exists(data))) return around
  try {
    const { deep = false } = options
    const signal = AbortSignal.timeout(deep ? deepPatienceMs : patienceMs)
    const inside = await call(options, 'doctor', { deep }, { signal })
    if (!signal.aborted) return [...around, ...inside]
    throw new PipelineError('SERVER_UNREACHABLE', 'the platform that runs does not tell how it is')
  } catch (error) {
    const { state, ...told } = failure(error)
    const inUse = error instanceof PipelineError && error.code === 'DATA_FOLDER_IN_USE'
    return [...around, { check: 'platform', ...told, state: inUse ? 'warn' : state }]
  }
}

function* textOf(findings: readonly Finding[]): Generator<string> {
  for (const { check, state, seen, next } of findings) {
    yield `${state.padEnd(4)}  ${check}: ${seen}`
    if (next !== undefined) yield `      → ${next}`
  }
  const of = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const warnings = of('warn') === 0 ? '' : `, ${countText(of('warn'), 'warning')}`
  yield ''
  yield of('fail') === 0
    ? `Nothing is broken: ${countText(findings.length, 'check')}${warnings}.`
    : `${of('fail')} of ${countText(findings.length, 'check')} failed${warnings}.`
}
