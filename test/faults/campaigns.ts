import type { Campaign } from './campaign.ts'

/** Every campaign by its name; loaded one at a time, each in a process of its own. The longest come first. */
export const campaigns: Readonly<Record<string, () => Promise<Campaign>>> = {
  processes: async () => (await import('./processes/processes.ts')).processes,
  overload: async () => (await import('./overload/campaign.ts')).campaign,
  'power-cuts': async () => (await import('./power/power-cuts.ts')).powerCuts,
  simulation: async () => (await import('./simulation/simulations.ts')).simulations,
  'bit-flips': async () => (await import('./bit-flips/bit-flips.ts')).bitFlips,
  changes: async () => (await import('./changes/changes.ts')).changes,
  interleavings: async () => (await import('./simulation/interleavings.ts')).interleavings,
  'failing-io': async () => (await import('./failing-io/failing-io.ts')).failingIo,
}
