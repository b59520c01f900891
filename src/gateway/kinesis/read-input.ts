import { type JsonNode, stringOf } from '../../core/index.ts'
import { decodeBase64 } from '../base64.ts'
import { serializationRefusal } from './door.ts'
import type { Shape, Structure, Value, Values } from './shape.ts'

/** Levels of nodes that the deepest shape needs. */
export const inputLevels = 4

/**
 * The values of a structure in JSON. Members without a shape are left out, as AWS does; of a repeated one the last
 * counts.
 *
 * @throws SerializationException for a value of another type
 */
export function readStructure(bytes: Buffer, node: JsonNode, { members }: Structure): Values {
  const values: Record<string, Value> = {}
  for (const { name, value } of node.members!) {
    const shape = Object.hasOwn(members, name) ? members[name] : undefined
    if (!shape) continue
    if (value.kind === 'null') delete values[name]
    else values[name] = readValue(bytes, value, shape)
  }
  return values
}

function readValue(bytes: Buffer, node: JsonNode, shape: Shape): Value {
  switch (shape.type) {
    case 'String':
      if (node.kind !== 'string') throw wrongType(node, 'an String')
      return stringOf(bytes, node)
    case 'Integer':
      if (node.kind !== 'number') throw wrongType(node, 'an Integer')
      return Math.min(Math.floor(Number(bytes.toString('latin1', node.start, node.end))), 2 ** 31 - 1)
    case 'Blob':
      if (node.kind !== 'string') throw wrongType(node, 'a Blob')
      return readBlob(stringOf(bytes, node))
    case 'List':
      if (node.kind === 'object') throw serializationRefusal(structureFound)
      if (node.kind !== 'array') throw serializationRefusal('Expected list or null')
      return readList(bytes, node.elements!, shape.of)
    case 'Structure':
      if (node.kind === 'array') throw serializationRefusal(listFound)
      if (node.kind !== 'object') throw serializationRefusal('Expected null')
      return readStructure(bytes, node, shape)
  }
}

function readList(bytes: Buffer, elements: readonly JsonNode[], shape: Shape): Value[] {
  return elements.map((element) => {
    if (element.kind === 'null') throw serializationRefusal('Expected a list without nulls')
    return readValue(bytes, element, shape)
  })
}

function readBlob(text: string): Buffer {
  const data = text.length % 4 === 0 ? decodeBase64(text) : undefined
  if (data !== undefined) return data
  const shown = `'${text.slice(0, 100)}' can not be converted to a Blob: `
  if (text.length % 4 !== 0) {
    const rule = 'Base64 encoded length is expected a multiple of 4 bytes but found: '
    throw serializationRefusal(`${shown}${rule}${text.length}`)
  }
  const stranger = /[^a-zA-Z0-9+/=]|=[^=]/.exec(text)?.[0]?.[0] ?? '='
  throw serializationRefusal(`${shown}Invalid Base64 character: '${stranger}'`)
}

const listFound = 'Start of list found where not expected'
const structureFound = 'Start of structure or map found where not expected.'

function wrongType({ kind }: JsonNode, wanted: string) {
  if (kind === 'array') return serializationRefusal(listFound)
  if (kind === 'object') return serializationRefusal(structureFound)
  const classes = {
    string: 'java.lang.String',
    number: 'java.math.BigDecimal',
    boolean: 'java.lang.Boolean',
    null: 'null',
  }
  return serializationRefusal(`class ${classes[kind]} can not be converted to ${wanted}`)
}
