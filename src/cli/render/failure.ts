import { messageOf, PipelineError } from '../../core/index.ts'

/**
 * What every command that fails prints on standard error, in one form: the code, what happened and to what; the cause,
 * where the message does not hold it; the next step; and that there is more to read.
 *
 *     TABLE_UNKNOWN: there is no table pins, but stream.pin, batch.pin
 *     Next: `pinflow tables` lists the tables.
 *     More: pinflow explain TABLE_UNKNOWN
 *
 * What is no PipelineError is a mistake of the program: it is INTERNAL, with the place in the code for a report of it.
 */
export function failureText(thrown: unknown): string {
  const error =
    thrown instanceof PipelineError
      ? thrown
      : new PipelineError('INTERNAL', messageOf(thrown), { cause: thrown })
  const lines = [`${error.code}: ${error.message}`, ...causesOf(error), `Next: ${error.next}`]
  if (error !== thrown && thrown instanceof Error) lines.push(stackOf(thrown))
  lines.push(`More: pinflow explain ${error.code}`)
  return lines.join('\n')
}

/** Causes that the message does not name, the nearest first. */
function causesOf(error: Error): string[] {
  const causes: string[] = []
  let said = error.message
  for (let { cause } = error; cause instanceof Error; { cause } = cause) {
    const [first = ''] = cause.message.split('\n')
    const [told = ''] = said.split('\n')
    if (first !== '' && !said.includes(first) && !first.includes(told)) causes.push(`Cause: ${first}`)
    said = cause.message
  }
  return causes
}

function stackOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}
