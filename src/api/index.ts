export {
  type Context,
  type OperationName,
  operations,
  type ParametersOf,
  type ResultOf,
} from './operations.ts'
export { type Api, type ApiOptions, runOperation, serveApi } from './server.ts'
