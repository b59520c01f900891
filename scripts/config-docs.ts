/** Writes docs/configuration.md from the configuration's schema. */
import { writeFile } from 'node:fs/promises'
import { configKeys, secretKeys } from '../src/core/index.ts'

const head = `# Configuration

Made by \`node scripts/config-docs.ts\`; do not edit.

A value comes from the first of these that gives it: a flag; the environment; the file after \`--config\`, or
\`pinflow.config.json\`, \`.ts\` or \`.js\` (default export) in the current folder; the default. Keys are nested in a file:
\`{ "gateway": { "port": 8082 } }\`. In the environment a list is written with commas, and \`null\` is null. What is not
known, or not what it must be, is refused. \`pinflow config\` shows every value and where it came from.

| key | type | unit, meaning | default | environment |
|---|---|---|---|---|
`

/** What a type needs of a key's schema, which is plain JSON Schema. */
interface Shape {
  type?: string
  minimum?: number
  maximum?: number
  pattern?: string
  minLength?: number
  items?: Shape
  anyOf?: Shape[]
}

/** The text of docs/configuration.md. */
export function configDocs(): string {
  return head + configKeys.map(row).join('')
}

function row({ key, variable, schema }: (typeof configKeys)[number]): string {
  const meaning = `${schema.description}${secretKeys.has(key) ? ' (secret: never shown)' : ''}`
  const cells = [
    `\`${key}\``,
    typeOf(schema as Shape),
    meaning,
    `\`${JSON.stringify(schema.default)}\``,
    `\`${variable}\``,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
}

function typeOf(schema: Shape): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'values'}`
  if (schema.type === 'integer') return `integer ${range(schema)}`
  if (schema.pattern !== undefined) return `string \`${schema.pattern}\``
  if (schema.minLength !== undefined && schema.minLength > 1) return `string of at least ${schema.minLength}`
  return schema.type ?? 'any'
}

function range({ minimum = 0, maximum }: Shape): string {
  return maximum === undefined ? `≥ ${minimum}` : `${minimum}–${maximum}`
}

if (import.meta.main) await writeFile(new URL('../docs/configuration.md', import.meta.url), configDocs())
