import { literal, type Session } from '../../engine/index.ts'

/**
 * From here on the engine of a session reads these files alone, and no setting can be changed. It may still write them,
 * and anything where it spills: that no text does so is for `judge` to see to.
 */
export async function lockDown(session: Session, paths: readonly string[]): Promise<void> {
  await session.run(`SET allowed_paths = [${paths.map(literal).join(', ')}]`)
  await session.run('SET enable_external_access = false')
  await session.run('SET lock_configuration = true')
}
