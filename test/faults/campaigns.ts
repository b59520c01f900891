import type { Campaign } from './campaign.ts'

/** Every campaign by its name; loaded one at a time, each in a process of its own. The longest come first. */
export const campaigns: Readonly<Record<string, () => Promise<Campaign>>> = {}
