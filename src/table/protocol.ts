import { PipelineError } from '../core/index.ts'
import type { Action, MetaData, Protocol } from './actions.ts'
import { type DeltaField, type DeltaType, parseSchemaString } from './schema.ts'

/**
 * What this reader and writer can do of the Delta protocol, and what it refuses. A listed feature that a table does
 * not use (no column mapping, no live deletion vector) is no reason to refuse it.
 *
 * @see Delta PROTOCOL.md, "Requirements for Readers", "Requirements for Writers"
 */
const readerFeatures = ['columnMapping', 'deletionVectors', 'timestampNtz', 'vacuumProtocolCheck']
const writerFeatures = [
  ...readerFeatures,
  'appendOnly',
  'changeDataFeed',
  'checkConstraints',
  'generatedColumns',
  'identityColumns',
  'invariants',
]

/** Protocol of the tables made here: every reader accepts it. */
export const protocolWritten: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }

/** @throws TABLE_UNSUPPORTED when reading this table needs what is not implemented */
export function checkReadable(protocol: Protocol, metaData: MetaData, where: string): void {
  const refuse = refusal(where)
  if (protocol.minReaderVersion > 3) refuse(`reader version ${protocol.minReaderVersion}`)
  for (const feature of protocol.readerFeatures ?? []) {
    if (!readerFeatures.includes(feature)) refuse(`reader feature ${feature}`)
  }
  const mapping = metaData.configuration['delta.columnMapping.mode'] ?? 'none'
  if (protocol.minReaderVersion >= 2 && mapping !== 'none') refuse(`column mapping by ${mapping}`)
  if (metaData.format.provider !== 'parquet') refuse(`format ${metaData.format.provider}`)
}

/** @throws TABLE_UNSUPPORTED when committing these actions needs what is not implemented */
export function checkWritable(
  protocol: Protocol,
  metaData: MetaData,
  actions: readonly Action[],
  where: string,
): void {
  const refuse = refusal(`${where}, writing`)
  if (protocol.minWriterVersion > 7) refuse(`writer version ${protocol.minWriterVersion}`)
  for (const feature of protocol.writerFeatures ?? []) {
    if (!writerFeatures.includes(feature)) refuse(`writer feature ${feature}`)
  }
  const on = (name: string) => metaData.configuration[name]?.toLowerCase() === 'true'
  const removes = actions.some((action) => 'remove' in action && action.remove.dataChange)
  if (removes && on('delta.appendOnly')) refuse('delta.appendOnly, and data would be removed')
  if (removes && on('delta.enableChangeDataFeed')) refuse('change data feed, and data would be removed')
  if (on('delta.enableRowTracking')) refuse('row tracking')
  if (on('delta.enableInCommitTimestamps')) refuse('in-commit timestamps')
  if (metaData.partitionColumns.length > 0) refuse('partition columns')
  const constraint = Object.keys(metaData.configuration).find((name) => name.startsWith('delta.constraints.'))
  if (constraint) refuse(constraint)
  for (const field of fieldsOf(parseSchemaString(metaData.schemaString, where))) {
    const rule = Object.keys(field.metadata).find((name) =>
      /^delta\.(invariants|generationExpression|identity\.)/.test(name),
    )
    if (rule) refuse(`${rule} of column ${field.name}`)
    if (!field.nullable) refuse(`column ${field.name}, which may not be null`)
  }
}

/** Fields of a schema at any depth. */
function* fieldsOf(fields: readonly DeltaField[]): Generator<DeltaField> {
  for (const field of fields) {
    yield field
    yield* fieldsOf(fieldsWithin(field.type))
  }
}

function fieldsWithin(type: DeltaType): DeltaField[] {
  if (typeof type === 'string') return []
  if (type.type === 'struct') return type.fields
  if (type.type === 'array') return fieldsWithin(type.elementType)
  return [...fieldsWithin(type.keyType), ...fieldsWithin(type.valueType)]
}

function refusal(where: string): (what: string) => never {
  return (what) => {
    throw new PipelineError('TABLE_UNSUPPORTED', `${where}: ${what}`)
  }
}
