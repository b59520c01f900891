export interface Edit {
  file: string
  /** Stands in the file exactly once. */
  find: string
  replace: string
}

/** A guarantee taken out of the sources, and what must notice. */
export interface Mutation {
  name: string
  edits: readonly Edit[]
  /** The command that fails; the seeds are fixed, so it always does. */
  caughtBy: readonly string[]
  /** What the guard then says is lost, double or wrong: nothing that another failure says too. */
  shows: RegExp
}

/** Few runs of a campaign, with seeds that show it. */
const campaign = (name: string, seed: number, runs = 1): readonly string[] => [
  'node',
  'test/faults/run.ts',
  '--only',
  name,
  '--seed',
  String(seed),
  '--runs',
  String(runs),
]

export const mutations: readonly Mutation[] = [
  {
    name: 'acknowledge before the commit',
    edits: [
      {
        file: 'src/log/embedded/embedded-log.ts',
        find: `    await this.#writes.track(this.#commit(target, key, batch))
    return { baseOffset, appendTimeMs }`,
        replace: `    void this.#writes.track(this.#commit(target, key, batch))
    return { baseOffset, appendTimeMs }`,
      },
    ],
    caughtBy: campaign('simulation', 1),
    shows: /acknowledged is not in the log/,
  },
  {
    name: 'no txn check of the quarantine',
    edits: [{ file: 'src/clean/stager.ts', find: 'base.quarantineEpoch),', replace: '0),' }],
    // The seeds that meet it are few, and other ones after each change of what workers do.
    caughtBy: campaign('simulation', 201, 320),
    shows: /the stream table holds/,
  },
  {
    name: 'no txn check of the data table',
    edits: [
      {
        file: 'src/clean/table-pair.ts',
        find: 'dataEpoch: data.txns.get(appId) ?? 0',
        replace: 'dataEpoch: 0',
      },
    ],
    caughtBy: campaign('simulation', 1),
    shows: /not everything had come through/,
  },
  {
    name: 'data committed before its quarantine',
    edits: [
      {
        file: 'src/clean/table-pair.ts',
        find: `    const { generation } = state
    if (group.quarantined.length > 0) {`,
        replace: `    const { generation } = state
    const quarantineLast = async () => {
    if (group.quarantined.length > 0) {`,
      },
      {
        file: 'src/clean/table-pair.ts',
        find: `        return discard(this.data, group.rows)
      }
    }
    const quarantine = await this.quarantine.snapshot()
    const version =`,
        replace: `        return undefined
      }
    }
    return undefined
    }
    const quarantine = await this.quarantine.snapshot()
    const version =`,
      },
      {
        file: 'src/clean/table-pair.ts',
        find: `    return version ?? discard(this.data, group.rows)
  }
`,
        replace: `    if (version === undefined) return discard(this.data, group.rows)
    await quarantineLast()
    return version
  }
`,
      },
    ],
    caughtBy: campaign('simulation', 101),
    shows: /the stream table holds/,
  },
  {
    name: 'no check of the state that a commit was computed from',
    edits: [
      {
        file: 'src/clean/pair-commit.ts',
        find: 'if (!newest || !(await onlyMaintenance(table, snapshot.version, newest.version))) return undefined',
        replace: 'if (!newest) return undefined',
      },
    ],
    caughtBy: campaign('simulation', 1),
    shows: /the stream table holds/,
  },
  {
    name: 'no key rule',
    edits: [
      {
        file: 'src/clean/key-rule.ts',
        find: '  if (first === undefined) {',
        replace: `  if (first === undefined || first !== '') {`,
      },
    ],
    caughtBy: campaign('simulation', 1),
    shows: /the stream table holds/,
  },
  {
    name: 'epoch entries written over',
    edits: [
      {
        file: 'src/lake/epoch-log.ts',
        find: `    if (!(await this.#store.putIfAbsent(key, encodeEntry(entry)))) {
`,
        replace: `    await this.#store.put(key, encodeEntry(entry))
    if (entry.epoch < 0) {
`,
      },
    ],
    caughtBy: campaign('simulation', 1),
    shows: /was written over/,
  },
  {
    name: 'landed marker put before its objects',
    edits: [
      {
        file: 'src/lake/landing.ts',
        find: `    await this.#putSame(key, content, \`offsets \${from} to \${to - 1} of the log\`)
`,
        replace: `    this.#later.push(() => this.#putSame(key, content, \`offsets \${from} to \${to - 1} of the log\`))
`,
      },
      {
        file: 'src/lake/landing.ts',
        find: `  readonly #topicsFolder: string

`,
        replace: `  readonly #topicsFolder: string
  readonly #later: (() => Promise<void>)[] = []

`,
      },
      {
        file: 'src/lake/landing.ts',
        find: `    await this.#putSame(key, content, \`land \${entry.epoch}\`)
`,
        replace: `    await this.#putSame(key, content, \`land \${entry.epoch}\`)
    for (const put of this.#later.splice(0)) await put()
`,
      },
    ],
    caughtBy: campaign('simulation', 1),
    shows: /was put before/,
  },
  {
    name: 'no flush of the log',
    edits: [
      {
        file: 'src/log/embedded/segment-file.ts',
        find: '    overlappingSync: false,\n',
        replace: '    overlappingSync: false,\n    noSync: true,\n',
      },
    ],
    caughtBy: campaign('power-cuts', 1, 2),
    // Which of these depends on what the kernel had written by itself.
    shows:
      /acknowledged records and \d+ others that were read are no longer in the log|LOG_BEHIND_LAKE: |LOG_DAMAGED: there is nothing in segment/,
  },
  {
    name: 'no flush of objects before they get their name',
    edits: [
      {
        file: 'src/core/object-store/local.ts',
        find: '      await file.writeFile(content)\n      await file.sync()\n',
        replace: '      await file.writeFile(content)\n',
      },
    ],
    caughtBy: campaign('power-cuts', 1, 2),
    // An object that has its name, and is empty.
    shows: /its pinflow\.json names no format|(EPOCHS|LAKE|TABLE)_DAMAGED: /,
  },
]
