import type { Command } from 'commander'
import { call } from '../call.ts'
import { printVerification } from '../print-report.ts'
import type { GlobalOptions } from '../settings.ts'

/** The command that holds the data to account. */
export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description('recount everything from the raw lake and the epoch log, and compare')
    .action(async (options: GlobalOptions) => {
      const done = await call(options, 'verify', {})
      if (options.json) console.log(JSON.stringify(done, null, 2))
      else {
        for (const { name, detail, ok } of done.checks)
          console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}: ${detail}`)
        printVerification(done, console.log)
      }
      process.exitCode = done.ok ? 0 : 1
    })
}
