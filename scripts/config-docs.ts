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

/** The text of docs/configuration.md. */
export function configDocs(): string {
  return head + configKeys.map(row).join('')
}

function row({ key, variable, ...known }: (typeof configKeys)[number]): string {
  const meaning = `${known.description}${secretKeys.has(key) ? ' (secret: never shown)' : ''}`
  const cells = [`\`${key}\``, known.type, meaning, `\`${JSON.stringify(known.default)}\``, `\`${variable}\``]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
}

if (import.meta.main) await writeFile(new URL('../docs/configuration.md', import.meta.url), configDocs())
