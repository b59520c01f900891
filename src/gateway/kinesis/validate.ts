import { kinesisRefusal } from './door.ts'
import type { Member, Shape, Structure, Value, Values } from './shape.ts'

/** AWS reports no more of them at once. */
const problemsMax = 10

/** A list this long is not printed further in a message. */
const shownMax = 20

/**
 * Hold values against the constraints of their shapes.
 *
 * @param blobBytesMax the largest a blob may be
 * @throws ValidationException with every failure (at most ten) in one message, in the words of AWS
 */
export function validate(values: Values, structure: Structure, blobBytesMax: number): void {
  const problems: string[] = []
  checkStructure(values, structure, '', blobBytesMax, problems)
  if (problems.length === 0) return
  const errors = problems.length === 1 ? 'validation error' : 'validation errors'
  throw kinesisRefusal('ValidationException', `${problems.length} ${errors} detected: ${problems.join('; ')}`)
}

/** The message for one member that is missing. */
export function missing(path: string): string {
  return `Value null at '${path}' failed to satisfy constraint: Member must not be null`
}

function checkStructure(
  values: Values,
  structure: Structure,
  path: string,
  blobMax: number,
  problems: string[],
) {
  for (const [name, member] of Object.entries(structure.members)) {
    check(values[name], member, path + lowerFirst(name), blobMax, problems)
  }
}

function check(
  value: Value | undefined,
  shape: Member,
  path: string,
  blobMax: number,
  problems: string[],
): void {
  if (value === undefined) {
    if (shape.required && problems.length < problemsMax) problems.push(missing(path))
    return
  }
  for (const rule of brokenRules(value, shape, blobMax)) {
    if (problems.length === problemsMax) return
    problems.push(
      `Value '${shown(value, shape)}' at '${path}' failed to satisfy constraint: Member must ${rule}`,
    )
  }
  if (shape.type === 'Structure') checkStructure(value as Values, shape, `${path}.`, blobMax, problems)
  if (shape.type !== 'List') return
  for (const [index, element] of (value as readonly Value[]).entries()) {
    if (problems.length === problemsMax) return
    const place = `${path}.${index + 1}.`
    if (shape.of.type === 'Structure') checkStructure(element as Values, shape.of, place, blobMax, problems)
    else check(element, shape.of, `${place}member`, blobMax, problems)
  }
}

function brokenRules(value: Value, shape: Shape, blobMax: number): string[] {
  switch (shape.type) {
    case 'String':
      return brokenStringRules(value as string, shape)
    case 'Integer': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = shape
      if ((value as number) < min) return [`have value greater than or equal to ${min}`]
      return (value as number) > max ? [`have value less than or equal to ${max}`] : []
    }
    case 'Blob':
      return brokenLength((value as Buffer).length, 0, blobMax)
    case 'List':
      return brokenLength((value as readonly Value[]).length, shape.lengthMin, shape.lengthMax)
    case 'Structure':
      return []
  }
}

function brokenStringRules(text: string, shape: Shape & { type: 'String' }): string[] {
  const { pattern, oneOf, lengthMin, lengthMax = Number.POSITIVE_INFINITY } = shape
  const rules: string[] = []
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(text)) {
    rules.push(`satisfy regular expression pattern: ${pattern}`)
  }
  if (oneOf && !oneOf.includes(text)) rules.push(`satisfy enum value set: [${oneOf.join(', ')}]`)
  const length = text.length > lengthMax ? [...text].length : text.length
  return [...rules, ...brokenLength(length, lengthMin, lengthMax)]
}

function brokenLength(length: number, min = 0, max = Number.POSITIVE_INFINITY): string[] {
  if (length < min) return [`have length greater than or equal to ${min}`]
  return length > max ? [`have length less than or equal to ${max}`] : []
}

function shown(value: Value, shape: Shape): string {
  if (Buffer.isBuffer(value)) return `java.nio.HeapByteBuffer[pos=0 lim=${value.length} cap=${value.length}]`
  if (shape.type === 'Structure') return `com.amazonaws.kinesis.v20131202.${shape.className ?? 'Structure'}@0`
  if (shape.type !== 'List') return String(value)
  const elements = value as readonly Value[]
  const printed = elements.slice(0, shownMax).map((element) => shown(element, shape.of))
  return `[${printed.join(', ')}${elements.length > shownMax ? ', …' : ''}]`
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
