import type { Command } from 'commander'
import type { DoctorOptions } from '../doctor.ts'
import type { GlobalOptions } from '../settings.ts'

/** Commands for who is stuck: doctor, explain. */
export function addHelpCommands(program: Command): void {
  program
    .command('doctor')
    .description('look at everything that can be in the way, and say what to do')
    .option('--deep', 'read every file of the tables, not the newest alone')
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('../doctor.ts')
      process.exitCode = await doctor(options)
    })

  program
    .command('explain')
    .argument('[code]', 'an error such as LOG_FULL, or a reason such as TYPE_MISMATCH')
    .description('say what an error or a reason for quarantine means, and what to do; needs no data')
    .action(explainCommand)
}

async function explainCommand(code: string | undefined, options: GlobalOptions): Promise<void> {
  const { explain, explanations, explanationText } = await import('../explain.ts')
  if (code !== undefined) {
    const found = explain(code)
    console.log(options.json ? JSON.stringify(found, null, 2) : explanationText(found))
    return
  }
  const all = explanations()
  if (options.json) {
    console.log(JSON.stringify(all, null, 2))
    return
  }
  for (const [kind, title] of [
    ['error', 'Errors'],
    ['reason', 'Reasons for quarantine'],
  ] as const) {
    console.log(title)
    for (const { code: name, means } of all.filter((known) => known.kind === kind))
      console.log(`  ${name.padEnd(22)}  ${means}`)
    console.log()
  }
  console.log('`pinflow explain CODE` says more of one.')
}
