/** Writes docs/errors.md from the list of error codes and the list of reasons. */
import { writeFile } from 'node:fs/promises'
import { reasons } from '../src/clean/index.ts'
import { errorCodes } from '../src/core/index.ts'

const head = `# Errors

Made by \`node scripts/error-docs.ts\`; do not edit.

Every failure names one of these codes, what happened, and what to do. *Retriable* means that the same call may succeed
later. A command that fails ends with exit code 1 when it is yours to mend, with 2 when it is ours, and with 130 after
Ctrl-C. \`pinflow explain CODE\` says the same of each, without a network or data.

| code | stage | retriable | exit code | what it means | what to do |
|---|---|---|---|---|---|
`

const reasonsHead = `
## Reasons for quarantine

Records that do not fit their dataset are no errors: they are kept, and in quarantine for one of these reasons. Some name
a column after the code, as \`TYPE_MISMATCH age\`. \`pinflow explain REASON\` knows them as well.

| reason | what it means, and what to do |
|---|---|
`

/** The text of docs/errors.md. */
export function errorDocs(): string {
  const errors = Object.entries(errorCodes).map(([code, { stage, retriable, fault, means, next }]) =>
    row(`\`${code}\``, stage, retriable ? 'yes' : 'no', fault === 'user' ? '1' : '2', means, next),
  )
  const bad = Object.entries(reasons).map(([code, text]) => row(`\`${code}\``, text))
  return head + errors.join('') + reasonsHead + bad.join('')
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
}

if (import.meta.main) await writeFile(new URL('../docs/errors.md', import.meta.url), errorDocs())
