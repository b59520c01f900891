/**
 * Fastify's `schemaController` for servers whose routes have no schemas: what else compiles schemas is a fifth of all
 * that a server loads.
 */
export const withoutSchemas = { compilersFactory: { buildValidator: compiler, buildSerializer: compiler } }

function compiler(): never {
  throw new Error('no route has a schema')
}
