/** Writes docs/errors.md from the list of error codes. */
import { writeFile } from 'node:fs/promises'
import { errorCodes } from '../src/core/index.ts'

const head = `# Errors

Made by \`node scripts/error-docs.ts\`; do not edit.

Every failure names one of these codes, what happened, and what to do. *Retriable* means that the same call may succeed
later. A command that fails ends with exit code 1 when it is yours to mend, with 2 when it is ours. Records that do not
fit their dataset are no errors: they are kept, and listed by \`pinflow quarantine\`.

| code | stage | retriable | exit code | what to do |
|---|---|---|---|---|
`

/** The text of docs/errors.md. */
export function errorDocs(): string {
  const rows = Object.entries(errorCodes).map(([code, { stage, retriable, fault, next }]) => {
    const cells = [`\`${code}\``, stage, retriable ? 'yes' : 'no', fault === 'user' ? '1' : '2', next]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  })
  return head + rows.join('')
}

if (import.meta.main) await writeFile(new URL('../docs/errors.md', import.meta.url), errorDocs())
