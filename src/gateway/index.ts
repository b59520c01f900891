export { hostAllowed, urlOf } from './address.ts'
export type { GatewayLogger, Judge } from './context.ts'
export { createGateway, type Gateway, type GatewayParts } from './gateway.ts'
export type { GatewayOptions } from './options.ts'
