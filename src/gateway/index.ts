export type { Judge } from './context.ts'
export { createGateway, type Gateway, type GatewayLogger, type GatewayParts } from './gateway.ts'
export { type GatewayOptions, gatewayDefaults } from './options.ts'
